// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// What a management controller says of itself, as lines for people.
public enum IPMIReport: String, CaseIterable, Sendable {
    /// Identity, firmware, what it supports, self test.
    case controller = "mc-info"
    /// The system event log.
    case eventLog = "sel-list"
    /// Sensor data records, with readings.
    case sensors = "sdr-list"
    /// The FRU inventory devices.
    case inventory = "fru-print"
    /// Power and identification.
    case chassis = "chassis-status"

    /// Asks what the report needs, and writes it.
    public func lines(_ client: inout IPMIClient) throws(HostFailure) -> [String] {
        switch self {
        case .controller: try Self.controllerLines(&client)
        case .eventLog: try Self.eventLogLines(&client)
        case .sensors: try Self.sensorLines(&client)
        case .inventory: try Self.inventoryLines(&client)
        case .chassis: try Self.chassisLines(&client)
        }
    }

    private static func controllerLines(_ client: inout IPMIClient) throws(HostFailure) -> [String] {
        let device = try client.ask(.getDeviceID, atLeast: 11)
        let test = try client.ask(.getSelfTestResults, atLeast: 2)
        let supports = [
            "sensors", "SDR repository", "SEL", "FRU", "IPMB receiver", "IPMB generator", "bridge", "chassis",
        ].enumerated().filter { device[5] >> UInt8($0.offset) & 1 == 1 }.map(\.element)
        var lines = [
            row("device", "\(Hex.number(device[0])), revision \(device[1] & 15)"),
            row(
                "firmware",
                "\(device[2] & 0x7F).\(Hex.byte(device[3]))" + (device[2] & 0x80 == 0 ? "" : ", being updated")),
            row("IPMI", "\(device[4] & 15).\(device[4] >> 4)"),
            row("manufacturer", "\(little(device, 6, 3) & 0xFFFFF)"),
            row("product", "\(little(device, 9, 2))"),
        ]
        if device.count >= 15 { lines.append(row("auxiliary", Hex.bytes([UInt8](device[11..<15])))) }
        lines.append(row("supports", supports.joined(separator: ", ")))
        lines.append(row("self test", selfTest(test)))
        return lines
    }

    private static func selfTest(_ test: [UInt8]) -> String {
        switch test[0] {
        case 0x55: "passed"
        case 0x56: "not implemented"
        case 0x57: "at fault, \(Hex.number(test[1]))"
        case 0x58: "fatal fault, \(Hex.number(test[1]))"
        default: "\(Hex.number(test[0])) \(Hex.number(test[1]))"
        }
    }

    private static func chassisLines(_ client: inout IPMIClient) throws(HostFailure) -> [String] {
        let status = try client.ask(.getChassisStatus, atLeast: 3)
        let faults = [(1, "overload"), (2, "interlock"), (3, "power fault"), (4, "control fault")]
            .filter { status[0] >> UInt8($0.0) & 1 == 1 }.map(\.1)
        let policies = ["stays off", "as it was", "on", "unknown"]
        var identify = "not supported"
        if status[2] & 0x40 != 0 { identify = ["off", "on for a while", "on", "reserved"][Int(status[2] >> 4 & 3)] }
        return [
            row("power", status[0] & 1 == 1 ? "on" : "off"),
            row("faults", faults.isEmpty ? "none" : faults.joined(separator: ", ")),
            row("after AC loss", policies[Int(status[0] >> 5 & 3)]),
            row("last event", status[1] == 0 ? "none stated" : Hex.number(status[1])),
            row("identify", identify),
        ]
    }

    // MARK: The event log

    private static func eventLogLines(_ client: inout IPMIClient) throws(HostFailure) -> [String] {
        let count = Int(little(try client.ask(.getSELInfo, atLeast: 14), 1, 2))
        if count == 0 { return ["the log is empty"] }
        var lines: [String] = []
        var next: UInt16 = 0
        // A log that is added to meanwhile may have more, one that lies about its end is not followed for ever.
        for _ in 0...count + 64 {
            let answer = try client.ask(
                .getSELEntry, [0, 0, UInt8(next & 0xFF), UInt8(next >> 8), 0, 0xFF], atLeast: 2 + SELRecord.size)
            guard let record = SELRecord(answer, at: 2) else { break }
            lines.append(IPMIText.event(record))
            next = UInt16(little(answer, 0, 2))
            if next == 0xFFFF { break }
        }
        return lines
    }

    // MARK: Records

