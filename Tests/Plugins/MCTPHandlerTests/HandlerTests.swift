// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import LinuxIO
import MCTP
import PluginTestSupport
import Testing

@testable import MCTPHandler

@Suite("mctp plugin") struct HandlerTests {
    @Test func theDescriptorIsWhatUsersWrite() {
        let plugin = MCTPHandler.plugin.descriptor.pointee
        #expect(String(cString: plugin.name) == "mctp")
        let keys = (0..<Int(plugin.option_count)).map { String(cString: plugin.options![$0].key!) }
        let last = ["vendor", "reassembly", "uplink", "request_life"]
        #expect(keys == ["binding", "eid", "host_eid", "uuid", "mtu", "socket"] + last)
    }

    @Test func anAstlpcHostTalksToALocalProgram() {
        let name = uniqueName()
        let kcsmuxd = makeDaemon(options("astlpc", name: name))
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        #expect(kcsmuxd.status == 0 && kcsmuxd.odr == 0xFF)
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
        let body = [1, 0x80] + (0..<60_000).map { UInt8($0 % 251) }
        program.send([9] + body)
        host.run()
        #expect(host.link.takeMessage()?.body == body)
        _ = host.link.send(request: body, to: EID(8), now: kcsmuxd.now)
        host.run()
        let large = program.receive() == [9] + body
        #expect(large)
        // Packets as they are: kcsmuxd frames them.
        #expect(kcsmuxd.packets.allSatisfy { $0.linkType == 276 && $0.bytes[0] == 1 })
        #expect(kcsmuxd.packets.first?.bytes.count == 7)
        // Unless configured, a packet carries 4 KiB and some.
        #expect(kcsmuxd.stats["mtu"] == 4160 && kcsmuxd.packets.allSatisfy { $0.bytes.count <= 4164 })
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
        #expect(kcsmuxd.start() == KCS_INPUT_MESSAGES | KCS_INPUT_IDLE_FIRST)
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
        #expect(kcsmuxd.replies.last?.token == 5 && kcsmuxd.replies.last?.bytes == [0xB0, 1, 0])
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
