// SPDX-License-Identifier: Apache-2.0
import IPMIController
import PluginKit

/// The options that kcsmuxd checks before an instance is made, and that `Setup` reads by their names.
enum OptionTree {
    /// A sensor's threshold: its name, or one of the short ones, two of which ipmitool spells with an r.
    enum Threshold: String, OptionChoice {
        case lower_non_critical, lower_critical, lower_non_recoverable
        case upper_non_critical, upper_critical, upper_non_recoverable
        case lnc, lc, lnr, unc, uc, unr, lcr, ucr
    }

    enum WhenFull: String, OptionChoice { case stop, wrap }

    enum Privilege: String, OptionChoice { case none, callback, user, `operator`, administrator }

    /// A decimal: a whole number, or quoted text such as "0.85".
    private static func decimal(_ key: StaticString?, help: StaticString? = nil) -> OptionDeclaration {
        .oneOf(key, [.integer(nil), .string(nil, 1...24)], help: help)
    }

    static var all: [OptionDeclaration] {
        [
            .object(
                "device_id",
                [
                    .byte("id", default: "0x20", help: "device ID"),
                    .integer("revision", 0...15, default: "1", help: "device revision"),
                    .oneOf(
                        "firmware", [.string(nil, 1...8), .integer(nil, 0...127)], default: "\"1.0\"",
                        help: "firmware revision, quoted major.minor"),
                    .integer("manufacturer", 0...0xFFFFF, default: "0", help: "IANA enterprise number"),
                    .integer("product", 0...0xFFFF, default: "0", help: "product ID"),
                    .bytes("aux", 4...4, default: "[0, 0, 0, 0]", help: "auxiliary firmware revision"),
                ], default: "{}", help: "what Get Device ID answers"),
            .oneOf(
                "guid", [.string(nil, 32...36), .bytes(nil, 16...16)],
                help: "UUID as text, or its 16 bytes as sent; without it made from /etc/machine-id"),
            .object(
                "sel",
                [
                    .path("path", owned: true, help: "the event log's file; default sel in the channel's state folder"),
                    .integer("capacity", 1...4095, default: "512", help: "records at most"),
                    .enumeration(
                        "when_full", of: WhenFull.self, default: .stop,
                        help: "refuse new records, or drop the oldest"),
                ], default: "{}", help: "system event log"),
            .list(
                "fru",
                of: .object(
                    nil,
                    [
                        .byte("id", required: true, help: "FRU device ID"),
                        .path("path", required: true, help: "file with the image"),
                        .bool("writable", default: "false", help: "the host may write"),
                        .string("name", 1...16, help: "name in the locator record"),
                    ]), 0...16, default: "[]", help: "FRU inventory devices"),
            .list("sensors", of: sensor, 0...128, default: "[]", help: "sensors"),
            .object(
                "sdr", [.path("path", help: "file of sensor data records")], default: "{}",
                help: "records from a file instead of those made from the sensors"),
            .object(
                "chassis", actions(.powerOn, .identifyOff), default: "{}",
                help: "actions of Chassis Control and Chassis Identify"),
            .object("bmc_reset", actions(.coldReset, .warmReset), default: "{}", help: "actions of a BMC reset"),
            .object(
                "watchdog", actions(.watchdogReset, .watchdogPowerCycle), default: "{}",
                help: "actions when the watchdog timer expires"),
            .map(
                "lan", from: .string(nil, 1...32),
                to: .oneOf(nil, [.integer(nil), .string(nil, 0...64), .list(nil, of: user), .bytes(nil, 0...32)]),
                default: "{}",
                help:
                    "channel, address, netmask, gateway, mac, source, vlan, users, or a quoted parameter number and its bytes"
            ),
            .list("allow", of: .string(nil, 3...16), 0...256, default: "[]", help: "NETFN/CMD or NETFN/*, hexadecimal"),
            .list("deny", of: .string(nil, 3...16), 0...256, default: "[]", help: "refused even if allowed"),
            .object(
                "write_limit",
                [
                    .oneOf(
                        "rate", [.integer(nil, 0...60_000), .string(nil, 1...16)], default: "\"60/min\"",
                        help: "stored changes a minute; 0 is no limit"),
                    .integer("burst", 1...65_536, default: "256", help: "changes at once"),
                ], default: "{}", help: "limit for what the host makes persistent"),
        ]
    }

    /// A list of actions for each from `first` to `last`.
    private static func actions(_ first: PlatformAction, _ last: PlatformAction) -> [OptionDeclaration] {
        var lists: [OptionDeclaration] = []
        for action in PlatformAction.allCases where (first.rawValue...last.rawValue).contains(action.rawValue) {
            lists.append(.actions(action.option))
        }
        return lists
    }

    private static var sensor: OptionDeclaration {
        .object(
            nil,
            [
                .integer("number", 1...0xFE, required: true, help: "sensor number"),
                .string("name", 1...16, required: true, help: "name"),
                .oneOf(
                    "type", [.integer(nil, 1...255), .string(nil, 1...24)], default: "temperature",
                    help: "sensor type, as ipmitool names it, or its code"),
                .integer(
                    "reading_type", 1...0x7F,
                    help: "1 thresholds, 0x6F states of the sensor type, or another; default by type"),
                .list(
                    "states", of: .integer(nil, 0...14), 0...15, default: "[]",
                    help: "the states that there can be, of a sensor with states; default all"),
                .oneOf(
                    "unit", [.integer(nil, 1...92), .string(nil, 1...16)],
                    help: "unit, as ipmitool names it, percent, or its code; default by type"),
                .object(
                    "value",
                    [
                        .path("file", help: "file with a number, as hwmon has it; of states a bit each"),
                        decimal("constant", help: "a value that does not change, in the unit"),
                        .integer("multiply", 1...1_000_000, default: "1", help: "factor for the file's number"),
                        .integer(
                            "divide", 1...1_000_000_000,
                            help: "divisor; default as hwmon: 1000 for C, V and A, 1000000 for W, else 1"),
                    ], required: true, help: "file or constant"),
                .map(
                    "thresholds", from: .enumeration(nil, of: Threshold.self),
                    to: .oneOf(nil, [.integer(nil), .string(nil, 1...24)]), default: "{}",
                    help: "thresholds in the unit"),
                .oneOf(
                    "entity",
                    [
                        .integer(nil, 0...255),
                        .object(nil, [.byte("id", default: "7"), .integer("instance", 0...127, default: "1")]),
                    ], default: "7", help: "entity ID, or id and instance"),
                decimal("hysteresis", help: "distance back over a threshold, in the unit; default one step"),
                .object(
                    "range", [decimal("minimum"), decimal("maximum")], default: "{}",
                    help: "values that a reading can show; default by unit and thresholds"),
            ])
    }

    private static var user: OptionDeclaration {
        .object(
            nil,
            [
                .integer("id", 1...63, required: true), .string("name", 0...16, default: "\"\""),
                .enumeration("privilege", of: Privilege.self, default: .administrator),
                .bool("enabled", default: "true"),
            ])
    }
}
