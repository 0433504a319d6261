// SPDX-License-Identifier: Apache-2.0
//
// What a plugin may get wrong in a host call: the table looks at the arguments before anybody else does.
import CKCSPlugin
import CLinux
import Events
import LinuxIO
import PluginHost
import Schema
import TestKit
import Testing

/// Keeps what it is told. One thread at a time uses it in these tests.
private final class Mistakes: MisuseReporter {
    var lines: [String] = []
    override func report(_ text: String) { lines.append(text) }
}

/// Moves what the checker cannot see to be one thread's at a time.
private struct Moved<Value>: @unchecked Sendable {
    let value: Value
}

/// A place for a plugin that writes down what reached it.
private final class Place: HandlerInstance {
    var calls: [String] = []
    let mistakes = Mistakes()
    override func makeReporter() -> MisuseReporter { mistakes }
    override func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        calls.append("str \(mask) \(value)")
        return KCS_OK
    }
    override func run(
        _ arguments: [String], timeout: UInt64, _ context: UnsafeMutableRawPointer?, _ done: RunCallback?
    ) -> Int32 {
        calls.append("run \(arguments.joined(separator: " "))")
        return KCS_OK
    }
    override func annotate(
        kind: UInt32, direction: UInt32, linkType: UInt32, _ bytes: UnsafeRawBufferPointer, text: String?
    ) -> Int32 {
        calls.append("annotate \(bytes.count) \(text ?? "nil")")
        return KCS_OK
    }
}

