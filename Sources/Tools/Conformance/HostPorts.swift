// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import Simulator

/// The host CPU's two ports of a KCS device.
public protocol HostPorts {
    /// STR.
    func readStatus() -> UInt8
    /// ODR.
    func readData() -> UInt8
    /// IDR, by the data or the command port.
    func write(_ value: UInt8, command: Bool)
    /// Somebody waits: what another process died before doing is done.
    func nudge()
}

/// A simulated device, that of a mounted node included.
public struct SimulatedPorts: HostPorts {
    private let host: SimulatedHost

    /// Of a device.
    public init(_ host: SimulatedHost) { self.host = host }

    /// STR.
    public func readStatus() -> UInt8 { host.readStatus() }
    /// ODR.
    public func readData() -> UInt8 { host.readData() }
    /// IDR, by the data or the command port.
    public func write(_ value: UInt8, command: Bool) { _ = host.write(value, command: command) }
    /// Does what another process died before doing.
    public func nudge() { host.nudge() }
}

/// The machine's own ports, by `/dev/port`, as root on x86.
public struct MachinePorts: HostPorts {
    private let file: Int32
    private let data: Int
    private let command: Int

    /// The data port, and how far behind it the command port is.
    public init(data: UInt16, spacing: UInt16) throws(HostFailure) {
        do throws(SystemError) {
            file = try Syscalls.open("/dev/port", O_RDWR).release()
        } catch { throw HostFailure(error.description) }
        (self.data, command) = (Int(data), Int(data) + Int(spacing))
    }

    private func read(_ port: Int) -> UInt8 {
        var value: UInt8 = 0xFF
        _ = pread(file, &value, 1, .init(port))
        return value
    }

    /// STR.
    public func readStatus() -> UInt8 { read(command) }
    /// ODR.
    public func readData() -> UInt8 { read(data) }

    /// IDR, by the data or the command port.
    public func write(_ value: UInt8, command isCommand: Bool) {
        var value = value
        _ = pwrite(file, &value, 1, off_t(isCommand ? command : data))
    }

    /// Nothing to do where there is hardware.
    public func nudge() {}
}
