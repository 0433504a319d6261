// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import LinuxIO
import Testing

@Suite(.serialized) struct RawDumpTests {
    @Test(arguments: [("segv", SIGSEGV), ("abort", SIGABRT), ("trap", SIGILL)])
    func dyingHandlerLeavesTheRingsAndItsName(how: String, signal: Int32) throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/crash.kcsdump"
        let (status, _) = Program.run([Program.child, "crash", path, how])
        #expect(cl_signalled(status) != 0)
        let died = cl_termination_signal(status)
        // Swift's trap is SIGILL here and SIGTRAP on other processors.
        #expect(died == signal || (how == "trap" && died == SIGTRAP))

        let dump = try #require(RawDump(folder.read("crash.kcsdump")))
        #expect(dump.signal == Int(died))
        #expect(dump.culprit?.channel == "debug")
        #expect(dump.culprit?.plugin == "debug-trigger")
        #expect(dump.culprit?.callback == "data")
        #expect(dump.damaged == 0)
        #expect(dump.rings.map(\.channel) == ["debug", "ipmi"])
        #expect(dump.rings[0].events.map(\.time) == Array(0..<20))
        #expect(Script.problem(dump.rings[0]) == nil)
        #expect(dump.rings[1].events.map(\.body) == [.access(.idrRead, 0x61, 0x0A, 2)])
        if how == "segv" { #expect(dump.address == 0x10) }
        #expect(dump.sentence.hasSuffix(" in plugin debug-trigger of channel debug, in data"))
    }

    @Test func convertedDumpEndsWithTheCulpritOnItsChannel() throws {
        let folder = TemporaryFolder()
        _ = Program.run([Program.child, "crash", folder.path + "/dump", "segv"])
        let pcapng = try #require(CaptureDump.converted(folder.read("dump")))
        var reader = try #require(PcapngReader(pcapng))
        var last: PcapngReader.Packet?
        var packets = 0
        while let item = reader.next() {
            if case .packet(let packet) = item {
                packets += 1
                last = packet
            }
        }
        // Twenty events of one channel, one of the other, and the crash itself.
        #expect(packets == 22)
        #expect(last.map { reader.interfaces[$0.interface].name } == "debug/events")
        #expect(last?.comment == "fatal signal 11 (SIGSEGV) in plugin debug-trigger of channel debug, in data")
    }

    @Test func dumpOfAnEarlierCrashIsPutAside() throws {
        let folder = TemporaryFolder()
        let first = try FatalDump.prepare(folder: folder.path + "/a/b", bytes: 4096)
        #expect(first.previous == nil)
        let second = try FatalDump.prepare(folder: folder.path + "/a/b", bytes: 4096)
        #expect(second.previous == nil)
        var named: [String] = []
        for number in UInt8(1)...6 {
            _ = folder.file("a/b/crash.kcsdump", [number])
            let next = try FatalDump.prepare(folder: folder.path + "/a/b", bytes: 4096)
            let name = try #require(next.previous?.split(separator: "/").last)
            #expect(name.hasPrefix("crash-2") && name.hasSuffix(".kcsdump"))
            #expect(folder.read("a/b/\(name)") == [number])
            named.append(String(name))
        }
        // What was named is still that, and the latest four are there.
        #expect(named.map { folder.read("a/b/\($0)") } == [[], [], [3], [4], [5], [6]])
    }

    @Test func dumpCanBeWrittenWithoutASignal() throws {
        let folder = TemporaryFolder()
        let recorder = Recorder(RecorderIdentity(channel: "asked-for", description: "", plugin: "echo"), events: 16)
        recorder.odrWritten(7, at: 1)
        recorder.enter("timer")
        let file = try Syscalls.open(folder.path + "/dump", O_RDWR | O_CREAT)
        let result = FatalDump.write(file.raw)
        recorder.leave()
        #expect((try? result.get()) != nil)
        let dump = try #require(RawDump(folder.read("dump")))
        #expect(dump.signal == 0)
        #expect(dump.culprit?.plugin == "echo")
        // Other tests' rings may be there too.
        let ring = try #require(dump.rings.first { $0.channel == "asked-for" })
        #expect(ring.events.map(\.time) == [1])
    }

    @Test func dumpCutAtAnyByteGivesTheRingsBefore() throws {
        let folder = TemporaryFolder()
        _ = Program.run([Program.child, "crash", folder.path + "/dump", "segv"])
        let whole = folder.read("dump")
        for count in 0..<whole.count {
            guard let dump = RawDump(Array(whole[..<count])) else {
                #expect(count < 320)
                continue
            }
            #expect(dump.rings.count + dump.damaged == 2)
            #expect(dump.rings.allSatisfy { Script.problem($0) == nil || $0.channel == "ipmi" })
        }
    }
}
