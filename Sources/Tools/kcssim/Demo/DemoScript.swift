// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import LinuxIO
import MCTP
import SimulatedDevice
import Simulator

/// What the demo does on each channel, what it expects, and what it saw.
struct DemoScript {
    private struct Row {
        let channel: String
        let host: String
        let seen: String
        let isRight: Bool
    }

    private let daemon: DemoDaemon
    private let timeout: UInt64
    private var rows: [Row] = []

    /// The capture file that a trigger left.
    private(set) var capture: String?

    init(_ daemon: DemoDaemon, timeout: UInt64) {
        self.daemon = daemon
        self.timeout = timeout
    }

    /// Was everything as it should be?
    var isRight: Bool { !rows.isEmpty && rows.allSatisfy(\.isRight) }

    /// Plays every channel's part.
    mutating func play() {
        echo()
        ignoredByte()
        reboot()
        deviceID()
        eventLog()
        sensor()
        mctpAddress()
        mctpTypes()
        mctpMessage()
        // Last, so that the capture has what went before in it.
        debugData()
    }

    private mutating func step(_ channel: String, _ host: String, _ body: (HostAccess) throws -> (String, Bool)) {
        do {
            let device = try SimulatedHost(directory: "\(daemon.folder)/demo/\(channel)")
            let (seen, isRight) = try body(HostAccess(device, timeout: timeout))
            rows.append(Row(channel: channel, host: host, seen: seen, isRight: isRight))
        } catch {
            rows.append(Row(channel: channel, host: host, seen: "\(error)", isRight: false))
        }
    }

    private mutating func echo() {
        step("echo", "writes \"Hello\" to IDR, byte by byte") { access in
            var answer: [UInt8] = []
            for byte in Array("Hello".utf8) {
                try access.write([byte], command: false)
                answer.append(try access.read())
            }
            let text = String(decoding: answer, as: UTF8.self)
            return ("ODR gave \"\(text)\"", text == "hELLO")
        }
    }

    private mutating func ignoredByte() {
        let daemon = self.daemon
        let timeout = self.timeout
        step("debug", "writes 0x5A, which means nothing") { access in
            let first = daemon.lineCount
            try access.write([0x5A], command: false)
            try access.waitUntilTaken()
            let line = daemon.line(containing: "no trigger", from: first, timeout: timeout)
            return (
                line == nil ? "nothing was logged" : "logged, nothing was triggered",
                line?.contains("trigger '") == false
            )
        }
    }

    private mutating func debugData() {
        let daemon = self.daemon
        let timeout = self.timeout
        step("debug", "asks for debug data (D)") { access in
            let first = daemon.lineCount
            try access.write(Array("D".utf8), command: false)
            let line = daemon.line(containing: "(0x44):", from: first, timeout: timeout)
            return (result(line), line?.contains("log ok; capture all ok") == true)
        }
        let folder = "\(daemon.folder)/demo/capture"
        capture = (try? Syscalls.list(folder))?.first { $0.hasSuffix(".pcapng") }.map { "\(folder)/\($0)" }
        rows.append(
            Row(
                channel: "debug", host: "finds the capture of all channels",
                seen: capture == nil ? "no capture was written" : "it is on disk", isRight: capture != nil))
    }

    private mutating func reboot() {
        let daemon = self.daemon
        let timeout = self.timeout
        step("debug", "asks for a reboot (R)") { access in
            let first = daemon.lineCount
            try access.write(Array("R".utf8), command: false)
            let line = daemon.line(containing: "(0x52):", from: first, timeout: timeout)
            return (result(line), line?.contains("log ok") == true)
        }
    }

    // MARK: IPMI

    private mutating func ipmi(_ host: String, _ body: (inout IPMIClient) throws -> (String, Bool)) {
        step("ipmi", host) { access in
            var client = IPMIClient(HostTransfer(access.host, temperament: .linux, timeout: access.timeout))
            return try body(&client)
        }
    }

    private mutating func deviceID() {
        ipmi("sends Get Device ID (06/01)") { client in
            let id = try client.ask(.getDeviceID, atLeast: 11)
            return (
                "device \(Hex.number(id[0])), firmware \(id[2]).\(Hex.byte(id[3]))",
                id[0] == 0x20 && id[2] == 1
            )
        }
    }

    private mutating func eventLog() {
        let event = SELRecord(
            generator: 0x0021, revision: 0x04, sensorType: 0x12, sensor: 0x01, direction: 0x6F, data: (0x01, 0xFF, 0xFF)
        )
        ipmi("adds an event to the SEL, and lists it") { client in
            let id = try client.ask(.addSELEntry, event.bytes, atLeast: 2)
            let lines = try IPMIReport.eventLog.lines(&client)
            let line = lines.last ?? "nothing"
            return (line, id == [1, 0] && lines.count == 1 && line.contains("system event 0x01"))
        }
    }

    private mutating func sensor() {
        ipmi("lists the sensors") { client in
            let line = try IPMIReport.sensors.lines(&client).first { $0.hasPrefix("Inlet ") } ?? "no such sensor"
            return (line, line.hasSuffix("temperature           24 °C"))
        }
    }

    // MARK: MCTP

    private mutating func mctp(_ host: String, _ body: (MCTPClient, AstlpcChannel) throws -> (String, Bool)) {
        step("mctp", host) { access in
            let channel = try AstlpcChannel(access, eid: EID(9))
            try channel.start(anew: false)
            let result = try body(MCTPClient(channel, timeout: access.timeout), channel)
            try channel.finish()
            return result
        }
    }

    private mutating func mctpAddress() {
        mctp("begins a channel, and asks for the endpoint's ID") { client, channel in
            let bmc = try client.endpointID()
            return ("\(channel.summary), EID \(bmc.rawValue)", channel.version == .v3 && bmc == EID(8))
        }
    }

    private mutating func mctpTypes() {
        let socket = "\(daemon.folder)/demo/mctp-mux"
        mctp("asks for message types, a local program listens") { client, _ in
            let none = try client.types()
            let program = try EchoProgram(name: socket, abstract: false, type: .pldm)
            let types = try withExtendedLifetime(program) { try client.types(including: .pldm) }
            let names = types.map { MCTPText.name($0) }.joined(separator: ", ")
            return (names, !none.contains(.pldm) && types.contains(.pldm))
        }
    }

    private mutating func mctpMessage() {
        let socket = "\(daemon.folder)/demo/mctp-mux"
        mctp("sends 4096 bytes to a program that sends them back") { client, _ in
            let program = try EchoProgram(name: socket, abstract: false, type: .vendorIANA)
            let body = [MessageType.vendorIANA.rawValue] + (1..<4096).map { UInt8(truncatingIfNeeded: $0) }
            let answer = try withExtendedLifetime(program) {
                _ = try client.types(including: .vendorIANA)
                return try client.exchange(body, with: EID(8))
            }
            return ("\(answer.body.count) bytes came back", answer.body == body)
        }
    }

    /// The rows as text of at most 80 columns: what the host CPU did, and below it what came of it.
    var lines: [String] {
        var lines = ["       CHANNEL  THE HOST CPU, AND WHAT CAME OF IT"]
        for row in rows {
            lines.append(Columns.left(row.isRight ? "ok" : "WRONG", 7) + Columns.left(row.channel, 9) + row.host)
            lines += Columns.wrapped(row.seen, indent: 18)
        }
        return lines
    }
}

/// The part of an audit line that tells results.
private func result(_ line: String?) -> String {
    guard let line else { return "no trigger was logged" }
    guard let colon = line.firstIndex(of: ")") else { return line }
    return String(line[colon...].dropFirst(3))
}
