// SPDX-License-Identifier: Apache-2.0
import MCTP

/// The host's MCTP on one channel, whatever carries its packets. Used by one thread.
public protocol MCTPCarrier: AnyObject {
    /// Makes the channel ready for packets. `anew`: also if it is already.
    func start(anew: Bool) throws(HostFailure)
    /// Whether the channel was still ready when last checked.
    var isActive: Bool { get }
    /// What was agreed on, in words.
    var summary: String { get }
    /// This host's address.
    var eid: EID { get set }
    /// What went through.
    var counters: Counters { get }
    /// Queues a request; its tag.
    func send(_ body: [UInt8], to destination: EID) throws(HostFailure) -> MessageTag
    /// Queues an answer to a message that came.
    func answer(_ message: HostMessage, _ body: [UInt8]) throws(HostFailure)
    /// Sends what is queued, and waits for a message; nil if none came before the deadline (`Clock.monotonic`).
    func receive(deadline: UInt64) throws(HostFailure) -> HostMessage?
    /// Sends what is queued, and leaves the channel so that another program can go on with it.
    func finish() throws(HostFailure)
}
