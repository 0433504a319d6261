// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import LinuxIO
import MCTP
import PluginTestSupport
import Testing

@testable import MCTPHandler

@Suite("mctp plugin: sockets") struct SocketTests {
    @Test func aNameInUseIsRefusedInWordsAndNothingStaysOpen() {
        let name = uniqueName()
        let first = makeDaemon(options("loopback", name: name))
        #expect(first.start() == KCS_INPUT_NONE)
        let second = makeDaemon(options("loopback", name: name))
        #expect(second.start() == KCS_E_FAILED)
        #expect(second.lines[0].text.hasPrefix("socket @\(name): "))
        #expect(second.lines[0].text.hasSuffix(": process \(getpid()) of user \(getuid()) has it"))
        #expect(second.watchCount == 0 && second.timerCount == 0)
        first.stop()
        #expect(second.start() == KCS_INPUT_NONE)
        second.stop()
    }

    @Test func aSocketInTheFileSystemIsMadeAndRemovedAndALeftOverReplaced() {
        let path = "/tmp/" + uniqueName()
        for _ in 0..<2 {
            let kcsmuxd = makeDaemon(options("loopback", path: path))
            #expect(kcsmuxd.start() == KCS_INPUT_NONE)
            let program = Program(path, abstract: false)
            #expect(program.isConnected)
            kcsmuxd.stop()
            #expect(access(path, F_OK) != 0)
            // What a crash leaves behind.
            let left = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
            _ = UnixSocket.bind(left, path, abstract: false)
            close(left)
        }
        unlink(path)
    }

    @Test func aSocketFromTheServiceManagerIsUsedAndNotClosed() {
        let name = uniqueName()
        let passed = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue), 0)
        _ = UnixSocket.bind(passed, name, abstract: true)
        listen(passed, 8)
        let kcsmuxd = makeDaemon(options("loopback", name: "mctp-mux"))
        kcsmuxd.sockets = ["mctp-mux": passed]
        #expect(kcsmuxd.start() == KCS_INPUT_NONE)
        let program = Program(name)
        program.send([1])
        program.send([9, 1, 2])
        kcsmuxd.turn()
        #expect(program.receive() == [9, 1, 2])
        kcsmuxd.stop()
        #expect(Program(name).isConnected)
        close(passed)
    }

    @Test func aProgramThatDoesNotReadGoesAndOthersDoNotNotice() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("astlpc", name: name))
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        let slow = Program(name)
        let quick = Program(name)
        slow.send([1])
        quick.send([1])
        kcsmuxd.turn()
        var received = 0
        for count in 0..<2000 {
            _ = host.link.send(
                request: [1, UInt8(count & 0xFF)] + [UInt8](repeating: 7, count: 4000), to: EID(8), now: 1)
            host.run()
            if quick.receive()?[2] == UInt8(count & 0xFF) { received += 1 }
        }
        #expect(received == 2000)
        #expect(kcsmuxd.stats["clients_slow"] == 1 && kcsmuxd.stats["clients"] == 1)
        kcsmuxd.stop()
    }

    @Test func aProgramThatGoesWhileItIsNotReadLosesNothingThatItSent() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("astlpc", name: name))
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        var program: Program? = Program(name)
        program?.send([1])
        kcsmuxd.turn()
        // What it never reads makes its end a reset.
        _ = host.link.send(request: [1, 0x81, 2, 3], to: EID(8), now: kcsmuxd.now)
        host.run()
        var sent = 0
        while program?.send([9, 1, 0x80, UInt8(sent)] + [UInt8](repeating: 7, count: 50_000)) ?? -1 > 0 {
            sent += 1
            kcsmuxd.turn()
        }
        #expect(sent > 40)
        program = nil
        kcsmuxd.turn()
        host.run()
        var received: [UInt8] = []
        while let message = host.link.takeMessage() { received.append(message.body[2]) }
        #expect(received == (0..<sent).map { UInt8($0) })
        #expect(kcsmuxd.stats["clients"] == 0 && kcsmuxd.watchCount == 1)
        kcsmuxd.stop()
    }

    @Test func theLongestMessageIsAsLongOutwardsAsInwards() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("loopback", name: name))
        #expect(kcsmuxd.start() == KCS_INPUT_NONE)
        let program = Program(name)
        UnixSocket.setSendBuffer(program.descriptor, 1 << 20)
        program.send([0x7E])
        kcsmuxd.turn()
        for (length, fits) in [(262_144, true), (262_145, false)] {
            // Some kernels do not grant the room for it.
            guard program.send([9, 0x7E] + [UInt8](repeating: 7, count: length - 1)) > 0 else { continue }
            kcsmuxd.turn()
            #expect(kcsmuxd.stats["messages_out"] == 1)
            #expect(kcsmuxd.lines.contains { $0.text.hasSuffix("exceed 262145") } != fits)
        }
        kcsmuxd.stop()
    }

    @Test func onlyThoseWhoAreNamedMayConnectAndRootAlways() {
        let access = MuxAccess(users: [1000], groups: [50])
        #expect(access.admits(LocalPeer(process: 1, user: 0, groups: [0])))
        #expect(access.admits(LocalPeer(process: 1, user: 1000, groups: [1000])))
        #expect(access.admits(LocalPeer(process: 1, user: 1001, groups: [1001, 50])))
        #expect(!access.admits(LocalPeer(process: 1, user: 1001, groups: [1001])))
        // Nobody named is whoever runs kcsmuxd.
        let own = MuxAccess(nil)
        #expect(own.admits(LocalPeer(process: 1, user: getuid(), groups: [77])))
        #expect(own.admits(LocalPeer(process: 1, user: 12345, groups: [getgid()])))
        #expect(!own.admits(LocalPeer(process: 1, user: 12345, groups: [77])))
    }

    @Test func manyConnectionsComeAndGo() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("loopback", name: name))
        #expect(kcsmuxd.start() == KCS_INPUT_NONE)
        let steady = Program(name)
        steady.send([1])
        for round in 0..<1000 {
            let program = Program(name)
            if round % 3 != 0 { program.send([5]) }
            if round % 3 == 1 { program.send([9, 5, 1]) }
            if round % 7 == 0 { program.send([0]) }
            if round % 5 == 0 { kcsmuxd.turn() }
        }
        kcsmuxd.turn()
        steady.send([9, 1, 2])
        kcsmuxd.turn()
        #expect(steady.receive() == [9, 1, 2])
        // A program that another test is just starting may hold a closed connection for a moment.
        let deadline = Clock.monotonic + 20_000_000_000
        while kcsmuxd.stats["clients"] != 1 && Clock.monotonic < deadline { kcsmuxd.turn() }
        #expect(kcsmuxd.stats["clients"] == 1)
        #expect(kcsmuxd.watchCount == 2)
        kcsmuxd.stop()
    }
}
