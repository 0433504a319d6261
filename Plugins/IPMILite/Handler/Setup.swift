// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import PluginKit

/// Takes what is wrong with options. A class, so that the code that reports is compiled once and not for each taker.
final class OptionProblems {
    private let take: (OptionValue, String) -> Void

    init(_ take: @escaping (OptionValue, String) -> Void) { self.take = take }

    func callAsFunction(_ value: OptionValue, _ sentence: Sentence) { take(value, sentence.text) }
}

/// An instance's options, read once. Files are named here and read later, on the worker thread.
struct Setup {
    struct FRU {
        var id: UInt8
        var name: String
        var path: String
        var writable: Bool
    }

    /// Where an external sensor's number is, and its scale to thousandths of the unit.
    struct SensorFile {
        var path: String
        var numerator: Int64
        var denominator: Int64
    }

    var configuration = ControllerConfiguration()
    var guidGiven = false
    var selPath: String?
    var frus: [FRU] = []
    var sdrPath: String?
    /// By the sensor's index; nil for constants.
    var sensorFiles: [SensorFile?] = []
    /// By the raw value of the platform action.
    var actions: [OptionValue?] = [OptionValue?](repeating: nil, count: PlatformAction.allCases.count)

    static let typeNames: [StaticString] = [
        "temperature", "voltage", "current", "fan", "power", "other",
    ]

    /// Reads `options`, a tree as `OptionTree.all` declares it; `report` gets what the declaration cannot say.
    init(_ options: OptionValue, _ report: OptionProblems) {
        readIdentity(options[0], report)
        readGUID(options[1], report)
        if !options[2][0].isAbsent { selPath = options[2][0].string }
        configuration.selCapacity = Int(options[2][1].integer)
        readFRUs(options[3], report)
        readSensors(options[4], report)
        if !options[5][0].isAbsent { sdrPath = options[5][0].string }
        let sources: [(PlatformAction, OptionValue)] = [
            (.powerOn, options[6][0]), (.powerOff, options[6][1]), (.powerCycle, options[6][2]),
            (.hardReset, options[6][3]), (.identify, options[6][4]), (.coldReset, options[7][0]),
            (.warmReset, options[7][1]), (.watchdogReset, options[8][0]), (.watchdogPowerOff, options[8][1]),
            (.watchdogPowerCycle, options[8][2]),
        ]
        for (action, value) in sources where !value.isAbsent {
            actions[Int(action.rawValue)] = value
            configuration.actions.insert(ActionSet(action))
        }
        readLAN(options[9], report)
        configuration.allow = Setup.patterns(options[10], report)
        configuration.deny = Setup.patterns(options[11], report)
        readLimit(options[12], report)
    }

    private mutating func readIdentity(_ value: OptionValue, _ report: OptionProblems) {
        configuration.identity.id = value[0].byte
        configuration.identity.revision = UInt8(clamping: value[1].integer)
        if value[2].choice == 1 {
            configuration.identity.firmware = (UInt8(clamping: value[2].integer), 0)
        } else if let version = Text.version(value[2].string) {
            configuration.identity.firmware = version
        } else {
            report(value[2], "firmware is major.minor, 0.00 to 127.99, not \"\(value[2].string)\"")
        }
        configuration.identity.manufacturer = UInt32(clamping: value[3].integer)
        configuration.identity.product = UInt16(clamping: value[4].integer)
        let aux = value[5].bytes
        configuration.identity.auxiliary = (aux[0], aux[1], aux[2], aux[3])
    }

    private mutating func readGUID(_ value: OptionValue, _ report: OptionProblems) {
        guard !value.isAbsent else { return }
        guidGiven = true
        if value.choice == 1 {
            configuration.guid = value.bytes
        } else if let guid = Text.guid(value.string) {
            configuration.guid = guid
        } else {
            report(value, "guid is 32 hexadecimal digits, with hyphens or without, not \"\(value.string)\"")
        }
    }

    private mutating func readFRUs(_ list: OptionValue, _ report: OptionProblems) {
        for index in 0..<list.count {
            let item = list[index]
            let id = item[0].byte
            if id == 0xFF { report(item[0], "FRU device ID FF is reserved") }
            if frus.contains(where: { $0.id == id }) { report(item[0], "FRU device \(id) is there twice") }
            let name = item[3].isAbsent ? "FRU \(id)" : item[3].string
            frus.append(FRU(id: id, name: name, path: item[1].string, writable: item[2].bool))
        }
    }

    private mutating func readLimit(_ value: OptionValue, _ report: OptionProblems) {
        var rate: UInt32 = 60
        if value[0].choice == 0 {
            rate = UInt32(clamping: value[0].integer)
        } else if let read = Text.rate(value[0].string) {
            rate = read
        } else {
            report(value[0], "rate is a number, N/s, N/min or N/h, not \"\(value[0].string)\"")
        }
        configuration.writeLimit = WriteLimit(perMinute: rate, burst: UInt32(clamping: value[1].integer))
    }

    private static func patterns(
        _ list: OptionValue, _ report: OptionProblems
    ) -> [CommandPattern] {
        var patterns: [CommandPattern] = []
        for index in 0..<list.count {
            let text = list[index].string
            if let pattern = CommandPattern(text) {
                patterns.append(pattern)
                if !CommandTable.all.contains(where: { pattern.matches($0) }) {
                    report(list[index], "there is no command \"\(text)\" here")
                }
            } else {
                report(list[index], "a command is NETFN/CMD or NETFN/* in hexadecimal, not \"\(text)\"")
            }
        }
        return patterns
    }
}
