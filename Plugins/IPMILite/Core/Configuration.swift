// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// What Get Device ID reports.
public struct DeviceIdentity: Sendable {
    /// Device ID.
    public var id: UInt8 = 0x20
    /// Device revision, 0 to 15.
    public var revision: UInt8 = 0x01
    /// Firmware revision: major 0 to 127, minor 0 to 99.
    public var firmware: (major: UInt8, minor: UInt8) = (1, 0)
    /// Manufacturer's IANA enterprise number, 20 bits.
    public var manufacturer: UInt32 = 0
    /// Product ID.
    public var product: UInt16 = 0
    /// Auxiliary firmware revision.
    public var auxiliary: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)

    /// A device of no manufacturer, with ID 20 and firmware 1.0.
    public init() {}
}

/// Where a sensor's value comes from.
public enum SensorSource: Equatable, Sendable {
    /// A value that does not change, in thousandths of the unit.
    case constant(Int64)
    /// Read by the driver of the controller, on request.
    case external
}

/// A sensor: what its record says, and where its value comes from.
public struct SensorConfiguration: Sendable {
    /// Record and thresholds.
    public var description: SensorDescription
    /// The value's origin.
    public var source: SensorSource

    /// A sensor.
    public init(_ description: SensorDescription, source: SensorSource) {
        self.description = description
        self.source = source
    }
}

/// One FRU inventory device.
public struct FRUConfiguration: Sendable {
    /// Device ID, 0 to FE.
    public var id: UInt8
    /// Name for its locator record.
    public var name: String
    /// The image as it is on storage.
    public var image: FRUImage
    /// True if the host may write.
    public var writable: Bool

    /// A device.
    public init(id: UInt8, name: String, image: FRUImage, writable: Bool) {
        self.id = id
        self.name = name
        self.image = image
        self.writable = writable
    }
}

/// A user as the host may list it. Read-only: no password is known here.
public struct UserConfiguration: Sendable {
    /// User ID, 1 to 63.
    public var id: UInt8
    /// Name, at most 16 characters.
    public var name: String
    /// Privilege limit: 1 callback, 2 user, 3 operator, 4 administrator, 15 no access.
    public var privilege: UInt8
    /// False if the user cannot log in.
    public var enabled: Bool

    /// Enabled, and with some privilege: what both the list and its count of enabled users go by.
    var mayLogIn: Bool { enabled && privilege != 15 }

    /// A user.
    public init(id: UInt8, name: String, privilege: UInt8, enabled: Bool) {
        self.id = id
        self.name = name
        self.privilege = privilege
        self.enabled = enabled
    }
}

/// The LAN channel as the host may read it.
public struct LANConfiguration: Sendable {
    /// Channel number, 1 to 11.
    public var channel: UInt8 = 1
    /// IPv4 address, first byte first.
    public var address: [UInt8] = [0, 0, 0, 0]
    /// 0 unspecified, 1 static, 2 DHCP, 3 BIOS, 4 other.
    public var addressSource: UInt8 = 0
    /// Subnet mask.
    public var mask: [UInt8] = [0, 0, 0, 0]
    /// Default gateway.
    public var gateway: [UInt8] = [0, 0, 0, 0]
    /// Ethernet address.
    public var mac: [UInt8] = [0, 0, 0, 0, 0, 0]
    /// VLAN, 1 to 4094; 0 none.
    public var vlan: UInt16 = 0
    /// Parameters answered with these bytes, whatever the fields above say.
    public var parameters: [(number: UInt8, bytes: [UInt8])] = []
    /// The users.
    public var users: [UserConfiguration] = []
    /// How many users there can be.
    public var maximumUsers: UInt8 = 15

    /// An interface without an address.
    public init() {}
}

/// How much the host may store.
public struct WriteLimit: Sendable {
    /// Sustained writes a minute; 0 means no limit.
    public var perMinute: UInt32
    /// Writes at once after a pause.
    public var burst: UInt32
    /// FRU devices have a limit of their own, that counts pieces, so many for one of `burst`: with the default as many as the
    /// largest image has bytes.
    static let fruPieces: UInt64 = 256

    /// A limit.
    public init(perMinute: UInt32 = 60, burst: UInt32 = 256) {
        self.perMinute = perMinute
        self.burst = burst
    }

    /// The limit at work, nothing used up: as many at once as the burst has, times `factor`.
    func rateLimit(times factor: UInt64 = 1) -> RateLimit {
        RateLimit(burst: UInt64(burst) * factor, interval: perMinute == 0 ? 0 : 60_000_000_000 / UInt64(perMinute))
    }
}

/// Everything that a controller is made of.
public struct ControllerConfiguration: Sendable {
    /// Get Device ID.
    public var identity = DeviceIdentity()
    /// Device and system GUID, 16 bytes, in the order sent.
    public var guid: [UInt8] = [UInt8](repeating: 0, count: 16)
    /// Most SEL records, 1 to 4095.
    public var selCapacity = 512
    /// A full SEL drops its oldest record for a new one, rather than refusing it.
    public var selWraps = false
    /// FRU devices.
    public var frus: [FRUConfiguration] = []
    /// Sensors.
    public var sensors: [SensorConfiguration] = []
    /// Records from a file instead of those built from `sensors`.
    public var repository: SDRRepository?
    /// LAN channel.
    public var lan = LANConfiguration()
    /// Which of the actions have something to run.
    public var actions = ActionSet()
    /// Commands that are allowed; empty means all but the defaults' denials.
    public var allow: [CommandPattern] = []
    /// Commands that are refused whatever `allow` says.
    public var deny: [CommandPattern] = []
    /// Limit for what the host makes persistent.
    public var writeLimit = WriteLimit()
    /// Nanoseconds between two readings of each external sensor.
    public var pollInterval: UInt64 = 1_000_000_000
    /// Oldest reading that is still answered; an older one is read anew first.
    public var readingAge: UInt64 = 250_000_000
    /// Which stores keep what they are given.
    public var durable = DurableStores()

    /// The defaults: no sensors, no FRU devices, nothing kept.
    public init() {}
}

/// Which stores are on storage; the others forget at the end of the process.
public struct DurableStores: Sendable {
    /// SEL.
    public var sel = false
    /// Boot options, system info, policy, times.
    public var settings = false
    /// FRU images.
    public var fru = false

    /// None.
    public init() {}
}

/// What the platform does when asked; the configuration gives a list of the daemon's actions for each.
public enum PlatformAction: UInt8, CaseIterable, Sendable {
    /// Chassis Control.
    case powerOn, powerOff, powerCycle, hardReset
    /// Chassis Control, where the host has a part in it: diagnostic interrupt, shutdown by its operating system.
    case diagnostic, softOff
    /// Chassis Identify, its end by command or by time.
    case identify, identifyOff
    /// Cold and Warm Reset of the BMC.
    case coldReset, warmReset
    /// Expiry of the watchdog timer.
    case watchdogReset, watchdogPowerOff, watchdogPowerCycle
}

/// A set of platform actions.
public struct ActionSet: OptionSet, Sendable {
    /// One bit for each action.
    public let rawValue: UInt16

    /// Takes bits as they are.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The set of one action.
    public init(_ action: PlatformAction) { rawValue = 1 << UInt16(action.rawValue) }

    /// Those that Chassis Control can ask for, which are the first.
    static let ofChassisControl = ActionSet(rawValue: 1 << UInt16(PlatformAction.softOff.rawValue + 1) - 1)

    /// True if `action` is in the set.
    public func has(_ action: PlatformAction) -> Bool { rawValue & 1 << UInt16(action.rawValue) != 0 }
}
