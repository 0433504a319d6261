// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the interface of plugins is C, which borrows bytes as pointers.
import Common
import MCTP
import MCTPMux
import PluginKit
import Wire

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

    func reply(_ token: UInt64, _ message: Span<UInt8>) -> Bool {
        message.withUnsafeBytes { host.reply(token, $0) == .ok }
    }

    func withhold(_ token: UInt64) { host.withhold(token) }
    func setAttention(_ on: Bool) { host.setAttention(on) }
}

/// kcsmuxd's log and capture. Packets are recorded as Linux cooked frames with the protocol number of MCTP, which Wireshark
/// knows.
final class ChannelObserver: EndpointObserver {
    private static let linkType: UInt32 = 276
    private let host: Host
    private var frame: [UInt8] = []

    init(_ host: Host) { self.host = host }

    func log(_ level: Common.LogLevel, _ text: String) {
        host.log(PluginKit.LogLevel(rawValue: level.rawValue) ?? .debug, text)
    }

    func record(_ packet: Span<UInt8>, toHost: Bool) {
        // Protocol 0x00FA, device type 290 (MCTP); packet type 4 is outgoing, 0 to us.
        frame.removeAll(keepingCapacity: true)
        frame.append(contentsOf: [0, 0xFA, 0, 0, 0, 0, 0, 0, 1, 0x22, toHost ? 4 : 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        frame.append(copying: packet)
        frame.withUnsafeBytes { _ = host.annotate(linkType: Self.linkType, toHost ? .output : .input, $0) }
    }
}
