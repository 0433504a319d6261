// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// Which device a channel stands on.
public struct DeviceSpecification: Sendable {
    /// What kind of device.
    public let kind: DeviceKind
    /// The node, or the simulated device's folder.
    public let path: String
    /// What the driver does with IDR.
    public let driver: Driver
    /// The memory shared with the host CPU; nil for none, or for the device's own.
    public let window: WindowSource?

    /// When the driver takes a byte out of IDR.
    public enum Driver: Sendable {
        /// In its interrupt handler: IBF is clear before anybody in user space knows of the byte.
        case early
        /// When user space reads it.
        case deferred
    }

    /// A device by kind, path and driver.
    public init(kind: DeviceKind, path: String, driver: Driver, window: WindowSource? = nil) {
        self.kind = kind
        self.path = path
        self.driver = driver
        self.window = window
    }

    /// What the device gives, known without opening it.
    public var capabilities: DeviceCapabilities {
        var capabilities = kind.capabilities
        if driver == .early && capabilities.contains(.status) { capabilities.insert(.earlyIBF) }
        if window != nil || kind.hasWindow { capabilities.insert(.window) }
        return capabilities
    }

    /// Opens the device, and takes out what waits in it.
    public func open() -> Result<OpenDevice, OpenFailure> { kind.opener(self) }

    /// The device that another process holds open and passed on: its node's descriptor, if it has one, and the bytes that
    /// were taken out when it was opened.
    public func adopt(_ descriptor: Int32?, stale: [HostByte]) throws(Errno) -> OpenDevice {
        try kind.adopter(self, descriptor, stale)
    }
}
