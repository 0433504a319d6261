// SPDX-License-Identifier: Apache-2.0
//
// The commands, in the order of the standard's appendix G. Longer than other files because it is one table.

/// Everything that the controller can be asked to do. `rawValue` is the command's place in `CommandTable.all`.
public enum Operation: UInt8, CaseIterable, Sendable {
    case getChassisCapabilities, getChassisStatus, chassisControl, chassisIdentify, setPowerRestorePolicy
    case getSystemRestartCause, setBootOptions, getBootOptions, getPowerOnHours
    case setEventReceiver, getEventReceiver, platformEvent, getPEFCapabilities, getPEFParameters, getLastProcessedEvent
    case getDeviceSDRInfo, getDeviceSDR, reserveDeviceSDR
    case getSensorReadingFactors, setSensorHysteresis, getSensorHysteresis, setSensorThresholds
    case getSensorThresholds, setSensorEventEnable, getSensorEventEnable, rearmSensorEvents
    case getSensorEventStatus, getSensorReading, getSensorType
    case getDeviceID, coldReset, warmReset, getSelfTestResults, setACPIPowerState, getACPIPowerState, getDeviceGUID
    case resetWatchdog, setWatchdog, getWatchdog
    case setGlobalEnables, getGlobalEnables, clearMessageFlags, getMessageFlags, getMessage, sendMessage
    case readEventMessageBuffer, getSystemGUID, getChannelAuthenticationCapabilities, getSessionInfo
    case getChannelAccess, getChannelInfo, setUserAccess, getUserAccess, setUserName, getUserName, setUserPassword
    case masterWriteRead
    case getChannelCipherSuites, getSystemInterfaceCapabilities, setSystemInfo, getSystemInfo
    case getFRUInfo, readFRU, writeFRU
    case getSDRInfo, getSDRAllocation, reserveSDR, getSDR, getSDRTime, setSDRTime
    case getSELInfo, getSELAllocation, reserveSEL, getSELEntry, addSELEntry, partialAddSELEntry, deleteSELEntry
    case clearSEL, getSELTime, setSELTime, getSELUTCOffset, setSELUTCOffset
    case setLANParameters, getLANParameters
}

/// The one table of commands.
public enum CommandTable {
    /// Every command, each at the index of its operation.
    public static let all: [CommandDefinition] = chassis + sensorEvent + app + messaging + storage + sel + transport

    /// The command with this number, if there is one. Linear: for tools and tests; dispatch keeps an index.
    public static func find(_ netFn: NetFn, _ command: Command) -> CommandDefinition? {
        for definition in all where definition.netFn == netFn && definition.command == command { return definition }
        return nil
    }

    /// The lengths of every command's request, for a transfer machine.
    public static var requestLengths: [RequestLength] {
        var lengths: [RequestLength] = []
        lengths.reserveCapacity(all.count)
        for definition in all {
            lengths.append(
                RequestLength(
                    netFn: definition.netFn.rawValue, command: definition.command.rawValue,
                    shortest: Int(definition.shortest) + 2, longest: Int(definition.longest) + 2))
        }
        return lengths
    }

    private typealias D = CommandDefinition

    private static let chassis: [CommandDefinition] = [
        D(
            .getChassisCapabilities, .chassis, 0x00, 0...0, .query, "none",
            "capabilities, FRU device, SDR device, SEL device, system management device, bridge device"),
        D(
            .getChassisStatus, .chassis, 0x01, 0...0, .query, "none",
            "power state, last power event, chassis state"),
        D(
            .chassisControl, .chassis, 0x02, 1...1, .power,
            "control 3:0 (0 down, 1 up, 2 cycle, 3 reset, 4 diagnostic interrupt, 5 soft)", "none", 0xCC),
        D(
            .chassisIdentify, .chassis, 0x04, 0...2, .volatile, "[seconds], [force on]", "none"),
        D(
            .setPowerRestorePolicy, .chassis, 0x06, 1...1, .persistent,
            "policy 2:0 (0 off, 1 previous, 2 on, 3 no change)", "supported policies", 0xC0_C4_CC_FF),
        D(
            .getSystemRestartCause, .chassis, 0x07, 0...0, .query, "none",
            "cause, channel"),
        D(
            .setBootOptions, .chassis, 0x08, 1...19, .persistent,
            "invalid 7, parameter 6:0, [parameter data]", "none", 0x80_81_C0_C4_C9_CC_FF),
        D(
            .getBootOptions, .chassis, 0x09, 3...3, .query,
            "parameter 6:0, set selector, block selector", "version 01, invalid 7 and parameter, parameter data",
            0x80_C9),
        D(
            .getPowerOnHours, .chassis, 0x0F, 0...0, .query, "none",
            "minutes per count, counter LE32"),
    ]

