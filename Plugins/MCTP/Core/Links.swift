// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// What carries packets.
public class Link {
    /// Whose packets.
    public let user: PacketUser

    init(_ user: PacketUser) { self.user = user }

    /// Sends what can be sent now. Due after everything that a client did, and after a tick.
    public func pump(now: UInt64) {}

    /// To be called about once a second.
    public func tick(now: UInt64) {
        user.tick(now: now)
        pump(now: now)
    }
}

/// The endpoint alone, for tests without a host: a message to any address comes back from that address, cut into packets
/// and joined again, with the other owner bit, as an answer would. The far end answers nothing by itself.
public final class LoopbackLink: Link {
    private let unit: Int
    private let packet: UnsafeMutableRawBufferPointer

    /// `unit`: payload bytes of a packet.
    public init(_ endpoint: Endpoint, unit: Int = PacketHeader.baselineUnit) {
        self.unit = unit
        packet = .allocate(byteCount: PacketHeader.size + unit, alignment: 8)
        super.init(endpoint)
        endpoint.dropsLateAnswers = false
    }

    deinit { packet.deallocate() }

    /// The link is up.
    public func start(now: UInt64) {
        user.linkBecameActive(now: now)
        pump(now: now)
    }

    /// Sends everything, and receives it.
    public override func pump(now: UInt64) {
        while true {
            let count = user.nextPacket(unit: unit, into: packet)
            guard count > 0 else { return }
            let bytes = UnsafeMutableRawBufferPointer(rebasing: packet[..<count])
            user.observer.record(UnsafeRawBufferPointer(bytes), toHost: true)
            user.packetTaken()
            let header = PacketHeader(UnsafeRawBufferPointer(bytes))!
            PacketHeader(
                destination: header.source, source: header.destination, som: header.som, eom: header.eom,
                sequence: header.sequence, tag: header.tag.answer
            ).write(to: bytes)
            _ = user.received(bytes, now: now)
        }
    }
}
