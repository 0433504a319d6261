// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import LinuxIO
import PluginTestSupport
import Testing

@testable import MCTP
@testable import MCTPHandler

/// The kernel's end of a TUN interface: whole packets, each behind struct tun_pi. A pair of sockets keeps them whole as well.
private struct Interface {
    let ours: Int32
    let kernel: Int32

    init() {
        var pair: [Int32] = [-1, -1]
        precondition(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        (ours, kernel) = (pair[0], pair[1])
    }

    func send(_ packet: [UInt8], protocol type: UInt16 = 0x00FA) {
        let bytes = [0, 0, UInt8(type >> 8), UInt8(type & 0xFF)] + packet
        precondition(CLinux.send(kernel, bytes, bytes.count, 0) == bytes.count)
    }

    func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        let count = recv(kernel, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        #expect(Array(buffer[..<4]) == [0, 0, 0, 0xFA])
        return Array(buffer[4..<count])
    }
}

private func uplink(_ kind: String, _ binding: String, path: String? = nil) -> [String: TestValue] {
    var place: [String: TestValue] = ["type": .enumeration(kind)]
    if path == nil { place["name"] = .string("mctpkcs0") }
    place["path"] = path.map { .path($0) }
    return ["binding": .enumeration(binding), "uplink": .object(place)]
}

@Suite("mctp plugin: uplink to the kernel") struct UplinkTests {
    @Test func packetsOfTheHostGoUpAndThoseOfTheKernelDownAsTheyAre() {
        let interface = Interface()
        let kcsmuxd = makeDaemon(uplink("tun", "astlpc"))
        kcsmuxd.sockets["mctpkcs0"] = interface.ours
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        let tag = host.link.send(request: [1, 0x80, 2], to: EID(8), now: kcsmuxd.now)!
        host.run()
        #expect(interface.receive() == [1, 8, 9, 0xC0 | tag.bits, 1, 0x80, 2])
        // The kernel's answer, with the request's tag.
        interface.send([1, 9, 8, 0xC0 | tag.answer.bits, 1, 0, 2, 0])
        host.run()
        let answer = host.link.takeMessage()
        #expect(answer?.body == [1, 0, 2, 0] && answer?.tag == tag.answer)
        // Control messages are the kernel's, too.
        _ = host.link.send(request: [0, 0x80, 2], to: EID(0), now: kcsmuxd.now)
        host.run()
        #expect(interface.receive()?.dropFirst(4) == [0, 0x80, 2])
        #expect(kcsmuxd.stats["packets_in"] == 2 && kcsmuxd.stats["packets_out"] == 1)
        #expect(kcsmuxd.packets.count == 3 && kcsmuxd.packets.allSatisfy { $0.linkType == 276 })
        kcsmuxd.stop()
        #expect(kcsmuxd.watchCount == 0 && kcsmuxd.timerCount == 0)
        // What was passed is not ours to close.
        #expect(cl_fcntl(interface.ours, F_GETFD, 0) >= 0)
        for descriptor in [interface.ours, interface.kernel] { close(descriptor) }
    }

    @Test func manyPacketsOfTheKernelArriveInTheirOrder() {
        let interface = Interface()
        let kcsmuxd = makeDaemon(uplink("tun", "astlpc"))
        kcsmuxd.sockets["mctpkcs0"] = interface.ours
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        // More than wait in the handler: the others wait in the interface.
        for index in 0..<100 { interface.send([1, 9, 8, 0xC8 | UInt8(index & 7), 0x7E, UInt8(index)]) }
        host.run()
        var bodies: [[UInt8]] = []
        while let message = host.link.takeMessage() { bodies.append(message.body) }
        #expect(bodies == (0..<100).map { [0x7E, UInt8($0)] })
        kcsmuxd.stop()
        for descriptor in [interface.ours, interface.kernel] { close(descriptor) }
    }

