// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// Whose packets a link carries: an endpoint's, or the kernel's network stack's.
///
/// After every call but those of links, the link's `pump` is due.
public class PacketUser {
    /// What a packet led to.
    enum Outcome {
        case nothing
        /// A message that needs no answer, or whose answer is queued.
        case handled
        /// A request whose answer may come later.
        case awaiting(EID, MessageTag)
    }

    let observer: EndpointObserver
    /// Whether requests are refused while the link is down. False where packets can wait for a host that has not spoken.
    var needsChannel = true

    init(observer: EndpointObserver) { self.observer = observer }

    /// What went through.
    public var counters: Counters { Counters() }
    /// Messages, or packets of the kernel's, that wait for the link.
    public var queued: Int { 0 }
    /// Something waits, for whose end `tick` looks.
    public var needsTick: Bool { queued > 0 }

    /// To be called about once a second.
    public func tick(now: UInt64) {}

    /// Bytes of the packet that `nextPacket` would build; 0 if nothing waits.
    func nextPacketSize(unit: Int) -> Int { 0 }
    /// Builds the next packet, with at most `unit` bytes after its header; 0 if nothing waits. The same packet comes again until
    /// `packetTaken`.
    func nextPacket(unit: Int, into packet: UnsafeMutableRawBufferPointer) -> Int { 0 }
    /// The link took the packet.
    func packetTaken() {}
    /// The link could not take the packet.
    func packetRefused() {}

    /// A packet came.
    func received(_ packet: UnsafeMutableRawBufferPointer, now: UInt64) -> Outcome { .nothing }
    /// A packet came whose checksum is wrong.
    func receivedCorrupt(_ packet: UnsafeRawBufferPointer) {}

    /// The host spoke for the first time on a link that is always up: what waits is for it.
    func hostAppeared(now: UInt64) {}
    /// The link is up, or up again: the host knows nothing of what was before.
    func linkBecameActive(now: UInt64) {}
    /// The link is down.
    public func linkBecameInactive() {}

    /// Puts the answer with that destination and tag in front of what waits; false if it is not there.
    func bringForward(to destination: EID, tag: MessageTag) -> Bool { false }
    /// Drops answers with that destination and tag.
    func dropAnswers(to destination: EID, tag: MessageTag) {}
    /// Drops answers that were queued before a time.
    func dropAnswers(queuedBefore time: UInt64) {}
}
