// SPDX-License-Identifier: Apache-2.0
import MCTP

/// What carries an endpoint's packets.
public class Link {
    /// Whose packets.
    public let endpoint: Endpoint

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    /// Sends what can be sent now. Due after everything that a client did, and after a tick.
    public func pump(now: UInt64) {}

    /// To be called about once a second.
    public func tick(now: UInt64) {
        endpoint.tick(now: now)
        pump(now: now)
    }
}

/// The endpoint alone, for tests without a host: a message to any address comes back from that address, cut into packets
/// and joined again, with the other owner bit, as an answer would. The far end answers nothing by itself.
public final class LoopbackLink: Link {
    private let unit: Int
    private var packet: [UInt8] = []
    private var returned: [UInt8] = []

    /// `unit`: payload bytes of a packet.
    public init(_ endpoint: Endpoint, unit: Int = PacketHeader.baselineUnit) {
        self.unit = unit
        super.init(endpoint)
    }

    /// The link is up.
    public func start(now: UInt64) {
        endpoint.linkBecameActive(now: now)
        pump(now: now)
    }

    /// Sends everything, and receives it.
    public override func pump(now: UInt64) {
        while true {
            guard endpoint.terminus.nextPacket(unit: unit, into: &packet) > 0, let header = PacketHeader(packet.span)
            else { return }
            endpoint.observer.record(packet.span, toHost: true)
            endpoint.packetTaken()
            returned.removeAll(keepingCapacity: true)
            PacketHeader(
                destination: header.source, source: header.destination, som: header.som, eom: header.eom,
                sequence: header.sequence, tag: header.tag.answer
            ).append(to: &returned)
            returned.append(contentsOf: packet[PacketHeader.size...])
            _ = endpoint.received(returned.span, now: now)
        }
    }
}