    @Test func withoutAHostPacketsOfTheKernelAreDroppedAndCounted() {
        let interface = Interface()
        let kcsmuxd = makeDaemon(uplink("tun", "astlpc"))
        kcsmuxd.sockets["mctpkcs0"] = interface.ours
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        interface.send([1, 9, 8, 0xC8, 1, 0x80, 2])
        interface.send([1, 9, 8, 0xC8] + [UInt8](repeating: 0, count: 5000))
        interface.send([0x60, 0, 0, 0], protocol: 0x86DD)
        kcsmuxd.turn()
        #expect(kcsmuxd.stats["uplink_expired"] == 1 && kcsmuxd.stats["uplink_refused"] == 1)
        #expect(kcsmuxd.stats["uplink_damaged"] == 1 && kcsmuxd.stats["queued"] == 0)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        #expect(host.link.takeMessage() == nil)
        kcsmuxd.stop()
        for descriptor in [interface.ours, interface.kernel] { close(descriptor) }
    }

    @Test func aTerminalCarriesFrames() {
        let master = posix_openpt(O_RDWR | O_NONBLOCK | O_NOCTTY)
        #expect(grantpt(master) == 0 && unlockpt(master) == 0)
        var settings = termios()
        #expect(tcgetattr(master, &settings) == 0)
        cfmakeraw(&settings)
        #expect(tcsetattr(master, TCSANOW, &settings) == 0)
        let kcsmuxd = makeDaemon(uplink("serial", "astlpc", path: String(cString: ptsname(master))))
        #expect(kcsmuxd.start() == KCS_INPUT_AUTO)
        let host = Host(kcsmuxd)
        #expect(host.begin())
        let tag = host.link.send(request: [1, 0x80, 0x7E], to: EID(8), now: kcsmuxd.now)!
        host.run()
        var decoder = SerialDecoder()
        var buffer = [UInt8](repeating: 0, count: 4096)
        var received: [[UInt8]] = []
        let count = read(master, &buffer, buffer.count)
        for byte in buffer[..<max(count, 0)] where decoder.add(byte) { received.append(decoder.packet) }
        #expect(received == [[1, 8, 9, 0xC0 | tag.bits, 1, 0x80, 0x7E]])
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: SerialFrame.longestFrame, alignment: 8)
        defer { frame.deallocate() }
        let packet: [UInt8] = [1, 9, 8, 0xC0 | tag.answer.bits, 1, 0, 0x7D]
        let length = packet.withUnsafeBytes { SerialFrame.encode($0, into: frame) }
        #expect(write(master, frame.baseAddress!, length) == length)
        host.run()
        #expect(host.link.takeMessage()?.body == [1, 0, 0x7D])
        kcsmuxd.stop()
        close(master)
    }

    @Test func whatAnUplinkCannotBeIsRefused() {
        let path: TestValue = .path("/dev/pts/1")
        let cases: [([String: TestValue], String)] = [
            (["type": .enumeration("tun")], "wants name"),
            (["type": .enumeration("tun"), "name": .string("a"), "path": path], "path is for"),
            (["type": .enumeration("serial")], "either path or name"),
            (["type": .enumeration("serial"), "name": .string("a"), "path": path], "either path or name"),
        ]
        for (place, text) in cases {
            let refused = FakeDaemon.check(
                MCTPHandler.plugin.descriptor, ["binding": .enumeration("astlpc"), "uplink": .object(place)])
            #expect(refused.contains { $0.text.contains(text) }, "\(text): \(refused)")
        }
    }

    @Test func whatIsAnEndpointsIsRefusedBesideAnUplink() {
        var options = uplink("tun", "astlpc")
        options["eid"] = .integer(9)
        options["host_eid"] = .integer(10)
        options["socket"] = .object(["name": .string("x")])
        let refused = FakeDaemon.check(MCTPHandler.plugin.descriptor, options)
        let texts = refused.map(\.text)
        #expect(texts.count == 3 && texts.allSatisfy { $0.contains("beside uplink") }, "\(texts)")
    }
}
