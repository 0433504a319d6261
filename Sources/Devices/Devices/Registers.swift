// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// IDR, ODR and STR of one device, as its driver gives them: what differs between a node and a simulated device, and no
/// more. One thread uses them. Errors are the kernel's.
public protocol Registers: AnyObject {
    /// What the loop waits on.
    var descriptor: Int32 { get }
    /// What to wait for on the descriptor, for input, for output, or both. To be asked whenever the wish changes: a byte
    /// that waits while nobody listens is told of again.
    func interest(input: Bool, output: Bool) -> DeviceEvents
    /// What the descriptor's readiness means. Output only counts if it is waited for.
    func events(_ readiness: DeviceEvents, awaitingOutput: Bool) -> DeviceEvents
    /// Does a byte wait in IDR? Can be a call of the system.
    var hasInput: Bool { get }
    /// Takes the byte out of IDR, only after it was told of; nil where there is none after all.
    func readIDR() throws(Errno) -> HostByte?
    /// STR, without consuming IDR. Never sleeps.
    func readSTR() throws(Errno) -> UInt8
    /// STR alone.
    func writeSTR(_ value: UInt8) throws(Errno)
    /// ODR, OBF known clear.
    func writeODR(_ value: UInt8) throws(Errno)
    /// STR, then ODR, in one step; OBF known clear, or bit 0 of `str` clear.
    func write(odr: UInt8, str: UInt8) throws(Errno)
    /// Memory shared with the host CPU that comes with the registers.
    var window: UnsafeMutableRawBufferPointer? { get }
    /// Lets the device go, for others to open. Nothing else may be called afterwards.
    func close()
}
