// SPDX-License-Identifier: Apache-2.0
//
// `kcsctl decode`, as it stands behind a pipe at night.
import CLinux
import Capture
import JSON
import LinuxIO
import Testing

@Suite struct DecodeCommandTests {
    private let folder = TemporaryFolder()

    private func recorder() -> Recorder {
        let recorder = Recorder(RecorderIdentity(channel: "ipmi", description: "a test"), events: 1024)
        recorder.wallOffset(1_700_000_000_000_000_000, at: 0)
        return recorder
    }

    private func message(_ recorder: Recorder, _ direction: Direction, _ bytes: [UInt8], at time: UInt64) {
        bytes.withUnsafeBytes { recorder.message(direction, link: .ipmi, $0, at: time) }
    }

    private func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder.path + "/" + name
        let file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        _ = bytes.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        return path
    }

    private func sample() -> [UInt8] {
        let recorder = recorder()
        recorder.idrRead(0x61, str: 0x83, port: .command, at: 1)
        message(recorder, .fromHost, [0x18, 0x01], at: 2)
        message(recorder, .toHost, [0x1C, 0x01, 0x00, 0x20], at: 1_000_002)
        return CaptureDump.pcapng([recorder.snapshot()])
    }

    private func decode(_ words: String..., input: [UInt8] = []) throws -> Program.Result {
        try Program.run([Program.kcsctl, "decode"] + words, input: input)
    }

    @Test func eachRecordIsPrintedWhenItsBlockHasCome() throws {
        let recorder = recorder()
        var stream = CaptureStream(recorder, from: .now)
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        #expect(pipe2(&input, Int32(O_CLOEXEC)) == 0 && pipe2(&output, Int32(O_CLOEXEC)) == 0)
        let program = try Program.start(
            [Program.kcsctl, "decode", "-"], descriptors: [(0, input[0]), (1, output[1])])
        close(input[0])
        close(output[1])
        for round in 1...3 {
            recorder.odrWritten(UInt8(round), at: UInt64(round))
            var bytes: [UInt8] = []
            stream.pump(recorder, into: &bytes, limit: 1 << 20)
            _ = bytes.withUnsafeBytes { Syscalls.writeAll(input[1], $0) }
            try #require(wait(output[0]))
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(output[0], &chunk, chunk.count)
            #expect(String(decoding: chunk[..<max(count, 0)], as: UTF8.self).hasSuffix("ODR 0\(round)\n"))
        }
        close(input[1])
        #expect(program.wait() == 0)
        close(output[0])
    }

    @Test func aCutOrDamagedFileIsShownAsFarAsItGoesAndSaidOnStandardError() throws {
        let whole = sample()
        #expect(try decode(file("whole", whole)).status == 0)
        let cut = try decode(file("cut", Array(whole.dropLast(3))))
        #expect(cut.status == 65 && cut.text.contains("Get Device ID"))
        #expect(cut.errors.hasPrefix("kcsctl: \(folder.path)/cut: cut at byte "))
        #expect(cut.errors.hasSuffix(": the file ends inside a block\n"))
        var bytes = whole
        // The first interface's description: its packets lose their name, and no more.
        bytes[bytes.firstIndex(of: 1)! + 4] = 0xFF
        bytes[7] = 0x55
        let lost = try decode("-", input: bytes)
        #expect(lost.status == 65 && lost.errors.hasPrefix("kcsctl: standard input: damaged at byte 0: "))
        let none = try decode(file("text", Array("this is text".utf8)), file("whole", whole))
        #expect(none.status == 65 && none.text.contains("Get Device ID"))
        #expect(none.errors.split(separator: "\n").count == 1)
        #expect(try decode(folder.path + "/nothing").status == 66)
    }

    @Test func severalFilesAreOneTimeline() throws {
        let later = recorder()
        message(later, .fromHost, [0x18, 0x01], at: 3_000_000)
        let one = try file("one", sample())
        let two = try file("two", CaptureDump.pcapng([later.snapshot()]))
        let both = try decode(two, one)
        #expect(both.status == 0)
        let times = both.text.split(separator: "\n").filter { $0.hasPrefix("20") }.map { $0.prefix(29) }
        #expect(times == times.sorted() && times.count >= 5)
        #expect(try decode("-", "-").status == 64)
        #expect(try decode().status == 64)
    }

    @Test func messagesAreALineEachAndFieldsForPrograms() throws {
        let path = try file("x", sample())
        let table = try decode(path, "--messages")
        #expect(
            table.text == """
                2023-11-14       CHANNEL  CODE  LATENCY  REQUEST > ANSWER
                22:13:20.000000  ipmi     00    1.00 ms  Get Device ID (06/01) > 20

                """)
        let lines = try decode(path, "--json").text.split(separator: "\n")
        let values = try lines.map { try JSONReader.read(Array($0.utf8)) }
        #expect(values.contains { $0["access"]?.text == "idr-read" && $0["port"]?.text == "command" })
        #expect(values.last?["end"]?["shown"]?.uint64 == 4)
        let exchange = try JSONReader.read(
            Array(try decode(path, "--messages", "--json").output.prefix { $0 != 10 }))
        #expect(exchange["command"]?.uint64 == 1 && exchange["latency_ns"]?.uint64 == 1_000_000)
    }

    @Test func libpcapTakesAFileOfOneLinkType() throws {
        let path = try file("x", sample())
        let out = folder.path + "/ipmi.pcapng"
        #expect(try decode(path, "--link", "ipmi").status == 64)
        #expect(try decode(path, "-o", out).status == 64)
        #expect(try decode(path, "--link", "serial", "-o", out).status == 64)
        #expect(try decode(path, "--link", "ipmi", "-o", out).status == 0)
        #expect(try Syscalls.stat(out).mode & 0o777 == 0o600)
        guard let library = dlopen("libpcap.so.0.8", RTLD_NOW) else { return }
        typealias Open = @convention(c) (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>) -> OpaquePointer?
        typealias Link = @convention(c) (OpaquePointer) -> Int32
        typealias Next = @convention(c) (OpaquePointer, UnsafeMutableRawPointer) -> UnsafePointer<UInt8>?
        let open = unsafeBitCast(dlsym(library, "pcap_open_offline"), to: Open.self)
        let link = unsafeBitCast(dlsym(library, "pcap_datalink"), to: Link.self)
        let next = unsafeBitCast(dlsym(library, "pcap_next"), to: Next.self)
        var error = [CChar](repeating: 0, count: 256)
        // What libpcap says of the dump itself, of which there is an interface of USER0.
        let whole = open(path, &error)
        var header = [UInt8](repeating: 0, count: 64)
        var count = 0
        if let whole { while next(whole, &header) != nil { count += 1 } }
        #expect(count < 4)
        count = 0
        let one = try #require(open(out, &error))
        #expect(link(one) == 260)
        while next(one, &header) != nil { count += 1 }
        #expect(count == 3)
    }
}
