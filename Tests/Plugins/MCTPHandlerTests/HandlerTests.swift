// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import LinuxIO
import MCTP
import PluginTestSupport
import Testing

@testable import MCTPHandler

/// An endpoint's options.
private func options(
    _ binding: String, name: String = "", path: String? = nil, mtu: Int64? = nil, hostEID: Int64? = nil,
    uuid: String? = nil, types: [Int64]? = nil, vendors: [TestValue]? = nil, perPeer: UInt64 = 262_144
) -> [String: TestValue] {
    var socket: [String: TestValue] = ["name": .string(name)]
    socket["path"] = path.map { .path($0) }
    socket["types"] = types.map { .list($0.map { .integer($0) }) }
    var options: [String: TestValue] = [
        "binding": .enumeration(binding), "socket": .object(socket),
        "reassembly": .object(["per_peer": .size(perPeer)]),
    ]
    options["mtu"] = mtu.map { .integer($0) }
    options["host_eid"] = hostEID.map { .integer($0) }
    options["uuid"] = uuid.map { .string($0) }
    options["vendor"] = vendors.map { .list($0) }
    return options
}

/// An endpoint on a channel that can carry every binding.
private func makeDaemon(_ options: [String: TestValue]) -> FakeDaemon {
    let daemon = FakeDaemon(MCTPHandler.plugin.descriptor, options)!
    daemon.capabilities |= KCS_CAP_MESSAGES | KCS_CAP_WINDOW
    // Never freed: a test makes few.
    daemon.window = .allocate(byteCount: 1 << 20, alignment: 4096)
    daemon.window!.initializeMemory(as: UInt8.self, repeating: 0)
    return daemon
}

/// A local program.
private final class Program {
    let descriptor: Int32
    let isConnected: Bool

    init(_ name: String, abstract: Bool = true) {
        descriptor = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue), 0)
        if case .success = UnixSocket.connect(descriptor, name, abstract: abstract) {
            isConnected = true
        } else {
            isConnected = false
        }
    }

    deinit { close(descriptor) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Int { CLinux.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// nil: nothing there; empty: the other side closed it.
    func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : Array(buffer[..<count])
    }
}

/// The host CPU on the astlpc binding.
private struct Host {
    let link: AstlpcHostLink
    let kcsmuxd: FakeDaemon

    init(_ kcsmuxd: FakeDaemon) {
        self.kcsmuxd = kcsmuxd
        link = AstlpcHostLink(Window(kcsmuxd.window!.baseAddress!, count: 1 << 20), eid: EID(9))
    }

    func begin() -> Bool {
        _ = kcsmuxd.read()
        guard link.start(status: kcsmuxd.status) == nil else { return false }
        run()
        return link.isActive
    }

    func run() {
        for _ in 0..<100_000 {
            kcsmuxd.turn()
            if let value = link.write {
                link.written()
                kcsmuxd.write(value)
            } else if let value = kcsmuxd.read() {
                _ = link.bmcWrote(value, status: kcsmuxd.status, now: kcsmuxd.now)
            } else {
                return
            }
        }
    }

    func ask(_ body: [UInt8]) -> HostMessage? {
        _ = link.send(request: body, to: EID(8), now: kcsmuxd.now)
        run()
        return link.takeMessage()
    }
}

private func uniqueName() -> String { "mctp-test-\(getpid())-\(Clock.monotonic)" }

@Suite("mctp plugin") struct HandlerTests {
    @Test func theDescriptorIsWhatUsersWrite() {
        let plugin = MCTPHandler.plugin.descriptor.pointee
        #expect(String(cString: plugin.name) == "mctp")
        let keys = (0..<Int(plugin.option_count)).map { String(cString: plugin.options![$0].key!) }
        #expect(keys == ["binding", "eid", "host_eid", "uuid", "mtu", "socket", "vendor", "reassembly"])
    }

