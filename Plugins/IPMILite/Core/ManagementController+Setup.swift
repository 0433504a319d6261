// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// What is worked out once from the configuration.
extension ManagementController {
    /// Additional device support: 0 sensors, 1 SDR repository, 2 SEL, 3 FRU, 7 chassis.
    static func deviceSupport(_ configuration: ControllerConfiguration) -> UInt8 {
        0x87 | (configuration.frus.isEmpty ? 0 : 0x08)
    }

    /// The data of Get Device ID.
    static func deviceID(_ identity: DeviceIdentity, support: UInt8) -> [UInt8] {
        let minor = identity.firmware.minor
        return [
            identity.id, 0x80 | identity.revision & 0x0F, identity.firmware.major & 0x7F,
            (minor / 10) << 4 | minor % 10, 0x02, support, UInt8(identity.manufacturer & 0xFF),
            UInt8(identity.manufacturer >> 8 & 0xFF),
            UInt8(identity.manufacturer >> 16 & 0x0F), UInt8(identity.product & 0xFF), UInt8(identity.product >> 8),
            identity.auxiliary.0, identity.auxiliary.1, identity.auxiliary.2, identity.auxiliary.3,
        ]
    }

    /// The event log's own sensor: almost full is an event.
    static func logSensor(_ number: UInt8) -> SensorConfiguration {
        SensorConfiguration(
            SensorDescription(number: number, name: "SEL", type: 0x10, states: 0x0030), source: .constant(0))
    }

    /// A sensor number for events of the controller's own: the highest below `limit` that is free.
    static func freeSensor(_ configuration: ControllerConfiguration, below limit: UInt8 = 0xFF) -> UInt8? {
        var number = limit - 1
        while number > 0 {
            if !configuration.sensors.contains(where: { $0.description.number == number }) { return number }
            number -= 1
        }
        return nil
    }

    /// Records of the controller, its sensors, its watchdog and its FRU devices.
    static func buildRepository(
        _ configuration: ControllerConfiguration, support: UInt8, watchdog: UInt8?, log: SensorDescription?
    ) -> SDRRepository {
        var repository = SDRRepository()
        repository.append(SDRRecord.controllerLocator(name: "BMC", support: support, entity: (6, 1)))
        for sensor in configuration.sensors { repository.append(SDRRecord.of(sensor.description)) }
        if let log { repository.append(SDRRecord.of(log)) }
        if let watchdog {
            repository.append(
                SDRRecord.compact(number: watchdog, name: "Watchdog", type: 0x23, entity: (6, 1), events: 0x010F))
        }
        for (index, fru) in configuration.frus.enumerated() {
            repository.append(
                SDRRecord.fruLocator(id: fru.id, name: fru.name, entity: (7, UInt8(truncatingIfNeeded: index + 1))))
        }
        return repository
    }

    /// Whether the lists let a command through: `deny` always wins; `allow`, if there is one, names all that may pass;
    /// without it everything may but what acts on power, resets or rewrites the hardware unless it is configured.
    static func permits(_ definition: CommandDefinition, _ configuration: ControllerConfiguration) -> Bool {
        if configuration.deny.contains(where: { $0.matches(definition) }) { return false }
        if !configuration.allow.isEmpty { return configuration.allow.contains { $0.matches(definition) } }
        let actions = configuration.actions
        switch definition.operation {
        case .coldReset: return actions.has(.coldReset)
        case .chassisControl:
            return !actions.isDisjoint(with: .ofChassisControl)
        case .writeFRU: return configuration.frus.contains { $0.writable }
        default: return true
        }
    }

    /// A buffer that any response fits in, for the length of a call.
    func withResponseBuffer<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
        // Scratch memory on the stack: it cannot outlive the call.
        withUnsafeTemporaryAllocation(byteCount: 260, alignment: 8, body)
    }
}

extension SensorDescription {
    /// States thresholds and hysteresis, so far in steps of the own conversion, in those of another.
    mutating func restate(_ other: SensorConversion) {
        let old = conversion
        for index in 0..<6 { thresholds[index] = other.reading(of: old.value(of: thresholds[index])) }
        hysteresis = other.steps(of: old.value(of: hysteresis) - old.value(of: 0))
        if let normal {
            self.normal = (other.reading(of: old.value(of: normal.low)), other.reading(of: old.value(of: normal.high)))
        }
        conversion = other
    }
}

extension PlatformAction {
    /// The words for a log line.
    public var name: String {
        switch self {
        case .powerOn: "chassis power on"
        case .powerOff: "chassis power off"
        case .powerCycle: "chassis power cycle"
        case .hardReset: "chassis reset"
        case .diagnostic: "diagnostic interrupt"
        case .softOff: "chassis soft off"
        case .identify: "chassis identify"
        case .identifyOff: "chassis identify off"
        case .coldReset: "cold reset"
        case .warmReset: "warm reset"
        case .watchdogReset: "watchdog reset"
        case .watchdogPowerOff: "watchdog power off"
        case .watchdogPowerCycle: "watchdog power cycle"
        }
    }
}
