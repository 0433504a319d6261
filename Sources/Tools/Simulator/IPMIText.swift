// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import IPMI

/// IPMI's numbers in words.
enum IPMIText {
    /// Sensor types (IPMI 2.0 table 42-3).
    static func sensorType(_ type: UInt8) -> String {
        switch type {
        case 0x01: "temperature"
        case 0x02: "voltage"
        case 0x03: "current"
        case 0x04: "fan"
        case 0x05: "physical security"
        case 0x07: "processor"
        case 0x08: "power supply"
        case 0x09: "power unit"
        case 0x0A: "cooling device"
        case 0x0B: "other units"
        case 0x0C: "memory"
        case 0x0D: "drive slot"
        case 0x0F: "firmware progress"
        case 0x10: "event logging"
        case 0x12: "system event"
        case 0x13: "critical interrupt"
        case 0x14: "button"
        case 0x1D: "system boot"
        case 0x1F: "OS boot"
        case 0x20: "OS stop"
        case 0x22: "ACPI power state"
        case 0x23: "watchdog"
        case 0x28: "management subsystem"
        default: "sensor type " + Hex.number(type)
        }
    }

    /// Units (IPMI 2.0 §43.17).
    static func unit(_ unit: UInt8) -> String {
        switch unit {
        case 0: ""
        case 1: "°C"
        case 2: "°F"
        case 3: "K"
        case 4: "V"
        case 5: "A"
        case 6: "W"
        case 7: "J"
        case 18: "RPM"
        case 19: "Hz"
        default: "(unit \(unit))"
        }
    }

    /// A value in thousandths as a decimal.
    static func value(_ thousandths: Int64) -> String {
        let size = thousandths.magnitude
        var fraction = String(size % 1000)
        fraction = String(repeating: "0", count: 3 - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return (thousandths < 0 ? "-" : "") + "\(size / 1000)" + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// The thresholds that a reading is beyond, from the outermost that is.
    static func thresholds(_ states: UInt8) -> String {
        for (bit, name) in [
            (2, "lower non-recoverable"), (1, "lower critical"), (0, "lower non-critical"),
            (5, "upper non-recoverable"), (4, "upper critical"), (3, "upper non-critical"),
        ] where states >> UInt8(bit) & 1 == 1 { return ", beyond the \(name) threshold" }
        return ""
    }

    /// A record of the event log.
    static func event(_ record: SELRecord) -> String {
        let id = String(record.id, radix: 16)
        var text = String(repeating: " ", count: max(0, 4 - id.count)) + id + "  "
        text += record.hasTimestamp ? time(record.timestamp) + "  " : ""
        guard record.type == SELRecordType.systemEvent else {
            return text + "OEM record \(Hex.number(record.type)): \(Hex.bytes([UInt8](record.bytes[3...])))"
        }
        text += "\(sensorType(record[10])) \(Hex.number(record[11])): "
        text += meaning(record[12] & 0x7F, record[13] & 15)
        text += record[12] & 0x80 == 0 ? ", asserted" : ", deasserted"
        return text + "  (\(Hex.bytes([record[13], record[14], record[15]])))"
    }

    /// What an event's offset says, for thresholds; else its number.
    private static func meaning(_ type: UInt8, _ offset: UInt8) -> String {
        guard type == 0x01, offset < 12 else {
            return "event type \(Hex.number(type)), offset \(offset)"
        }
        let names = ["non-critical", "critical", "non-recoverable"]
        return (offset < 6 ? "lower " : "upper ") + names[Int(offset) / 2 % 3]
            + (offset & 1 == 0 ? ", going low" : ", going high")
    }

    /// The record's time in UTC; times before 1989 count from the controller's start.
    private static func time(_ seconds: UInt32) -> String {
        if seconds == 0xFFFF_FFFF { return "no time            " }
        var value = time_t(seconds)
        var parts = tm()
        gmtime_r(&value, &parts)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }

    /// The ID string of a sensor data record.
    static func name(_ record: [UInt8]) -> String {
        let offset: Int
        switch record[3] {
        case 0x01: offset = 47
        case 0x02: offset = 31
        case 0x03: offset = 16
        case 0x10, 0x11, 0x12: offset = 15
        default: return "-"
        }
        guard record.count > offset else { return "-" }
        let end = min(record.count, offset + 1 + Int(record[offset] & 0x1F))
        return field(record[offset] >> 6, record[(offset + 1)..<end])
    }

    /// A string of a record or FRU area, by its encoding: binary, BCD plus, 6-bit, 8-bit.
    static func field(_ encoding: UInt8, _ bytes: ArraySlice<UInt8>) -> String {
        switch encoding {
        case 1:
            let digits = Array("0123456789 -.:,_".unicodeScalars)
            return String(String.UnicodeScalarView(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }))
        case 2: return sixBit(bytes)
        case 3: return String(String.UnicodeScalarView(bytes.map { printable($0) }))
        default: return Hex.bytes([UInt8](bytes))
        }
    }

    private static func sixBit(_ bytes: ArraySlice<UInt8>) -> String {
        var text = ""
        var held: UInt32 = 0
        var bits: UInt32 = 0
        for byte in bytes {
            held |= UInt32(byte) << bits
            bits += 8
            while bits >= 6 {
                text.unicodeScalars.append(Unicode.Scalar(UInt8(held & 0x3F) + 0x20))
                held >>= 6
                bits -= 6
            }
        }
        return text
    }

    /// What a controller says goes to a terminal: control characters do not.
    private static func printable(_ byte: UInt8) -> Unicode.Scalar {
        (0x20...0x7E).contains(byte) || byte >= 0xA0 ? Unicode.Scalar(byte) : "?"
    }
}

extension FRUImage {
    /// The fields of the chassis, board and product areas, as far as they can be followed.
    var fields: [(name: String, value: String)] {
        guard bytes.count >= 8 else { return [] }
        return area(2, first: 3, ["chassis part", "chassis serial"])
            + area(
                3, first: 6, ["board manufacturer", "board product", "board serial", "board part", "board FRU file"])
            + area(
                4, first: 3,
                [
                    "product manufacturer", "product name", "product part", "product version", "product serial",
                    "product asset tag", "product FRU file",
                ])
    }

    private func area(_ slot: Int, first: Int, _ names: [String]) -> [(name: String, value: String)] {
        let start = Int(bytes[slot]) * 8
        guard start > 0, start + 1 < bytes.count else { return [] }
        let end = min(bytes.count, start + Int(bytes[start + 1]) * 8)
        var offset = start + first
        var found: [(name: String, value: String)] = []
        while offset < end, bytes[offset] != 0xC1 {
            let size = Int(bytes[offset] & 0x3F)
            guard offset + 1 + size <= end else { break }
            let name = found.count < names.count ? names[found.count] : names[0].prefix { $0 != " " } + " custom"
            found.append((String(name), IPMIText.field(bytes[offset] >> 6, bytes[(offset + 1)..<(offset + 1 + size)])))
            offset += 1 + size
        }
        return found.filter { !$0.value.isEmpty }
    }
}