    @Test func anAstlpcHostTalksToALocalProgram() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("astlpc", name: name))
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        #expect(kcsmuxd.status == 0x80 && kcsmuxd.odr == 0xFF)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        let program = Program(name)
        program.send([1])
        kcsmuxd.turn()
        #expect(host.ask([0, 0x80, 5])?.body == [0, 0, 5, 0, 1, 1])
        // The host's PLDM request, and its answer with the request's tag.
        let tag = host.link.send(request: [1, 0x85, 2, 3], to: EID(8), now: kcsmuxd.now)
        host.run()
        #expect(program.receive() == [9, 1, 0x85, 2, 3])
        program.send([9, 1, 5, 2, 3, 0])
        host.run()
        let answer = host.link.takeMessage()
        #expect(answer?.body == [1, 5, 2, 3, 0] && answer?.tag == tag?.answer)
        // A large one each way.
        let body = [1] + (0..<60_000).map { UInt8($0 % 251) }
        program.send([9] + body)
        host.run()
        #expect(host.link.takeMessage()?.body == body)
        _ = host.link.send(request: body, to: EID(8), now: kcsmuxd.now)
        host.run()
        let large = program.receive() == [9] + body
        #expect(large)
        #expect(kcsmuxd.packets.allSatisfy { $0.linkType == 276 && Array($0.bytes.prefix(2)) == [0, 0xFA] })
        #expect(kcsmuxd.packets.first?.bytes.count == 20 + 7)
        #expect(kcsmuxd.stats["version"] == 3 && kcsmuxd.stats["clients"] == 1)
        kcsmuxd.stop()
        #expect(kcsmuxd.status == 0)
        #expect(program.receive() == [])
        #expect(kcsmuxd.watchCount == 0 && kcsmuxd.timerCount == 0)
        #expect(!Program(name).isConnected)
    }

    @Test func dsp0254SharesItsChannelWithIPMI() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("dsp0254", name: name))
        #expect(kcsmuxd.start() == KCS_INPUT_MESSAGES)
        #expect(kcsmuxd.message(1, [0x18, 0x01]) == KCS_DECLINED)
        #expect(kcsmuxd.message(2, [0xB0, 0x01, 0xDC, 0x01]) == KCS_DECLINED)
        #expect(kcsmuxd.message(3, [0xB0, 1, 7, 1, 8, 9, 0xC9, 0, 0x80, 2, 0x5F]) == KCS_HANDLED)
        #expect(kcsmuxd.replies.last?.token == 3)
        #expect(kcsmuxd.replies.last?.bytes == [0xB0, 1, 0x0B, 1, 9, 8, 0xC1, 0, 0, 2, 0, 8, 2, 4, 0x2C])
        let program = Program(name)
        program.send([1])
        kcsmuxd.turn()
        let host = DSP0254HostLink(eid: EID(9))
        _ = host.send(request: [1, 0x81, 2, 3], to: EID(8), now: 1)
        #expect(kcsmuxd.message(4, host.next()!) == KCS_PENDING)
        #expect(program.receive() == [9, 1, 0x81, 2, 3])
        program.send([9, 1, 1, 2, 3, 0])
        kcsmuxd.turn()
        #expect(kcsmuxd.replies.last?.token == 4)
        #expect(host.received(kcsmuxd.replies.last!.bytes, now: 1))
        #expect(host.takeMessage()?.body == [1, 1, 2, 3, 0])
        program.send([9, 1, 0x80, 7, 7])
        kcsmuxd.turn()
        #expect(kcsmuxd.attention)
        // Nobody answers this one: the host is told so in time, and not by a completion code of IPMI's.
        _ = host.send(request: [1, 0x82, 2, 3], to: EID(8), now: 1)
        #expect(kcsmuxd.message(5, host.next()!) == KCS_PENDING)
        kcsmuxd.advance(3_000_000_000)
        #expect(kcsmuxd.replies.last?.token == 4)
        kcsmuxd.advance(800_000_000)
        #expect(kcsmuxd.replies.last?.token == 5 && kcsmuxd.replies.last?.bytes == [])
        #expect(kcsmuxd.stats["unanswered"] == 1)
        kcsmuxd.reset()
        kcsmuxd.stop()
    }

    @Test func loopbackNeedsNoDevice() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("loopback", name: name))
        kcsmuxd.capabilities = 0
        kcsmuxd.window = nil
        #expect(kcsmuxd.start() == KCS_INPUT_NONE)
        let program = Program(name)
        program.send([1])
        program.send([9, 1, 2, 3])
        kcsmuxd.turn()
        #expect(program.receive() == [9, 1, 2, 3])
        kcsmuxd.stop()
    }

    @Test func aBindingThatTheDeviceCannotCarryIsRefusedInWords() {
        let bytes = makeDaemon(options("dsp0254"))
        bytes.capabilities = UInt32(KCS_CAP_DATA_IN)
        #expect(bytes.start() == KCS_E_FAILED)
        #expect(bytes.lines.map(\.text) == ["binding dsp0254 needs a device that carries messages"])
        let blind = makeDaemon(options("astlpc"))
        blind.capabilities = UInt32(KCS_CAP_DATA_IN)
        #expect(blind.start() == KCS_E_FAILED)
        let walled = makeDaemon(options("astlpc"))
        walled.window = nil
        #expect(walled.start() == KCS_E_FAILED)
        #expect(walled.lines[0].text.hasPrefix("binding astlpc needs memory shared with the host"))
    }

    @Test func aNameInUseIsRefusedInWordsAndNothingStaysOpen() {
        let name = uniqueName()
        let first = makeDaemon(options("loopback", name: name))
        #expect(first.start() == KCS_INPUT_NONE)
        let second = makeDaemon(options("loopback", name: name))
        #expect(second.start() == KCS_E_FAILED)
        #expect(second.lines[0].text.hasPrefix("socket @\(name): "))
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
        #expect(kcsmuxd.stats["clients"] == 1)
        #expect(kcsmuxd.watchCount == 2)
        kcsmuxd.stop()
    }

    @Test func theTickAsksTheHostForItsAddressAgain() {
        let kcsmuxd = makeDaemon(options("astlpc", hostEID: 9))
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        #expect(host.link.takeMessage()?.body == [0, 0x81, 1, 0, 9])
        kcsmuxd.advance(3_000_000_000)
        host.run()
        #expect(host.link.takeMessage()?.body == [0, 0x82, 1, 0, 9])
        kcsmuxd.stop()
    }

    @Test func optionsThatContradictEachOtherAreRejected() {
        func errors(_ options: [String: TestValue]) -> [String] {
            FakeDaemon.check(MCTPHandler.plugin.descriptor, options).map { $0.text }
        }
        #expect(errors(options("astlpc", hostEID: 9, uuid: "01234567-89ab-cdef-0123-456789ABCDEF")) == [])
        #expect(errors(options("astlpc", hostEID: 8)) == ["host_eid must differ from eid, 8"])
        #expect(errors(options("astlpc", uuid: "0123456789ab-cdef-0123-456789ABCDEF-")).count == 1)
        #expect(errors(options("dsp0254", mtu: 251)) == [])
        #expect(errors(options("dsp0254", mtu: 252)).count == 1)
        #expect(errors(options("astlpc", mtu: 252)) == [])
        #expect(errors(options("astlpc", perPeer: 2 << 20)).count == 1)
        let pci = TestValue.object(["pci": .integer(1)])
        let both = TestValue.object(["pci": .integer(1), "iana": .integer(2)])
        let none = TestValue.object([:])
        #expect(errors(options("astlpc", vendors: [pci])) == [])
        #expect(errors(options("astlpc", vendors: [pci, both, none])).count == 2)
    }

    @Test func configuredIdentityIsTold() {
        let vendor = TestValue.object(["pci": .integer(0x1234), "command_set": .integer(7)])
        let kcsmuxd = makeDaemon(
            options("astlpc", uuid: "00010203-0405-0607-0809-0a0b0c0d0e0f", types: [1], vendors: [vendor]))
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        #expect(host.ask([0, 0x80, 3])?.body == [0, 0, 3, 0] + Array(0..<16))
        #expect(host.ask([0, 0x80, 6, 0])?.body == [0, 0, 6, 0, 0xFF, 0, 0x12, 0x34, 0, 7])
        kcsmuxd.stop()
    }
}
