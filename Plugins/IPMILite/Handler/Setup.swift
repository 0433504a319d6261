// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import NumberFiles
import PluginKit

/// Takes what is wrong with options. A class, so that the code that reports is compiled once and not for each taker.
final class OptionProblems {
    private let take: (OptionValue, String) -> Void

    init(_ take: @escaping (OptionValue, String) -> Void) { self.take = take }

    func callAsFunction(_ value: OptionValue, _ sentence: Sentence) { take(value, sentence.text) }
}

/// An instance's options, read once. Files are named here and read later, on the worker thread. A class, for what is handed on
/// is not copied then.
final class Setup {
    struct FRU {
        var id: UInt8
        var name: String
        var path: String
        var writable: Bool
    }

    var configuration = ControllerConfiguration()
    var guidGiven = false
    var selPath: String?
    var frus: [FRU] = []
    var sdrPath: String?
    /// By the sensor's index; nil for constants.
    var sensorFiles: [NumberFile?] = []
    /// By the raw value of the platform action.
    var actions: [OptionValue?] = [OptionValue?](repeating: nil, count: PlatformAction.allCases.count)

    /// Reads `options`, a tree as `OptionTree.all` declares it; `report` gets what the declaration cannot say.
    init(_ options: OptionValue, _ report: OptionProblems) {
        readIdentity(options["device_id"], report)
        if let guid = options["guid"].ifPresent { readGUID(guid, report) }
        selPath = options["sel"]["path"].ifPresent?.path
        configuration.selCapacity = Int(options["sel"]["capacity"].integer)
        configuration.selWraps = options["sel"]["when_full"].enumeration(as: OptionTree.WhenFull.self) == .wrap
        readFRUs(options["fru"], report)
        readSensors(options["sensors"], report)
        sdrPath = options["sdr"]["path"].ifPresent?.path
        readActions(options["chassis"], options["bmc_reset"], options["watchdog"])
        readLAN(options["lan"], report)
        configuration.allow = Setup.patterns(options["allow"], report)
        configuration.deny = Setup.patterns(options["deny"], report)
        readLimit(options["write_limit"], report)
    }

    private func readActions(_ chassis: OptionValue, _ reset: OptionValue, _ watchdog: OptionValue) {
        for action in PlatformAction.allCases {
            let isChassis = action.rawValue <= PlatformAction.identifyOff.rawValue
            let isReset = action == .coldReset || action == .warmReset
            let group = isChassis ? chassis : isReset ? reset : watchdog
            guard let list = group[action.option].ifPresent else { continue }
            actions[Int(action.rawValue)] = list
            configuration.actions.insert(ActionSet(action))
        }
    }

    private func readIdentity(_ value: OptionValue, _ report: OptionProblems) {
        configuration.identity.id = value["id"].byte
        configuration.identity.revision = UInt8(clamping: value["revision"].integer)
        let firmware = value["firmware"]
        if firmware.kind == .integer {
            configuration.identity.firmware = (UInt8(clamping: firmware.integer), 0)
        } else if let version = Text.version(firmware.string) {
            configuration.identity.firmware = version
        } else {
            report(firmware, "firmware is major.minor, 0.00 to 127.99, not \"\(firmware.string)\"")
        }
        configuration.identity.manufacturer = UInt32(clamping: value["manufacturer"].integer)
        configuration.identity.product = UInt16(clamping: value["product"].integer)
        let aux = value["aux"].bytes
        configuration.identity.auxiliary = (aux[0], aux[1], aux[2], aux[3])
    }

    private func readGUID(_ value: OptionValue, _ report: OptionProblems) {
        guidGiven = true
        if value.kind == .bytes {
            configuration.guid = value.bytes
        } else if let guid = Text.guid(value.string) {
            configuration.guid = guid
        } else {
            report(value, "guid is 32 hexadecimal digits, with hyphens or without, not \"\(value.string)\"")
        }
    }

    private func readFRUs(_ list: OptionValue, _ report: OptionProblems) {
        for item in list.elements {
            let id = item["id"].byte
            if id == 0xFF { report(item["id"], "FRU device ID FF is reserved") }
            if frus.contains(where: { $0.id == id }) { report(item["id"], "FRU device \(id) is there twice") }
            let name = item["name"].ifPresent?.string ?? "FRU \(id)"
            frus.append(FRU(id: id, name: name, path: item["path"].path, writable: item["writable"].bool))
        }
    }

    private func readLimit(_ value: OptionValue, _ report: OptionProblems) {
        var limit: UInt32 = 60
        let rate = value["rate"]
        if rate.kind == .integer {
            limit = UInt32(clamping: rate.integer)
        } else if let read = Text.rate(rate.string) {
            limit = read
        } else {
            report(rate, "rate is a number, N/s, N/min or N/h, not \"\(rate.string)\"")
        }
        configuration.writeLimit = WriteLimit(perMinute: limit, burst: UInt32(clamping: value["burst"].integer))
    }

    private static func patterns(
        _ list: OptionValue, _ report: OptionProblems
    ) -> [CommandPattern] {
        var patterns: [CommandPattern] = []
        for item in list.elements {
            let text = item.string
            if let pattern = CommandPattern(text) {
                patterns.append(pattern)
                if !CommandTable.all.contains(where: { pattern.matches($0) }) {
                    report(item, "there is no command \"\(text)\" here")
                }
            } else {
                report(item, "a command is NETFN/CMD or NETFN/* in hexadecimal, not \"\(text)\"")
            }
        }
        return patterns
    }
}

extension PlatformAction {
    /// The option with its actions, in the object of its kind.
    var option: StaticString {
        switch self {
        case .powerOn: "power_on"
        case .powerOff, .watchdogPowerOff: "power_off"
        case .powerCycle: "cycle"
        case .hardReset, .watchdogReset: "reset"
        case .diagnostic: "diag"
        case .softOff: "soft"
        case .identify: "identify"
        case .identifyOff: "identify_off"
        case .coldReset: "cold"
        case .warmReset: "warm"
        case .watchdogPowerCycle: "power_cycle"
        }
    }
}