@Suite(.serialized, .enabled(if: CCompiler.isThere)) struct HostTableTests {
    private let folder = TestFolder()
    private let place: Place
    private let host: UnsafePointer<kcs_host>
    private let channel: OpaquePointer

    init() throws {
        let source = "\(CCompiler.root)/Tests/Plugins/PluginHostTests/Plugins/table.c"
        let path = try CCompiler.library(source, to: "\(folder.path)/libkcs-table.so")
        let plugin = try PluginLoader(folders: [], trust: .any).load(path).get()
        place = Place(
            plugin: plugin, options: Value(type: .object, mark: .start, isGiven: false, payload: .object([])))
        #expect(place.create())
        // The plugin's global: what its create was given.
        let library = try DynamicLibrary.load(path).get()
        let given = try #require(library.symbol("given")).assumingMemoryBound(to: UnsafeRawPointer?.self)
        host = try #require(given[0]).assumingMemoryBound(to: kcs_host.self)
        channel = OpaquePointer(try #require(given[1]))
    }

    @Test func tableSaysWhatItIs() {
        #expect(host.pointee.size == UInt32(MemoryLayout<kcs_host>.size))
        #expect(host.pointee.abi == UInt32(KCS_ABI_MAJOR) << 16 | UInt32(KCS_ABI_MINOR))
        #expect(String(cString: host.pointee.version) == Version.text)
        place.destroy()
    }

    @Test(arguments: [KCS_STR_OBF, KCS_STR_IBF, KCS_STR_CD, 0xFF])
    func hardwaresBitsOfSTRAreNotTheHandlers(bit: UInt32) {
        #expect(host.pointee.write_str(channel, UInt8(bit), 0) == KCS_E_INVALID)
        #expect(host.pointee.write_both(channel, 0, UInt8(bit), 0) == KCS_E_INVALID)
        #expect(host.pointee.replace(channel, 0, UInt8(bit), 0) == KCS_E_INVALID)
        #expect(host.pointee.write_str(channel, 0xF4, 0xFF) == KCS_OK)
        #expect(place.calls == ["str 244 255"])
        place.destroy()
    }

    @Test func callsInTheWrongPhaseAreRefused() {
        var value: UInt8 = 0
        var str: UInt8 = 0
        #expect(host.pointee.read_idr(channel, &value, &str) == KCS_E_UNAVAILABLE)
        #expect(host.pointee.read_str(channel) == KCS_E_UNAVAILABLE)
        #expect(host.pointee.write_odr(channel, 1) == KCS_E_UNAVAILABLE)
        #expect(host.pointee.reply(channel, 1, &value, 1) == KCS_E_UNAVAILABLE)
        #expect(host.pointee.timer_set(channel, 77, 1) == KCS_E_INVALID)
        #expect(host.pointee.timer_close(channel, 77) == KCS_E_INVALID)
        #expect(host.pointee.watch_set(channel, 77, 1) == KCS_E_INVALID)
        #expect(host.pointee.watch_close(channel, 77) == KCS_E_INVALID)
        place.destroy()
    }

    @Test func argumentListsAreLookedAt() {
        var none: [UnsafePointer<CChar>?] = [nil]
        #expect(host.pointee.run(channel, &none, 1, nil, { _, _, _ in }) == KCS_E_INVALID)
        "/bin/true".withCString { text in
            var endless = [UnsafePointer<CChar>?](repeating: text, count: 1000)
            #expect(host.pointee.run(channel, &endless, 1, nil, { _, _, _ in }) == KCS_E_INVALID)
            var sound: [UnsafePointer<CChar>?] = [text, text, nil]
            #expect(host.pointee.run(channel, &sound, 1, nil, { _, _, _ in }) == KCS_OK)
        }
        #expect(place.calls == ["run /bin/true /bin/true"])
        place.destroy()
    }

    @Test func nullIsTakenWhereTheHeaderAllowsIt() {
        var byte: UInt8 = 1
        #expect(host.pointee.annotate(channel, 0, 0, 0, nil, 0, nil) == KCS_OK)
        #expect(host.pointee.annotate(channel, 0, 0, 0, nil, 1, nil) == KCS_E_INVALID)
        #expect(host.pointee.annotate(channel, 0, 0, 0, &byte, 1, "x") == KCS_OK)
        #expect(host.pointee.annotate(channel, 0, 0, 0, &byte, UInt64.max, "x") == KCS_E_INVALID)
        #expect(place.calls == ["annotate 0 nil", "annotate 1 x"])
        #expect(host.pointee.dump(channel, 0, nil, nil) == KCS_E_UNAVAILABLE)
        var window = kcs_window()
        #expect(host.pointee.map_window(channel, &window) == KCS_E_INVALID, "its size is not set")
        window.size = UInt32(MemoryLayout<kcs_window>.size)
        #expect(host.pointee.map_window(channel, &window) == KCS_E_UNAVAILABLE)
        place.destroy()
    }

    /// Runs `body` on a thread of its own, to its end.
    private func elsewhere(_ body: @escaping () -> Void) throws { try #require(Thread.start(body)).join() }

    @Test func callsOnAnotherThreadAreRefusedInOneLineEach() throws {
        let table = Moved(value: (host, channel))
        let answers = Moved(value: UnsafeMutablePointer<Int32>.allocate(capacity: 24))
        defer { answers.value.deallocate() }
        answers.value.initialize(repeating: 77, count: 24)
        try elsewhere {
            let (host, channel) = (table.value.0.pointee, table.value.1)
            var (value, str, number, descriptor) = (UInt8(0), UInt8(0), UInt32(0), Int32(0))
            var window = kcs_window()
            var none: [UnsafePointer<CChar>?] = [nil]
            var option = kcs_value()
            let results = [
                host.read_idr(channel, &value, &str), host.read_str(channel), host.write_odr(channel, 1),
                host.write_str(channel, 4, 4), host.write_both(channel, 1, 4, 4), host.replace(channel, 1, 4, 4),
                host.want_output(channel, 1), host.reply(channel, 1, &value, 1), host.set_attention(channel, 1),
                host.timer_open(channel, nil, { _, _ in }, &number), host.timer_set(channel, 1, 1),
                host.timer_close(channel, 1), host.watch_open(channel, 0, 1, nil, { _, _, _ in }, &number),
                host.watch_set(channel, 1, 1), host.watch_close(channel, 1), host.socket(channel, "x", &descriptor),
                host.map_window(channel, &window), host.run(channel, &none, 1, nil, nil),
                host.work(channel, nil, { _ in }, nil), host.actions_run(channel, &option, "x", nil, nil),
                host.annotate(channel, 0, 0, 0, nil, 0, nil), host.dump(channel, 0, nil, nil),
            ]
            host.log(channel, 0, "x")
            host.fail(channel, "x")
            for (index, result) in results.enumerated() { answers.value[index] = result }
            answers.value[22] = host.now(channel) > 1_000_000 ? 1 : 0
            // The one that is legal: it reached the instance, which has none here.
            answers.value[23] = host.post(channel, nil, { _ in })
        }
        let seen = Array(UnsafeBufferPointer(start: answers.value, count: 24))
        #expect(seen == Array(repeating: KCS_E_THREAD, count: 22) + [1, KCS_E_UNAVAILABLE])
        #expect(place.calls == [], "nothing was done")
        #expect(place.mistakes.lines.count == 25)
        #expect(place.mistakes.lines[2] == "write_odr() was called on another thread than the loop's, and refused")
        place.destroy()
    }

    @Test func callsAfterDestroyAreRefused() {
        let mistakes = place.mistakes
        place.destroy()
        #expect(host.pointee.write_odr(channel, 1) == KCS_E_UNAVAILABLE)
        #expect(host.pointee.reply(channel, 1, nil, 0) == KCS_E_UNAVAILABLE)
        #expect(host.pointee.post(channel, nil, { _ in }) == KCS_E_UNAVAILABLE)
        #expect(host.pointee.now(channel) > 0)
        host.pointee.log(channel, 0, "too late")
        #expect(
            mistakes.lines
                == ["write_odr", "reply", "post", "now", "log"].map { "\($0)() was called after destroy, and refused" })
    }

    @Test func wrongArgumentsLeaveALine() {
        _ = host.pointee.write_str(channel, 0x0B, 0)
        _ = host.pointee.want_output(channel, 3)
        _ = host.pointee.reply(channel, 1, nil, 4)
        #expect(
            place.mistakes.lines == [
                "write_str() with mask 0xb names bits of STR that belong to the hardware",
                "want_output() was asked for 3, which is no KCS_OUTPUT", "reply() of 4 bytes has none",
            ])
        place.destroy()
    }

    @Test func valueThatIsNoActionsOfTheInstanceIsRefused() {
        var value = kcs_value()
        value.type = UInt32(KCS_OPTION_ACTIONS)
        #expect(host.pointee.actions_run(channel, &value, "cause", nil, nil) == KCS_E_INVALID)
        place.destroy()
    }
}
