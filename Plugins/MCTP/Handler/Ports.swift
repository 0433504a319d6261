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
    func setAttention(_ on: Bool) { host.setAttention(on) }
}

/// kcsmuxd's log and capture. Packets are recorded as they are: kcsmuxd puts the header of link type 276 in front.
final class ChannelObserver: EndpointObserver {
    private static let linkType: UInt32 = 276
    private let host: Host

    init(_ host: Host) { self.host = host }

    func log(_ level: Common.LogLevel, _ text: String) {
        host.log(PluginKit.LogLevel(rawValue: level.rawValue) ?? .debug, text)
    }

    func record(_ packet: UnsafeRawBufferPointer, toHost: Bool) {
        host.annotate(linkType: Self.linkType, toHost ? .output : .input, packet)
    }
}
