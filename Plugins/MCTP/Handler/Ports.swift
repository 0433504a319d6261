// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP
import MCTPMux
import PluginKit

/// The registers of this instance's channel.
final class ChannelRegisters: AstlpcRegisters {
    private let host: Host

    init(_ host: Host) { self.host = host }

    func write(odr: UInt8) -> RegisterOutcome { outcome(host.writeODR(odr)) }

    func write(odr: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome {
        outcome(host.write(odr: odr, mask: STR(rawValue: mask), STR(rawValue: str)))
    }

    func replace(odr: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome {
        outcome(host.replace(odr: odr, mask: STR(rawValue: mask), STR(rawValue: str)))
    }

    func wantOutput(_ on: Bool) { host.wantOutput(on ? .ask : .no) }

    private func outcome(_ status: Host.Status) -> RegisterOutcome {
        switch status {
        case .ok: .done
        case .busy: .full
        default: .failed
        }
    }
}

/// KCS messages of this instance's channel.
final class ChannelMessages: MessagePort {
    private let host: Host

    init(_ host: Host) { self.host = host }

    func reply(_ token: UInt64, _ message: UnsafeRawBufferPointer) -> Bool { host.reply(token, message) == .ok }
    func withhold(_ token: UInt64) { host.withhold(token) }
    func setAttention(_ on: Bool) { host.setAttention(on) }
}

/// kcsmuxd's log and capture. Packets are recorded as Linux cooked frames with the protocol number of MCTP, which Wireshark
/// knows.
final class ChannelObserver: EndpointObserver {
    private static let linkType: UInt32 = 276
    private static let headerSize = 20
    private let host: Host
    private var frame = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 8)

    init(_ host: Host) {
        self.host = host
        writeHeader()
    }

    deinit { frame.deallocate() }

    func log(_ level: Common.LogLevel, _ text: String) {
        host.log(PluginKit.LogLevel(rawValue: level.rawValue) ?? .debug, text)
    }

    func record(_ packet: UnsafeRawBufferPointer, toHost: Bool) {
        let count = Self.headerSize + packet.count
        if frame.count < count {
            frame.deallocate()
            frame = .allocate(byteCount: max(count, 2 * frame.count), alignment: 8)
            writeHeader()
        }
        frame[10] = toHost ? 4 : 0
        UnsafeMutableRawBufferPointer(rebasing: frame[Self.headerSize..<count]).copyMemory(from: packet)
        host.annotate(
            linkType: Self.linkType, toHost ? .output : .input, UnsafeRawBufferPointer(rebasing: frame[..<count]))
    }

    /// Protocol 0x00FA, device type 290 (MCTP); packet type 4 is outgoing, 0 to us.
    private func writeHeader() {
        for index in 0..<Self.headerSize { frame[index] = 0 }
        frame[1] = 0xFA
        frame[8] = 0x01
        frame[9] = 0x22
    }
}
