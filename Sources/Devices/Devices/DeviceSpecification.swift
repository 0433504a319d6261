// SPDX-License-Identifier: Apache-2.0

/// Which device a channel stands on.
public struct DeviceSpecification: Equatable, Sendable {
    /// What kind of device.
    public let kind: Kind
    /// The node, or the simulated device's folder.
    public let path: String
    /// What the driver does with IDR.
    public let driver: Driver
    /// The memory shared with the host CPU; nil for none, or for a simulated device's own.
    public let window: WindowSource?

    /// The kinds of devices.
    public enum Kind: Sendable {
        /// The raw-KCS driver's node: IDR, ODR and STR.
        case rawKCS
        /// The node of serio_raw over the kernel's KCS serio driver: bytes in.
        case serioRaw
        /// The node of the kernel's own KCS transfer: whole messages.
        case ipmiKCS
        /// A simulated device, which gives the same.
        case simulated
    }

    /// When the driver takes a byte out of IDR.
    public enum Driver: Sendable {
        /// In its interrupt handler: IBF is clear before anybody in user space knows of the byte.
        case early
        /// When user space reads it.
        case deferred
    }

    /// A device by kind, path and driver.
    public init(kind: Kind, path: String, driver: Driver, window: WindowSource? = nil) {
        self.kind = kind
        self.path = path
        self.driver = driver
        self.window = window
    }

    /// What such a device gives, known without opening it.
    public var capabilities: DeviceCapabilities {
        switch kind {
        case .serioRaw: return [.dataIn, .earlyIBF]
        case .ipmiKCS: return [.messages, .attention]
        case .rawKCS, .simulated: break
        }
        var capabilities: DeviceCapabilities = .registers
        if driver == .early { capabilities.insert(.earlyIBF) }
        if kind == .rawKCS { capabilities.insert(.outputLags) }
        if window != nil || kind == .simulated { capabilities.insert(.window) }
        return capabilities
    }
}

/// Why a device could not be opened.
public enum OpenFailure: Error, Equatable, Sendable {
    /// There is no such node.
    case absent
    /// Another process has it: its description, where it could be found. `isKernelsWord` when open(2) itself said so.
    case busy(owner: String?, isKernelsWord: Bool)
    /// The system refused.
    case failed(String)

    /// What happened, in words that continue "device PATH …".
    public var description: String {
        switch self {
        case .absent: return "does not exist"
        case .busy(let owner?, _): return "is held by \(owner)"
        case .busy(nil, _): return "is held by another client; no process of this system has it open"
        case .failed(let reason): return "cannot be opened: \(reason)"
        }
    }
}
