// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import IPMIController
import Testing

/// Rules that hold for every command of the table, and one vector for each.
@Suite struct TableDrivenTests {
    /// What one command is sent, and what it must answer: completion code, and the data's size or bytes.
    struct Vector {
        var data: [UInt8]
        var code: UInt8 = 0
        var answer: [UInt8]?
        var size: Int?
        /// What has to be sent before: NetFn, command, data.
        var before: [(UInt8, UInt8, [UInt8])] = []
    }

    static let reserveSEL: (UInt8, UInt8, [UInt8]) = (0x0A, 0x42, [])
    static let addition: [UInt8] = [0, 0, 2, 0, 0, 0, 0, 0x20, 0, 4, 1, 0x30, 1, 0x57, 1, 2]

    static let vectors: [Operation: Vector] = [
        .getChassisCapabilities: Vector(data: [], answer: [4, 0x20, 0x20, 0x20, 0x20, 0x20]),
        .getChassisStatus: Vector(data: [], answer: [0x61, 0x00, 0x40]),
        .chassisControl: Vector(data: [3], answer: []),
        .chassisIdentify: Vector(data: [5], answer: []),
        .setPowerRestorePolicy: Vector(data: [1], answer: [0x07]),
        .getSystemRestartCause: Vector(data: [], answer: [0x00, 0x0F]),
        .setBootOptions: Vector(data: [5, 0x80, 0x04, 0, 0, 0], answer: []),
        .getBootOptions: Vector(data: [5, 0, 0], answer: [1, 5, 0, 0, 0, 0, 0]),
        .getPowerOnHours: Vector(data: [], answer: [60, 0, 0, 0, 0]),
        .setEventReceiver: Vector(data: [0x20, 0], answer: []),
        .getEventReceiver: Vector(data: [], answer: [0x20, 0]),
        .platformEvent: Vector(data: [0x41, 4, 1, 0x30, 1, 0x59, 0, 0], answer: []),
        .getPEFCapabilities: Vector(data: [], answer: [0x51, 0, 0]),
        .getPEFParameters: Vector(data: [5, 0, 0], answer: [0x11, 0]),
        .getLastProcessedEvent: Vector(data: [], answer: [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        .getDeviceSDRInfo: Vector(data: [], answer: [4, 1]),
        .getDeviceSDR: Vector(data: [0, 0, 1, 0, 0, 5], answer: [2, 0, 1, 0, 0x51, 0x12, 14]),
        .reserveDeviceSDR: Vector(data: [], answer: [1, 0]),
        .getSensorReadingFactors: Vector(data: [0x30, 0], size: 7),
        .setSensorHysteresis: Vector(data: [0x30, 0xFF, 3, 4], answer: []),
        .getSensorHysteresis: Vector(data: [0x30, 0xFF], answer: [2, 2]),
        .setSensorThresholds: Vector(data: [0x30, 0x08, 0, 0, 0, 120, 0, 0], answer: []),
        .getSensorThresholds: Vector(data: [0x30], answer: [0x19, 55, 0, 0, 110, 130, 0]),
        .setSensorEventEnable: Vector(data: [0x30, 0xC0], answer: []),
        .getSensorEventEnable: Vector(data: [0x30], answer: [0xC0, 0x81, 0x02, 0x81, 0x02]),
        .rearmSensorEvents: Vector(data: [0x30, 0], answer: []),
        .getSensorEventStatus: Vector(data: [0x30], answer: [0xC0, 0, 0, 0, 0]),
        .getSensorReading: Vector(data: [0x30], answer: [75, 0xC0, 0xC0]),
        .getSensorType: Vector(data: [0x30], answer: [1, 1]),
        .getDeviceID: Vector(
            data: [], answer: [0x21, 0x82, 3, 0x14, 2, 0x8F, 0xBF, 0xA2, 0, 0x34, 0x12, 1, 2, 3, 4]),
        .coldReset: Vector(data: [], answer: []),
        .warmReset: Vector(data: [], answer: []),
        .getSelfTestResults: Vector(data: [], answer: [0x55, 0]),
        .setACPIPowerState: Vector(data: [0x80, 0x80], answer: []),
        .getACPIPowerState: Vector(data: [], answer: [0, 0]),
        .getDeviceGUID: Vector(data: [], answer: (0..<16).map { UInt8($0 + 0x40) }),
        .getSystemGUID: Vector(data: [], answer: (0..<16).map { UInt8($0 + 0x40) }),
        .resetWatchdog: Vector(data: [], code: 0x80),
        .setWatchdog: Vector(data: [4, 1, 0, 0, 100, 0], answer: []),
        .getWatchdog: Vector(data: [], answer: [0, 0, 0, 0, 0, 0, 0, 0]),
        .setGlobalEnables: Vector(data: [0x0F], answer: []),
        .getGlobalEnables: Vector(data: [], answer: [0x08]),
        .clearMessageFlags: Vector(data: [0x0B], answer: []),
        .getMessageFlags: Vector(data: [], answer: [0]),
        .getMessage: Vector(data: [], answer: [0x0F, 1, 2, 3], before: [(6, 0x34, [0x0F, 1, 2, 3])]),
        .sendMessage: Vector(data: [0x0F, 1, 2, 3], answer: []),
        .readEventMessageBuffer: Vector(data: [], code: 0x80),
        .getChannelAuthenticationCapabilities: Vector(data: [0x01, 4], answer: [1, 0, 4, 0, 0, 0, 0, 0]),
        .getSessionInfo: Vector(data: [1], answer: [0, 0, 0]),
        .getChannelAccess: Vector(data: [0x01, 0x80], answer: [0x22, 4]),
        .getChannelInfo: Vector(data: [0x0E], answer: [0x0F, 0x0C, 5, 0, 0xF2, 0x1B, 0, 0xFF, 0xFF]),
        .setUserAccess: Vector(data: [0x91, 2, 4], code: 0xD4),
        .getUserAccess: Vector(data: [1, 2], answer: [15, 0x41, 1, 0x14]),
        .setUserName: Vector(data: [UInt8](repeating: 2, count: 17), code: 0xD4),
        .getUserName: Vector(data: [2], answer: [UInt8]("admin".utf8) + [UInt8](repeating: 0, count: 11)),
        .setUserPassword: Vector(data: [2, 1], code: 0xD4),
        .masterWriteRead: Vector(data: [0x01, 0xA0, 1, 0], code: 0x83),
        .getChannelCipherSuites: Vector(data: [1, 0, 0x80], answer: [1]),
        .getSystemInterfaceCapabilities: Vector(data: [1], answer: [0, 0, 0xFF]),
        .setSystemInfo: Vector(data: [2, 0, 0, 4] + [UInt8]("host".utf8), answer: []),
        .getSystemInfo: Vector(
            data: [0, 2, 0, 0], answer: [0x11, 0, 0, 4, 0x68] + [UInt8](repeating: 0, count: 13),
            before: [(6, 0x58, [2, 0, 0, 4, 0x68])]),
        .getFRUInfo: Vector(data: [0], answer: [0, 1, 0]),
        .readFRU: Vector(data: [0, 0, 0, 5], answer: [5, 1, 0, 0, 1, 5]),
        .writeFRU: Vector(data: [0, 0xF0, 0, 9, 9], answer: [2]),
        .getSDRInfo: Vector(
            data: [], answer: [0x51, 7, 0, 0, 0] + little(1_700_000_000, 4) + little(1_700_000_000, 4) + [3]),
        .getSDRAllocation: Vector(data: [], answer: [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        .reserveSDR: Vector(data: [], answer: [1, 0]),
        .getSDR: Vector(data: [0, 0, 0xFF, 0xFF, 0, 5], answer: [0xFF, 0xFF, 7, 0, 0x51, 0x11, 16]),
        .getSDRTime: Vector(data: [], answer: little(1_700_000_000, 4)),
        .setSDRTime: Vector(data: [1, 2, 3, 4], answer: []),
        .getSELInfo: Vector(
            data: [], answer: [0x51, 1, 0, 0xF0, 1] + little(1_700_000_000, 4) + [0, 0, 0, 0, 0x0F],
            before: [(0x0A, 0x44, addition)]),
        .getSELAllocation: Vector(data: [], answer: [32, 0, 16, 0, 32, 0, 32, 0, 1]),
        .reserveSEL: Vector(data: [], answer: [1, 0]),
        .getSELEntry: Vector(
            data: [0, 0, 0, 0, 0, 0xFF],
            answer: [0xFF, 0xFF, 1, 0, 2] + little(1_700_000_000, 4) + [0x20, 0, 4, 1, 0x30, 1, 0x57, 1, 2],
            before: [(0x0A, 0x44, addition)]),
        .addSELEntry: Vector(data: addition, answer: [1, 0]),
        .partialAddSELEntry: Vector(data: [1, 0, 0, 0, 0, 1] + addition, answer: [1, 0], before: [reserveSEL]),
        .deleteSELEntry: Vector(
            data: [1, 0, 0xFF, 0xFF], answer: [1, 0], before: [(0x0A, 0x44, addition), reserveSEL]),
        .clearSEL: Vector(data: [1, 0, 0x43, 0x4C, 0x52, 0xAA], answer: [1], before: [reserveSEL]),
        .getSELTime: Vector(data: [], answer: little(1_700_000_000, 4)),
        .setSELTime: Vector(data: [1, 2, 3, 4], answer: []),
        .getSELUTCOffset: Vector(data: [], answer: [0xFF, 0x07]),
        .setSELUTCOffset: Vector(data: [60, 0], answer: []),
        .setLANParameters: Vector(data: [1, 3, 1, 2, 3, 4], code: 0x82),
        .getLANParameters: Vector(data: [1, 3, 0, 0], answer: [0x11, 192, 0, 2, 17]),
    ]

    @Test func everyCommandHasAVectorAndAnswersIt() throws {
        for definition in CommandTable.all {
            let name = "\(definition.number) \(definition.name)"
            let vector = try #require(TableDrivenTests.vectors[definition.operation], "\(name): no vector")
            #expect(definition.length.contains(vector.data.count), "\(name): vector of an illegal length")
            let bench = startedBench()
            for step in vector.before { _ = try bench.data(step.0, step.1, step.2) }
            let response = try #require(
                bench.send(definition.netFn.rawValue, definition.command.rawValue, vector.data), "\(name)")
            #expect(response[0] == definition.netFn.response.rawValue << 2, "\(name)")
            #expect(response[1] == definition.command.rawValue, "\(name)")
            #expect(response[2] == vector.code, "\(name): \(Hex.byte(response[2]))")
            if let answer = vector.answer { #expect([UInt8](response[3...]) == answer, "\(name)") }
            if let size = vector.size { #expect(response.count == 3 + size, "\(name)") }
        }
    }

    @Test func wrongLengthIsC7ForEveryCommandAndChangesNothing() {
        for definition in CommandTable.all {
            let bench = startedBench()
            let settings = bench.settingsFile
            for count in 0...251 where !definition.length.contains(count) {
                let code = bench.code(
                    definition.netFn.rawValue, definition.command.rawValue, [UInt8](repeating: 1, count: count))
                #expect(code == 0xC7, "\(definition.number) with \(count) bytes")
            }
            #expect(bench.selFile.isEmpty && bench.settingsFile == settings && bench.actions.isEmpty)
        }
    }

    @Test func otherLUNIsC2ForEveryCommand() {
        let bench = startedBench()
        for definition in CommandTable.all {
            for lun: UInt8 in 1...3 {
                let response = bench.send(
                    definition.netFn.rawValue, definition.command.rawValue,
                    [UInt8](repeating: 0, count: definition.length.lowerBound), lun: lun)
                #expect(response?[2] == 0xC2 && response?[0] ?? 0 & 3 == definition.netFn.response.rawValue << 2 | lun)
            }
        }
    }

    @Test func deniedCommandIsD4AndChangesNothing() throws {
        for definition in CommandTable.all {
            let pattern = try #require(CommandPattern(definition.number))
            let bench = startedBench { $0.deny = [pattern] }
            let settings = bench.settingsFile
            let vector = try #require(TableDrivenTests.vectors[definition.operation])
            #expect(bench.code(definition.netFn.rawValue, definition.command.rawValue, vector.data) == 0xD4)
            #expect(bench.selFile.isEmpty && bench.settingsFile == settings && bench.actions.isEmpty)
        }
    }

    @Test func whatIsNotInTheTableIsDeclined() {
        let bench = startedBench()
        for netFn in stride(from: UInt8(0), to: 0x40, by: 2) {
            for command in UInt8.min...UInt8.max {
                guard CommandTable.find(NetFn(rawValue: netFn), Command(rawValue: command)) == nil else { continue }
                #expect(bench.send(netFn, command, [0, 0, 0]) == nil)
                #expect(bench.lastDisposition == .declined)
            }
        }
        // Responses, and what is no message.
        #expect(bench.send(0x07, 0x01) == nil && bench.sendRaw([]) == nil && bench.sendRaw([0x18]) == nil)
    }

    @Test func statedCodesCoverWhatRandomRequestsGet() {
        // Codes outside the table's list would make the page and the transfer's users wrong.
        let always: Set<UInt8> = [0x00, 0xC2, 0xC7, 0xD4]
        var generator = SplitMix(7)
        let rounds = exhaustive ? 20_000 : 200
        for definition in CommandTable.all {
            let bench = startedBench()
            for _ in 0..<rounds {
                let count = Int.random(in: definition.length, using: &generator)
                let small = Bool.random(using: &generator)
                let data = (0..<count).map { _ in
                    small ? UInt8.random(in: 0...3, using: &generator) : UInt8.random(in: 0...255, using: &generator)
                }
                let code = bench.code(definition.netFn.rawValue, definition.command.rawValue, data)
                #expect(
                    always.contains(code) || definition.codes.contains(code),
                    "\(definition.number) \(Hex.bytes(data)) gives \(Hex.byte(code))")
            }
        }
    }
}
