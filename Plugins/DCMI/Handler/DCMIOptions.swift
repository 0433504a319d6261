// SPDX-License-Identifier: Apache-2.0
import DCMI
import NumberFiles
import PluginKit

/// The options, as they are declared and read.
struct DCMIOptions {
    private enum Entity: String, OptionChoice { case inlet, processor, baseboard }
    private enum WhenFull: String, OptionChoice { case stop, wrap }

    var configuration = DCMIConfiguration()
    /// The files that are read: the power's first, if there is one, then those of the temperatures.
    var files: [NumberFile?] = []
    let interval: Duration
    /// Texts for as long as none is stored.
    let assetTag: String
    let controllerID: String?

    static var declarations: [OptionDeclaration] {
        [
            .object(
                "power", file("1000000", help: "divisor; default as hwmon has it, in microwatts"),
                help: "the system's power; without it there are no power commands"),
            .list(
                "temperatures",
                of: .object(
                    nil,
                    [.enumeration("entity", of: Entity.self, required: true, help: "what is measured")]
                        + file("1000", help: "divisor; default as hwmon has it, in thousandths of a degree")
                        + [.integer("record", 0...0xFFFE, help: "its record in the SDR repository")]),
                0...64, default: "[]", help: "temperature sensors"),
            .string("asset_tag", 0...63, default: "\"\"", help: "asset tag until the host sets one"),
            .string("mc_id", 0...63, help: "identifier string until the host sets one; default the BMC's host name"),
            .object(
                "sel",
                [
                    .integer("capacity", 0...4095, default: "512", help: "records at most"),
                    .enumeration("when_full", of: WhenFull.self, default: .stop, help: "as ipmi-lite has it"),
                ], default: "{}", help: "what the capabilities say of the event log"),
            .integer("lan_channel", 1...11, help: "what the capabilities say of the LAN; default: there is none"),
            .duration("interval", .milliseconds(100)...(.seconds(255)), default: "1s", help: "between two readings"),
        ]
    }

    private static func file(_ divisor: String, help: StaticString) -> [OptionDeclaration] {
        [
            .path("file", required: true, help: "file with a number, as hwmon has it"),
            .integer("multiply", 1...1_000_000, default: "1", help: "factor for the file's number"),
            .integer("divide", 1...1_000_000_000, default: divisor, help: help),
        ]
    }

    init(_ options: OptionValue) {
        if let power = options["power"].ifPresent {
            configuration.hasPower = true
            files.append(DCMIOptions.file(power))
        }
        for sensor in options["temperatures"].elements {
            let entity: TemperatureEntity =
                switch sensor["entity"].enumeration(as: Entity.self) {
                case .inlet: .inlet
                case .processor: .processor
                case .baseboard: .baseboard
                }
            let record = sensor["record"].ifPresent.map { UInt16(clamping: $0.integer) }
            configuration.temperatures.append(TemperatureSensor(entity, record: record))
            files.append(DCMIOptions.file(sensor))
        }
        interval = options["interval"].duration
        configuration.interval = UInt8(clamping: max(interval.nanoseconds / 1_000_000_000, 1))
        configuration.logCapacity = UInt16(clamping: options["sel"]["capacity"].integer)
        configuration.logWraps = options["sel"]["when_full"].enumeration(as: WhenFull.self) == .wrap
        configuration.lanChannel = options["lan_channel"].ifPresent.map { UInt8(clamping: $0.integer) }
        assetTag = options["asset_tag"].string
        controllerID = options["mc_id"].ifPresent?.string
    }

    private static func file(_ value: OptionValue) -> NumberFile {
        NumberFile(
            path: value["file"].path, numerator: value["multiply"].integer, denominator: value["divide"].integer)
    }
}
