// SPDX-License-Identifier: Apache-2.0
import Events
import KCS
import LinuxIO

/// How whole requests come from the host CPU and answers go back: by the daemon's own transfer machine over registers, or
/// by the kernel's driver. Subclass it: this one carries nothing. Errors are those of a device that failed.
class MessageCarrier {
    /// What the loop waits on.
    var descriptor: Int32 { -1 }
    /// What has been counted.
    var counters: TransferCounters { TransferCounters() }
    /// How many answers the host CPU has read to their end, as far as it is known.
    var answersRead: UInt64 { 0 }
    /// The device was opened and drained: begins, with SMS_ATN as given.
    func begin(attention: Bool, now: UInt64) throws(Errno) {}
    /// The device is ready, or may be.
    func deviceReady(_ readiness: Readiness) {}
    /// Does what is due, until there is something to tell, or nothing to do. A request is copied to `buffer`, of
    /// `TransferMachine.requestCapacity` bytes.
    func next(into buffer: UnsafeMutableRawBufferPointer, now: UInt64) throws(Errno) -> CarrierEvent {
        .waiting(until: nil, [])
    }
    /// Was a request with this token ever told of?
    func hasDelivered(_ token: MessageToken) -> Bool { false }
    /// Sends an answer on its way.
    func reply(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer, now: UInt64) throws(Errno) -> ReplyOutcome {
        .stale
    }
    /// There will be no answer.
    func withhold(_ token: MessageToken, now: UInt64) {}
    /// SMS_ATN is to be set, or cleared.
    func setAttention(_ on: Bool) throws(Errno) {}
    /// What is under way is forgotten; the host CPU finds an error, and begins anew.
    func reset(now: UInt64) throws(Errno) {}
    /// The device closes: the host CPU finds STATE = ERROR, and SMS_ATN as it was.
    func end(now: UInt64) {}
}

/// What a carrier has to tell.
enum CarrierEvent {
    /// A whole request, of so many bytes. An answer is owed.
    case request(MessageToken, Int)
    /// The answer to this request is no longer owed.
    case ended(MessageToken, MessageEnd)
    /// Nothing until that time (nil: none) or until the device is ready.
    case waiting(until: UInt64?, Readiness)
}