    private static let sensorEvent: [CommandDefinition] = [
        D(
            .setEventReceiver, .sensorEvent, 0x00, 2...2, .volatile,
            "slave address 7:1 (FF off), LUN 1:0", "none", 0xCC),
        D(
            .getEventReceiver, .sensorEvent, 0x01, 0...0, .query, "none",
            "slave address 7:1, LUN 1:0"),
        D(
            .platformEvent, .sensorEvent, 0x02, 6...8, .persistent,
            """
            generator ID, message revision 03 or 04, sensor type, sensor number, direction and event type, \
            data 1, [data 2], [data 3]
            """, "none", 0xC0_C4_CC_FF),
        D(.getPEFCapabilities, .sensorEvent, 0x10, 0...0, .query, "none", "version 51, actions 00, filters 0"),
        D(
            .getPEFParameters, .sensorEvent, 0x13, 3...3, .query,
            "revision only 7 and parameter, set selector, block selector", "revision 11, parameter data", 0x80),
        D(
            .getLastProcessedEvent, .sensorEvent, 0x15, 0...0, .query, "none",
            "last addition LE32, last record ID LE16, FFFF, FFFF: none has been processed"),
        D(
            .getDeviceSDRInfo, .sensorEvent, 0x20, 0...1, .query, "[operation 0]",
            "count, flags"),
        D(
            .getDeviceSDR, .sensorEvent, 0x21, 6...6, .query,
            "reservation LE16, record ID LE16, offset, bytes to read (FF all)", "next record ID LE16, data",
            0xC5_C9_CA_CB),
        D(
            .reserveDeviceSDR, .sensorEvent, 0x22, 0...0, .volatile, "none",
            "reservation LE16"),
        D(
            .getSensorReadingFactors, .sensorEvent, 0x23, 2...2, .query,
            "sensor number, reading", "next reading, M, M and tolerance, B, B and accuracy, accuracy, exponents",
            0xCB_CD),
        D(
            .setSensorHysteresis, .sensorEvent, 0x24, 4...4, .volatile,
            "sensor number, FF, positive-going, negative-going", "none", 0xCB_CD),
        D(
            .getSensorHysteresis, .sensorEvent, 0x25, 1...2, .query, "sensor number, [FF]",
            "positive-going, negative-going", 0xCB_CD),
        D(
            .setSensorThresholds, .sensorEvent, 0x26, 8...8, .volatile,
            "sensor number, mask 5:0, LNC, LC, LNR, UNC, UC, UNR", "none", 0xCB_CC_CD),
        D(
            .getSensorThresholds, .sensorEvent, 0x27, 1...1, .query, "sensor number",
            "readable mask 5:0, LNC, LC, LNR, UNC, UC, UNR", 0xCB_CD),
        D(
            .setSensorEventEnable, .sensorEvent, 0x28, 2...6, .volatile,
            "sensor number, flags, [assertions LE16], [deassertions LE16]", "none", 0xCB_CC),
        D(
            .getSensorEventEnable, .sensorEvent, 0x29, 1...1, .query, "sensor number",
            "flags, assertions LE16, deassertions LE16", 0xCB),
        D(
            .rearmSensorEvents, .sensorEvent, 0x2A, 2...6, .volatile,
            "sensor number, flags, [assertions LE16], [deassertions LE16]", "none", 0xCB),
        D(
            .getSensorEventStatus, .sensorEvent, 0x2B, 1...1, .query, "sensor number",
            "flags, assertions LE16, deassertions LE16", 0xCB),
        D(
            .getSensorReading, .sensorEvent, 0x2D, 1...1, .query, "sensor number",
            "reading, flags, state", 0xCB),
        D(
            .getSensorType, .sensorEvent, 0x2F, 1...1, .query, "sensor number",
            "sensor type, event type", 0xCB),
    ]

