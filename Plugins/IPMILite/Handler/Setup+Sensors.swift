// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import IPMIController
import NumberFiles
import PluginKit

extension Setup {
    /// Unit codes that matter here (IPMI 2.0 §43.17).
    private enum Unit {
        static let celsius: UInt8 = 1
        static let volts: UInt8 = 4
        static let amps: UInt8 = 5
        static let watts: UInt8 = 6
        static let rpm: UInt8 = 18
        static let unspecified: UInt8 = 0
    }

    func readSensors(_ list: OptionValue, _ report: OptionProblems) {
        for sensor in list.elements { readSensor(sensor, report) }
    }

    private func readSensor(_ item: OptionValue, _ report: OptionProblems) {
        let number = UInt8(clamping: item["number"].integer)
        if configuration.sensors.contains(where: { $0.description.number == number }) {
            report(item["number"], "sensor \(number) is there twice")
        }
        let value = item["value"]
        let file = value["file"].ifPresent?.path
        let constant = value["constant"].ifPresent.flatMap { Setup.decimal($0, report) }
        if (file == nil) == (value["constant"].ifPresent == nil) { report(value, "value is either file or constant") }
        guard let description = Setup.description(item, number, constant, report) else { return }
        configuration.sensors.append(
            SensorConfiguration(description, source: constant.map { .constant($0) } ?? .external))
        sensorFiles.append(
            file.map {
                let divisor = description.isDiscrete ? 1 : Setup.kernelDivisor(description.unit)
                return NumberFile(
                    path: $0, numerator: value["multiply"].integer,
                    denominator: value["divide"].ifPresent?.integer ?? divisor)
            })
    }

    private static func description(
        _ item: OptionValue, _ number: UInt8, _ constant: Int64?, _ report: OptionProblems
    ) -> SensorDescription? {
        let (type, typeUnit) = Setup.type(item["type"], report)
        let readingType = item["reading_type"].ifPresent.map { UInt8(clamping: $0.integer) }
        // What is measured has thresholds, all else states.
        if readingType ?? (type <= 0x04 || type == 0x0B ? 0x01 : 0x6F) != 0x01 {
            if item["thresholds"].isGiven { report(item["thresholds"], "a sensor with states has no thresholds") }
            var states: UInt16 = 0
            for state in item["states"].elements { states |= 1 << UInt16(clamping: state.integer) }
            return SensorDescription(
                number: number, name: item["name"].string, type: type, readingType: readingType ?? 0x6F,
                states: states == 0 ? 0x7FFF : states, entity: Setup.entity(item["entity"]))
        }
        if item["states"].isGiven { report(item["states"], "a sensor with a value has no states") }
        return measured(item, number, type, typeUnit, constant, report)
    }

    private static func measured(
        _ item: OptionValue, _ number: UInt8, _ type: UInt8, _ typeUnit: UInt8, _ constant: Int64?,
        _ report: OptionProblems
    ) -> SensorDescription? {
        let given = item["unit"].ifPresent
        let unit = given.map { Setup.unit($0, report) } ?? typeUnit
        let thresholds = Setup.thresholds(item["thresholds"], report)
        // What the readings have to reach, whatever else they show.
        var (lowest, highest) = (constant, constant)
        for case let threshold? in thresholds {
            lowest = min(lowest ?? threshold, threshold)
            highest = max(highest ?? threshold, threshold)
        }
        let range = Setup.range(unit, lowest, highest, item["range"], report)
        guard let conversion = SensorConversion(minimum: range.low, maximum: range.high) else {
            report(item["range"], "no reading can show this range")
            return nil
        }
        var description = SensorDescription(
            number: number, name: item["name"].string, type: type, unit: unit, entity: Setup.entity(item["entity"]),
            conversion: conversion)
        if let given, given.kind == .string { description.isPercentage = SensorNames.isPercent(given.string) }
        for (place, threshold) in thresholds.enumerated() {
            guard let threshold else { continue }
            description.thresholdMask |= UInt8(1 << place)
            description.thresholds[place] = conversion.reading(of: threshold)
        }
        let hysteresis = item["hysteresis"].ifPresent.flatMap { Setup.decimal($0, report) }
        description.hysteresis = hysteresis.map { conversion.steps(of: $0) } ?? 1
        return description
    }

    /// In the order of the standard's masks: lower non-critical, critical, non-recoverable, then upper.
    private static func thresholds(_ map: OptionValue, _ report: OptionProblems) -> [Int64?] {
        var thresholds = [Int64?](repeating: nil, count: 6)
        for (key, value) in map.pairs {
            guard let milli = decimal(value, report) else { continue }
            let bit = key.enumeration(as: OptionTree.Threshold.self).bit
            if thresholds[bit] != nil { report(key, "this threshold is there twice") }
            thresholds[bit] = milli
        }
        checkOrder(thresholds, map, report)
        return thresholds
    }

