// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
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

    mutating func readSensors(_ list: OptionValue, _ report: OptionProblems) {
        for sensor in list.elements { readSensor(sensor, report) }
    }

    private mutating func readSensor(_ item: OptionValue, _ report: OptionProblems) {
        let number = UInt8(clamping: item["number"].integer)
        if configuration.sensors.contains(where: { $0.description.number == number }) {
            report(item["number"], "sensor \(number) is there twice")
        }
        let (type, typeUnit) = Setup.type(item["type"])
        let unit = item["unit"].ifPresent.map { Setup.unit($0, typeUnit, report) } ?? typeUnit
        let thresholds = Setup.thresholds(item["thresholds"], report)

        let value = item["value"]
        let file = value["file"].ifPresent?.path
        let constant = value["constant"].ifPresent.flatMap { Setup.decimal($0, report) }
        if (file == nil) == (value["constant"].ifPresent == nil) { report(value, "value is either file or constant") }

        var points = thresholds.compactMap { $0 }
        if let constant { points.append(constant) }
        let range = Setup.range(unit, points, item["range"], report)
        guard let conversion = SensorConversion(minimum: range.low, maximum: range.high) else {
            report(item["range"], "no reading can show this range")
            return
        }
        var description = SensorDescription(
            number: number, name: item["name"].string, type: type, unit: unit, entity: Setup.entity(item["entity"]),
            conversion: conversion)
        for (place, threshold) in thresholds.enumerated() {
            guard let threshold else { continue }
            description.thresholdMask |= UInt8(1 << place)
            description.thresholds[place] = conversion.reading(of: threshold)
        }
        let hysteresis = item["hysteresis"].ifPresent.flatMap { Setup.decimal($0, report) }
        description.hysteresis = hysteresis.map { conversion.steps(of: $0) } ?? 1
        configuration.sensors.append(
            SensorConfiguration(description, source: constant.map { .constant($0) } ?? .external))
        guard let file else {
            sensorFiles.append(nil)
            return
        }
        sensorFiles.append(
            SensorFile(
                path: file, numerator: value["multiply"].integer,
                denominator: value["divide"].ifPresent?.integer ?? Setup.kernelDivisor(unit)))
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

    private static func type(_ value: OptionValue) -> (type: UInt8, unit: UInt8) {
        if value.kind == .integer {
            let type = UInt8(clamping: value.integer)
            switch type {
            case 1: return (type, Unit.celsius)
            case 2: return (type, Unit.volts)
            case 3: return (type, Unit.amps)
            case 4: return (type, Unit.rpm)
            default: return (type, Unit.unspecified)
            }
        }
        switch value.enumeration(as: OptionTree.SensorType.self) {
        case .temperature: return (0x01, Unit.celsius)
        case .voltage: return (0x02, Unit.volts)
        case .current: return (0x03, Unit.amps)
        case .fan: return (0x04, Unit.rpm)
        // Other units-based sensor, in watts.
        case .power: return (0x0B, Unit.watts)
        case .other: return (0x0B, Unit.unspecified)
        }
    }

    private static func unit(
        _ value: OptionValue, _ standard: UInt8, _ report: OptionProblems
    ) -> UInt8 {
        if value.kind == .integer { return UInt8(clamping: value.integer) }
        switch Word(value.string) {
        case "C", "celsius", "degrees_c", "degrees C": return Unit.celsius
        case "F", "fahrenheit", "degrees_f", "degrees F": return 2
        case "K", "kelvin", "degrees_k", "degrees K": return 3
        case "V", "volts": return Unit.volts
        case "A", "amps": return Unit.amps
        case "W", "watts": return Unit.watts
        case "J", "joules": return 7
        case "RPM", "rpm": return Unit.rpm
        case "Hz", "hertz": return 19
        case "unspecified", "percent", "none": return Unit.unspecified
        default:
            report(value, "unit \"\(value.string)\" is none of C, F, K, V, A, W, J, RPM, Hz, percent or a unit code")
            return standard
        }
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
        _ unit: UInt8, _ points: [Int64], _ given: OptionValue, _ report: OptionProblems
    ) -> (low: Int64, high: Int64) {
        var low: Int64 = 0
        var high: Int64
        switch unit {
        case Unit.celsius: (low, high) = (-50_000, 205_000)
        case Unit.rpm: high = 25_500_000
        case Unit.watts: high = 1_020_000
        case Unit.volts, Unit.amps:
            // A quarter above the highest value that is named.
            high = points.max().map { $0 > 0 ? $0 + $0 / 4 : 1000 } ?? 15_000
        default: high = 255_000
        }
        for point in points {
            low = min(low, point)
            high = max(high, point)
        }
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
