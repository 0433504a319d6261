// SPDX-License-Identifier: Apache-2.0
import Common
import DriverModel
import LinuxIO
import SimulatedDevice

/// Why the host's side did not get what it asked for.
public struct HostFailure: Error, Equatable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    /// A failure in words.
    public init(_ description: String) { self.description = description }
}

/// Accesses of a host that keeps to the protocol, each within a time.
public struct HostAccess {
    /// The device.
    public let host: SimulatedHost
    /// Nanoseconds that each access may take.
    public let timeout: UInt64
    /// When all accesses together must be over, by the monotonic clock; the largest value for never.
    public let end: UInt64

    /// Accesses to a device.
    public init(_ host: SimulatedHost, timeout: UInt64, end: UInt64 = .max) {
        self.host = host
        self.timeout = timeout
        self.end = end
    }

    /// When an access that begins now must be over.
    public var deadline: UInt64 { Clock.deadline(after: timeout, end) }

    /// Writes bytes to one port, each once IBF is clear; all within the time.
    public func write(_ bytes: [UInt8], command: Bool) throws(HostFailure) {
        let deadline = deadline
        for (index, byte) in bytes.enumerated() {
            guard host.send(byte, command: command, deadline: deadline) else {
                throw HostFailure(
                    "byte \(index + 1) of \(bytes.count), \(Hex.number(byte)), was not written: "
                        + "IBF stayed set for \(Quantity.duration(timeout))" + absence)
            }
        }
    }

    /// Waits until the BMC has taken what was written last.
    public func waitUntilTaken() throws(HostFailure) {
        guard host.wait(for: STRBit.ibf, toBe: 0, deadline: deadline) else {
            throw HostFailure("IBF stayed set for \(Quantity.duration(timeout))" + absence)
        }
    }

    /// Reads ODR once OBF is set.
    public func read() throws(HostFailure) -> UInt8 {
        guard let value = host.receive(deadline: deadline) else {
            throw HostFailure("OBF stayed clear for \(Quantity.duration(timeout))" + absence)
        }
        return value
    }

    private var absence: String { host.state.isOpen ? "" : "; nobody has the device open on the BMC's side" }
}

extension Clock {
    /// `timeout` nanoseconds from now, or `end` if that is earlier.
    static func deadline(after timeout: UInt64, _ end: UInt64) -> UInt64 {
        let (sum, overflow) = monotonic.addingReportingOverflow(timeout)
        return overflow ? end : min(sum, end)
    }
}
