// SPDX-License-Identifier: Apache-2.0
import Devices
import Events
import IPMI
import KCS
import LinuxIO

/// Messages on a device whose driver runs the KCS transfer: whole requests are read, whole answers written.
///
/// The driver says nothing when the host CPU gives up: the next request, or a refused answer, tells.
final class KernelCarrier: MessageCarrier {
    /// A request that was read. Times are CLOCK_MONOTONIC in nanoseconds.
    private struct Owed {
        let token: MessageToken
        let netFn: UInt8
        let command: UInt8
        let deadline: UInt64
    }

    private let device: MessageDevice
    private let timeout: UInt64
    private var owed: Owed?
    private var lastToken: UInt64 = 0
    /// A request that was read, and not told of yet.
    private var read: (token: MessageToken, count: Int)?
    private var mayHaveRequest = false
    private var counted = TransferCounters()

    /// `timeout`: how long a request may stay without an answer, in nanoseconds.
    init(_ device: MessageDevice, timeout: UInt64) {
        self.device = device
        self.timeout = timeout
        super.init()
    }

    override var descriptor: Int32 { device.descriptor }
    override var counters: TransferCounters { counted }

    override func begin(attention: Bool, now: UInt64) throws(Errno) { try device.setAttention(attention) }
    override func deviceReady(_ readiness: Readiness) { mayHaveRequest = true }
    override func hasDelivered(_ token: MessageToken) -> Bool { token.rawValue > 0 && token.rawValue <= lastToken }
    override func setAttention(_ on: Bool) throws(Errno) { try device.setAttention(on) }

    override func next(into buffer: UnsafeMutableRawBufferPointer, now: UInt64) throws(Errno) -> CarrierEvent {
        if let read {
            self.read = nil
            return .request(read.token, read.count)
        }
        if mayHaveRequest {
            mayHaveRequest = false
            if let event = try take(into: buffer, now) { return event }
        }
        if let owed, now >= owed.deadline { return try expire(owed) }
        return .waiting(until: owed?.deadline, .input)
    }

    private func take(into buffer: UnsafeMutableRawBufferPointer, _ now: UInt64) throws(Errno) -> CarrierEvent? {
        // The host CPU may have given it up before it was read, or there was none.
        guard let count = try device.readMessage(into: buffer) else { return nil }
        let before = owed
        owed = nil
        if before != nil { counted.aborted += 1 }
        // NetFn/LUN and command; the drivers take no shorter one.
        if count >= 2 {
            lastToken += 1
            counted.delivered += 1
            let token = MessageToken(rawValue: lastToken)
            owed = Owed(token: token, netFn: buffer[0], command: buffer[1], deadline: now + timeout)
            read = (token, count)
        } else {
            try device.forceAbort()
        }
        if let before { return .ended(before.token, .aborted) }
        guard let read else { return nil }
        self.read = nil
        return .request(read.token, read.count)
    }

    private func expire(_ late: Owed) throws(Errno) -> CarrierEvent {
        owed = nil
        guard try answer([late.netFn | 0x04, late.command, CompletionCode.timeout.rawValue]) else {
            counted.aborted += 1
            return .ended(late.token, .aborted)
        }
        counted.expired += 1
        return .ended(late.token, .expired)
    }

    override func reply(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer, now: UInt64) throws(Errno)
        -> ReplyOutcome
    {
        guard let asked = owed, asked.token == token else { return .stale }
        if bytes.count > TransferMachine.responseCapacity { return .tooLong }
        // As for a device with registers, and no less than the drivers take.
        var answer = Array(bytes)
        let least = [asked.netFn | 0x04, asked.command, CompletionCode.unspecified.rawValue]
        if answer.count < least.count { answer.append(contentsOf: least[answer.count...]) }
        owed = nil
        if try self.answer(answer) {
            counted.completed += 1
            return .accepted
        }
        counted.stale += 1
        return .stale
    }

    /// False: the host CPU no longer waits.
    private func answer(_ bytes: [UInt8]) throws(Errno) -> Bool {
        do throws(Errno) {
            // A typed error does not pass through a closure of the standard library's.
            let result = bytes.withUnsafeBytes { bytes in
                Result<Void, Errno> { () throws(Errno) in try device.writeMessage(bytes) }
            }
            try result.get()
            return true
        } catch {
            if error == .invalidArgument { return false }
            throw error
        }
    }

    override func withhold(_ token: MessageToken, now: UInt64) { owed = nil }

    override func reset(now: UInt64) throws(Errno) {
        owed = nil
        read = nil
        try device.forceAbort()
    }

    /// STATE is ERROR, with the driver's status byte to read.
    override func end(now: UInt64) { try? device.forceAbort() }
}
