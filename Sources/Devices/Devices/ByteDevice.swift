// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// An open device that gives the host CPU's bytes one by one. One thread uses it.
public protocol ByteDevice: AnyObject {
    /// What the loop waits on.
    var descriptor: Int32 { get }
    /// What the device gives.
    var capabilities: DeviceCapabilities { get }
    /// The bytes that were there at open: at most two, or what the driver's queue holds. They are for nobody.
    var stale: [HostByte] { get }
    /// As `Registers.interest`.
    func interest(input: Bool, output: Bool) -> DeviceEvents
    /// As `Registers.events`.
    func events(_ readiness: DeviceEvents, awaitingOutput: Bool) -> DeviceEvents
    /// Takes the host CPU's byte, only after it was told of; nil where there is none after all. Any error means that the
    /// device failed.
    func receive() throws(Errno) -> HostByte?
    /// Lets the device go.
    func close()
}
