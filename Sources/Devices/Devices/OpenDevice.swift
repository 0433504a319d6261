// SPDX-License-Identifier: Apache-2.0

/// An open device, by what it has.
public enum OpenDevice {
    /// IDR, ODR and STR.
    case registers(RegisterDevice)
    /// Bytes in, and nothing else.
    case bytes(SerioDevice)
    /// Whole messages: the driver runs the KCS transfer.
    case messages(MessageDevice)

    /// What the device gives.
    public var capabilities: DeviceCapabilities {
        switch self {
        case .registers(let device): return device.capabilities
        case .bytes(let device): return device.capabilities
        case .messages(let device): return device.capabilities
        }
    }

    /// The bytes that were there at open. They are for nobody.
    public var stale: [HostByte] {
        switch self {
        case .registers(let device): return device.stale
        case .bytes(let device): return device.stale
        case .messages: return []
        }
    }

    /// What the loop waits on.
    public var descriptor: Int32 {
        switch self {
        case .registers(let device): return device.descriptor
        case .bytes(let device): return device.descriptor
        case .messages(let device): return device.descriptor
        }
    }

    /// The memory that comes with the device.
    public var window: UnsafeMutableRawBufferPointer? {
        if case .registers(let device) = self { return device.window }
        return nil
    }

    /// Lets the device go.
    public func close() {
        switch self {
        case .registers(let device): device.close()
        case .bytes(let device): device.close()
        case .messages(let device): device.close()
        }
    }
}