    private static let app: [CommandDefinition] = [
        D(
            .getDeviceID, .app, 0x01, 0...0, .query, "none",
            """
            device ID, revision, firmware major, firmware minor BCD, IPMI version, device support, \
            manufacturer LE24, product LE16, auxiliary 4 bytes
            """),
        D(.coldReset, .app, 0x02, 0...0, .power, "none", "none"),
        D(.warmReset, .app, 0x03, 0...0, .power, "none", "none"),
        D(
            .getSelfTestResults, .app, 0x04, 0...0, .query, "none",
            "result (55 passed, 57 devices), detail"),
        D(
            .setACPIPowerState, .app, 0x06, 2...2, .volatile,
            "set 7 and system state 6:0, set 7 and device state 6:0", "none", 0xCC),
        D(
            .getACPIPowerState, .app, 0x07, 0...0, .query, "none",
            "system state, device state"),
        D(.getDeviceGUID, .app, 0x08, 0...0, .query, "none", "GUID 16 bytes"),
        D(
            .resetWatchdog, .app, 0x22, 0...0, .volatile, "none", "none", 0x80),
        D(
            .setWatchdog, .app, 0x24, 6...6, .volatile,
            "timer use, actions, pre-timeout seconds, flags to clear, countdown LE16 of 100 ms", "none", 0xCC),
        D(
            .getWatchdog, .app, 0x25, 0...0, .query, "none",
            "timer use, actions, pre-timeout seconds, expiration flags, initial countdown LE16, present LE16"),
    ]

    private static let messaging: [CommandDefinition] = [
        D(
            .setGlobalEnables, .app, 0x2E, 1...1, .volatile, "enables", "none", 0xCC),
        D(.getGlobalEnables, .app, 0x2F, 0...0, .query, "none", "enables"),
        D(
            .clearMessageFlags, .app, 0x30, 1...1, .volatile,
            "0 receive queue, 1 event buffer, 3 watchdog pre-timeout", "none"),
        D(.getMessageFlags, .app, 0x31, 0...0, .query, "none", "flags"),
        D(
            .getMessage, .app, 0x33, 0...0, .volatile, "none", "channel, message data", 0x80),
        D(
            .sendMessage, .app, 0x34, 1...250, .volatile, "channel, message data",
            "none", 0x83_C4_CC),
        D(
            .readEventMessageBuffer, .app, 0x35, 0...0, .volatile, "none",
            "event record 16 bytes", 0x80),
        D(.getSystemGUID, .app, 0x37, 0...0, .query, "none", "GUID 16 bytes"),
        D(
            .getChannelAuthenticationCapabilities, .app, 0x38, 2...2,
            .query, "channel 3:0, privilege 3:0",
            "channel, authentication types, status, extended capabilities, OEM ID 3 bytes, OEM data", 0xCC),
        D(
            .getSessionInfo, .app, 0x3D, 1...5, .query,
            "index, or FE and handle, or FF and session ID LE32", "00, possible sessions 0, active sessions 0", 0xCB),
        D(
            .getChannelAccess, .app, 0x41, 2...2, .query,
            "channel 3:0, 7:6 1 stored or 2 active", "access, privilege limit", 0x82_CC),
        D(
            .getChannelInfo, .app, 0x42, 1...1, .query, "channel 3:0",
            "channel, medium, protocol, session support, vendor ID 3 bytes, auxiliary 2 bytes", 0xCC),
        D(
            .setUserAccess, .app, 0x43, 3...4, .volatile,
            "channel and access, user, privilege, [session limit]", "refused"),
        D(
            .getUserAccess, .app, 0x44, 2...2, .query, "channel 3:0, user 5:0",
            "users at most, enabled and count, fixed names, access", 0xC9_CC),
        D(
            .setUserName, .app, 0x45, 17...17, .volatile, "user 5:0, name 16 bytes", "refused"),
        D(
            .getUserName, .app, 0x46, 1...1, .query, "user 5:0", "name 16 bytes", 0xC9),
        D(
            .setUserPassword, .app, 0x47, 2...22, .volatile, "user, operation, [password]",
            "refused"),
        D(.masterWriteRead, .app, 0x52, 3...250, .volatile, "bus, address 7:1, count, [data]", "refused", 0x83),
        D(
            .getChannelCipherSuites, .app, 0x54, 3...3, .query,
            "channel 3:0, payload type, list index", "channel, cipher suite records", 0xCC),
        D(
            .getSystemInterfaceCapabilities, .app, 0x57, 1...1, .query,
            "interface 3:0 (1 KCS)", "0, version, largest request", 0xCC),
        D(
            .setSystemInfo, .app, 0x58, 2...18, .persistent,
            "parameter, set selector or data, [data]", "none", 0x80_81_C0_C4_C9_CC_FF),
        D(
            .getSystemInfo, .app, 0x59, 4...4, .query,
            "revision only 7, parameter, set selector, block selector", "revision 11, parameter data", 0x80_C9),
    ]