    private static func sensorLines(_ client: inout IPMIClient) throws(HostFailure) -> [String] {
        var lines: [String] = []
        for record in try records(&client) {
            let name = IPMIText.name(record)
            switch record[3] {
            case 0x01, 0x02:
                guard record.count > 20 else { continue }
                let head =
                    pad(name, 17) + Hex.number(record[7]) + "  " + pad(IPMIText.sensorType(record[12]), 22)
                lines.append(head + (try reading(of: record, &client)))
            case 0x11:
                lines.append(pad(name, 17) + "FRU device \(record.count > 6 ? Hex.number(record[6]) : "")")
            case 0x12: lines.append(pad(name, 17) + "management controller")
            default: lines.append(pad(name, 17) + "record type \(Hex.number(record[3]))")
            }
        }
        return lines.isEmpty ? ["there are no records"] : lines
    }

    private static func reading(of record: [UInt8], _ client: inout IPMIClient) throws(HostFailure) -> String {
        let definition = CommandTable.all[Int(Operation.getSensorReading.rawValue)]
        let (code, data) = try client.send(
            netFn: definition.netFn.rawValue, command: definition.command.rawValue, [record[7]])
        guard code == .ok else { return code.text }
        guard data.count >= 2 else { return "no reading" }
        if data[1] & 0x20 != 0 { return "no reading" }
        guard let conversion = SensorConversion(record: record) else {
            let states = data.dropFirst(2).prefix(2).map { $0 }
            return "states " + (states.isEmpty ? "none" : Hex.bytes(states))
        }
        let crossed = data.count > 2 ? IPMIText.thresholds(data[2]) : ""
        return IPMIText.value(conversion.value(of: data[0])) + " " + IPMIText.unit(record[21]) + crossed
    }

    /// Every record, in pieces that any controller can give.
    private static func records(_ client: inout IPMIClient) throws(HostFailure) -> [[UInt8]] {
        let count = Int(little(try client.ask(.getSDRInfo, atLeast: 14), 1, 2))
        var records: [[UInt8]] = []
        let reservation = try client.ask(.reserveSDR, atLeast: 2)
        var next: [UInt8] = [0, 0]
        while records.count < count, next != [0xFF, 0xFF] {
            let head = try client.ask(.getSDR, reservation[..<2] + next + [0, 5], atLeast: 7)
            var record = [UInt8](head[2..<7])
            let size = 5 + Int(record[4])
            while record.count < size {
                let piece = min(piece, size - record.count)
                let answer = try client.ask(
                    .getSDR, reservation[..<2] + next + [UInt8(record.count), UInt8(piece)], atLeast: 2 + piece)
                record += answer[2..<2 + piece]
            }
            records.append(record)
            next = [UInt8](head[..<2])
        }
        return records
    }

    private static let piece = 32

    // MARK: Inventory

    private static func inventoryLines(_ client: inout IPMIClient) throws(HostFailure) -> [String] {
        var devices: [(id: UInt8, name: String)] = [(0, "")]
        for record in try records(&client) where record[3] == 0x11 && record.count > 6 {
            if record[6] == 0 {
                devices[0].name = IPMIText.name(record)
            } else {
                devices.append((record[6], IPMIText.name(record)))
            }
        }
        var lines: [String] = []
        for device in devices {
            guard let image = try image(of: device.id, &client) else { continue }
            lines.append(
                "FRU device \(Hex.number(device.id))" + (device.name.isEmpty ? "" : " (\(device.name))"))
            if let problem = image.problem { lines.append("  not consistent: \(problem)") }
            lines += image.fields.map { "  " + pad($0.name, 22) + $0.value }
        }
        return lines.isEmpty ? ["there are no FRU devices"] : lines
    }

    private static func image(of device: UInt8, _ client: inout IPMIClient) throws(HostFailure) -> FRUImage? {
        let definition = CommandTable.all[Int(Operation.getFRUInfo.rawValue)]
        let (code, info) = try client.send(
            netFn: definition.netFn.rawValue, command: definition.command.rawValue, [device])
        if code == .notPresent { return nil }
        guard code == .ok, info.count >= 3 else { throw HostFailure("\(definition.name): \(code.text)") }
        let size = Int(little(info, 0, 2))
        var bytes: [UInt8] = []
        while bytes.count < size {
            let piece = min(piece, size - bytes.count)
            let answer = try client.ask(
                .readFRU, [device, UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8), UInt8(piece)],
                atLeast: 1 + piece)
            bytes += answer[1...piece]
        }
        return FRUImage(bytes)
    }

    // MARK: Text

    private static func little(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in 0..<count { value |= UInt32(bytes[start + index]) << UInt32(8 * index) }
        return value
    }

    private static func row(_ name: String, _ value: String) -> String { pad(name, 14) + value }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
