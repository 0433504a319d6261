// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// IDR, ODR and STR of one device, as its driver gives them: what differs between a node and a simulated device, and no
/// more. Subclass it: what a subclass does not serve is not supported. One thread uses it. Errors are the kernel's.
open class Registers {
    /// Registers that nothing serves yet.
    public init() {}

    /// What the loop waits on.
    open var descriptor: Int32 { -1 }
    /// What to wait for on the descriptor, for input, for output, or both. To be asked whenever the wish changes: a byte
    /// that waits while nobody listens is told of again.
    open func interest(input: Bool, output: Bool) -> DeviceEvents {
        var events: DeviceEvents = []
        if input { events.insert(.input) }
        if output { events.insert(.output) }
        return events
    }
    /// What the descriptor's readiness means. Output only counts if it is waited for.
    open func events(_ readiness: DeviceEvents, awaitingOutput: Bool) -> DeviceEvents { readiness }
    /// Does a byte wait in IDR? Can be a call of the system.
    open var hasInput: Bool { false }
    /// Takes the byte out of IDR, only after it was told of; nil where there is none after all.
    open func readIDR() throws(Errno) -> HostByte? { throw .notSupported }
    /// STR, without consuming IDR. Never sleeps.
    open func readSTR() throws(Errno) -> UInt8 { throw .notSupported }
    /// STR alone.
    open func writeSTR(_ value: UInt8) throws(Errno) { throw .notSupported }
    /// ODR, OBF known clear.
    open func writeODR(_ value: UInt8) throws(Errno) { throw .notSupported }
    /// STR, then ODR, in one step; OBF known clear, or bit 0 of `str` clear.
    open func write(odr: UInt8, str: UInt8) throws(Errno) { throw .notSupported }
    /// Memory shared with the host CPU that comes with the registers.
    open var window: UnsafeMutableRawBufferPointer? { nil }
    /// Lets the device go, for others to open. Nothing else may be called afterwards.
    open func close() {}
}
