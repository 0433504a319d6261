// SPDX-License-Identifier: Apache-2.0
//
// What a plugin may get wrong in a host call: the table looks at the arguments before anybody else does.
import CKCSPlugin
import CLinux
import LinuxIO
import PluginHost
import Schema
import TestKit
import Testing

/// A place for a plugin that writes down what reached it.
private final class Place: HandlerInstance {
    var calls: [String] = []
    override func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        calls.append("str \(mask) \(value)")
        return KCS_OK
    }
    override func run(
        _ arguments: [String], timeout: UInt64, _ context: UnsafeMutableRawPointer?, _ done: @escaping RunCallback
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
        let source = "\(CCompiler.root)/Tests/PluginHostTests/Plugins/table.c"
        let path = try CCompiler.library(source, to: "\(folder.path)/libkcs-table.so")
        let plugin = try PluginLoader(folders: [], trust: .strict).load(path).get()
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

    @Test func valueThatIsNoActionsOfTheInstanceIsRefused() {
        var value = kcs_value()
        value.type = UInt32(KCS_OPTION_ACTIONS)
        #expect(host.pointee.actions_run(channel, &value, "cause", nil, nil) == KCS_E_INVALID)
        place.destroy()
    }
}