    private static func type(_ value: OptionValue, _ report: OptionProblems) -> (type: UInt8, unit: UInt8) {
        var type: UInt8? = value.kind == .integer ? UInt8(clamping: value.integer) : nil
        if value.kind != .integer {
            // Other units-based sensor, in watts.
            if case "power" = Word(value.string) { return (0x0B, Unit.watts) }
            type = SensorNames.type(value.string)
        }
        switch type {
        case 1?: return (1, Unit.celsius)
        case 2?: return (2, Unit.volts)
        case 3?: return (3, Unit.amps)
        case 4?: return (4, Unit.rpm)
        case let type? where type > 0: return (type, Unit.unspecified)
        default:
            report(value, "there is no sensor type \"\(value.string)\"; the manual lists them")
            return (0x0B, Unit.unspecified)
        }
    }

    private static func unit(_ value: OptionValue, _ report: OptionProblems) -> UInt8 {
        if value.kind == .integer { return UInt8(clamping: value.integer) }
        let name = value.string
        if let unit = SensorNames.unit(name) { return unit }
        if !SensorNames.isPercent(name) {
            report(value, "unit \"\(name)\" is none of degrees-c, volts, amps, watts, rpm, percent …, nor a unit code")
        }
        return Unit.unspecified
    }

    private static func kernelDivisor(_ unit: UInt8) -> Int64 {
        switch unit {
        case Unit.celsius, Unit.volts, Unit.amps: 1000
        case Unit.watts: 1_000_000
        default: 1
        }
    }

    static func decimal(_ value: OptionValue, _ report: OptionProblems) -> Int64? {
        // Beyond this no conversion reaches, and no sum of two overflows.
        let limit: Int64 = 1_000_000_000_000
        let milli: Int64?
        if value.kind == .integer {
            let (product, overflow) = value.integer.multipliedReportingOverflow(by: 1000)
            milli = overflow ? nil : product
        } else {
            milli = FixedPoint.thousandths([UInt8](value.string.utf8))
        }
        guard let milli, milli >= 0 - limit, milli <= limit else {
            report(value, "not a decimal number from -1000000000 to 1000000000")
            return nil
        }
        return milli
    }

    private static func checkOrder(
        _ thresholds: [Int64?], _ value: OptionValue, _ report: OptionProblems
    ) {
        // From the lowest: LNR, LC, LNC, UNC, UC, UNR.
        var below = Int64.min
        for place in [2, 1, 0, 3, 4, 5] {
            guard let threshold = thresholds[place] else { continue }
            if threshold < below {
                return report(
                    value, "thresholds are not in order, from lower_non_recoverable up to upper_non_recoverable")
            }
            below = threshold
        }
    }

    private static func range(
        _ unit: UInt8, _ lowest: Int64?, _ highest: Int64?, _ given: OptionValue, _ report: OptionProblems
    ) -> (low: Int64, high: Int64) {
        var low: Int64 = 0
        var high: Int64
        switch unit {
        case Unit.celsius: (low, high) = (-50_000, 205_000)
        case Unit.rpm: high = 25_500_000
        case Unit.watts: high = 1_020_000
        case Unit.volts, Unit.amps:
            // A quarter above the highest value that is named.
            high = highest.map { $0 > 0 ? $0 + $0 / 4 : 1000 } ?? 15_000
        default: high = 255_000
        }
        low = min(low, lowest ?? low)
        high = max(high, highest ?? high)
        if let minimum = given["minimum"].ifPresent { low = decimal(minimum, report) ?? low }
        if let maximum = given["maximum"].ifPresent { high = decimal(maximum, report) ?? high }
        return (low, high)
    }

    private static func entity(_ value: OptionValue) -> (id: UInt8, instance: UInt8) {
        value.kind == .integer
            ? (UInt8(clamping: value.integer), 1)
            : (value["id"].byte, UInt8(clamping: value["instance"].integer))
    }
}

extension OptionTree.Threshold {
    /// Its bit in the standard's masks (IPMI 2.0 §35.6).
    fileprivate var bit: Int {
        switch self {
        case .lower_non_critical, .lnc: 0
        case .lower_critical, .lc, .lcr: 1
        case .lower_non_recoverable, .lnr: 2
        case .upper_non_critical, .unc: 3
        case .upper_critical, .uc, .ucr: 4
        case .upper_non_recoverable, .unr: 5
        }
    }
}