    private static let storage: [CommandDefinition] = [
        D(
            .getFRUInfo, .storage, 0x10, 1...1, .query, "FRU device",
            "size LE16, access 0 by bytes", 0xCB),
        D(
            .readFRU, .storage, 0x11, 4...4, .query, "FRU device, offset LE16, count",
            "count, data", 0xC9_CA_CB),
        D(
            .writeFRU, .storage, 0x12, 4...250, .persistent, "FRU device, offset LE16, data",
            "count written", 0x80_C0_C4_C9_CB_FF),
        D(
            .getSDRInfo, .storage, 0x20, 0...0, .query, "none",
            "version 51, count LE16, free LE16, last addition LE32, last erase LE32, operations"),
        D(
            .getSDRAllocation, .storage, 0x21, 0...0, .query, "none",
            "units LE16, unit size LE16, free LE16, largest free LE16, largest record"),
        D(
            .reserveSDR, .storage, 0x22, 0...0, .volatile, "none", "reservation LE16"),
        D(
            .getSDR, .storage, 0x23, 6...6, .query,
            "reservation LE16, record ID LE16, offset, bytes to read (FF all)", "next record ID LE16, data",
            0xC5_C9_CA_CB),
        D(.getSDRTime, .storage, 0x28, 0...0, .query, "none", "seconds LE32"),
        D(
            .setSDRTime, .storage, 0x29, 4...4, .persistent, "seconds LE32", "none",
            0xC0_C4_CC_FF),
    ]

    private static let sel: [CommandDefinition] = [
        D(
            .getSELInfo, .storage, 0x40, 0...0, .query, "none",
            "version 51, count LE16, free LE16, last addition LE32, last erase LE32, operations"),
        D(
            .getSELAllocation, .storage, 0x41, 0...0, .query, "none",
            "units LE16, unit size LE16, free LE16, largest free LE16, largest record"),
        D(.reserveSEL, .storage, 0x42, 0...0, .volatile, "none", "reservation LE16"),
        D(
            .getSELEntry, .storage, 0x43, 6...6, .query,
            "reservation LE16, record ID LE16 (0 first, FFFF last), offset, bytes to read (FF all)",
            "next record ID LE16, data", 0xC5_C9_CB),
        D(
            .addSELEntry, .storage, 0x44, 16...16, .persistent, "record 16 bytes",
            "record ID LE16", 0xC0_C4_FF),
        D(
            .partialAddSELEntry, .storage, 0x45, 7...22, .persistent,
            "reservation LE16, record ID LE16, offset, progress 3:0 (1 last), data", "record ID LE16",
            0x80_C0_C4_C5_C9_CB_FF),
        D(
            .deleteSELEntry, .storage, 0x46, 4...4, .persistent,
            "reservation LE16, record ID LE16 (0 first, FFFF last)", "record ID LE16", 0xC0_C4_C5_CB_FF),
        D(
            .clearSEL, .storage, 0x47, 6...6, .persistent,
            "reservation LE16, 'CLR', AA start or 00 status", "progress (1 completed)",
            0xC0_C4_C5_CC_FF),
        D(.getSELTime, .storage, 0x48, 0...0, .query, "none", "seconds LE32"),
        D(
            .setSELTime, .storage, 0x49, 4...4, .persistent, "seconds LE32", "none",
            0xC0_C4_CC_FF),
        D(
            .getSELUTCOffset, .storage, 0x5C, 0...0, .query, "none",
            "minutes LE16 signed (07FF unspecified)"),
        D(
            .setSELUTCOffset, .storage, 0x5D, 2...2, .persistent,
            "minutes LE16 signed, -1440 to 1440, or 07FF", "none", 0xC0_C4_C9_FF),
    ]

    private static let transport: [CommandDefinition] = [
        D(
            .setLANParameters, .transport, 0x01, 2...36, .volatile,
            "channel 3:0, parameter, data", "refused", 0x80_82_CC),
        D(
            .getLANParameters, .transport, 0x02, 4...4, .query,
            "revision only 7 and channel 3:0, parameter, set selector, block selector", "revision 11, parameter data",
            0x80_CC),
    ]
}
