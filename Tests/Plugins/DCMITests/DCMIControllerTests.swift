// SPDX-License-Identifier: Apache-2.0
import Common
import DCMI
import Foundation
import IPMI
import TestKit
import Testing

/// A controller, and a host that asks it.
struct Bench {
    var controller: DCMIController
    var now: UInt64 = 1_000_000_000

    init(_ configure: (inout DCMIConfiguration) -> Void = { _ in }) {
        var configuration = DCMIConfiguration()
        configure(&configuration)
        controller = DCMIController(configuration)
    }

    /// The answer from its completion code on; nil if the controller declines. What is to be stored is.
    mutating func ask(_ command: UInt8, _ data: [UInt8], netFn: UInt8 = 0x2C, lun: UInt8 = 0) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0xEE, count: 64)
        let message = [netFn << 2 | lun, command] + data
        let moment = Moment(now: now, seconds: 0x6745_2301)
        let answer = message.withUnsafeBytes { message in
            buffer.withUnsafeMutableBytes { buffer -> [UInt8]? in
                var response = Response(buffer)
                switch controller.message(Request(message)!, &response, at: moment) {
                case .declined: return nil
                case .reply: break
                case .store(let change): controller.stored(change, succeeded: true)
                }
                return response.message
            }
        }
        if let answer { #expect(answer[0] == (netFn | 1) << 2 | lun && answer[1] == command) }
        return answer.map { [UInt8]($0[2...]) }
    }

    /// A text as a host reads it, in pieces.
    mutating func text(_ command: UInt8) -> String {
        var bytes: [UInt8] = []
        let length = ask(command, [0xDC, 0, 0])![2]
        while bytes.count < length { bytes += ask(command, [0xDC, UInt8(bytes.count), 16])!.dropFirst(3) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a text as hosts do, in pieces of 16; the last answer.
    mutating func set(_ command: UInt8, _ bytes: [UInt8]) -> [UInt8]? {
        var answer: [UInt8]?
        for start in stride(from: 0, to: bytes.count, by: 16) {
            let part = bytes[start..<min(start + 16, bytes.count)]
            answer = ask(command, [0xDC, UInt8(start), UInt8(part.count)] + part)
        }
        return answer
    }
}

@Suite struct DCMIControllerTests {
    @Test func whatIsNotDCMIIsDeclined() {
        var bench = Bench { $0.hasPower = true }
        #expect(bench.ask(0x01, [0x00, 0x01]) == nil)
        #expect(bench.ask(0x00, [0xDC]) == nil)
        #expect(bench.ask(0x01, []) == nil)
        #expect(bench.ask(0x01, [0xDC, 0x01], netFn: 0x2E) == nil)
        // There is no limit to be set, and nothing that acts on a temperature.
        for command: UInt8 in [0x04, 0x05, 0x0B, 0x0C, 0x11] { #expect(bench.ask(command, [0xDC, 0, 0, 0]) == nil) }
        var without = Bench()
        #expect(without.ask(0x02, [0xDC, 1, 0, 0]) == nil && without.ask(0x03, [0xDC, 0, 0]) == nil)
    }

    @Test(arguments: DCMICommand.allCases)
    func everyLengthButTheLegalOnesIsRefusedAndNoneTraps(_ command: DCMICommand) {
        var bench = Bench { $0.hasPower = true }
        for count in 1...64 {
            let answer = bench.ask(command.rawValue, [0xDC] + [UInt8](repeating: 0xFF, count: count - 1))
            #expect((answer == [0xC7]) == !command.length.contains(count) || answer == [0xC7])
            if answer?.first != 0, let code = answer?.first {
                #expect(code == 0xC7 || command.codes.contains(code), "\(command) answers \(code) for \(count) bytes")
            }
        }
        #expect(bench.ask(command.rawValue, [0xDC], lun: 1) == [0xC2])
    }

    @Test func capabilitiesSayWhatThereIs() {
        var bench = Bench {
            $0.hasPower = true
            $0.logCapacity = 0x123
            $0.logWraps = true
            $0.interval = 5
            $0.lanChannel = 1
        }
        #expect(bench.ask(0x01, [0xDC, 1]) == [0, 0xDC, 1, 5, 2, 0x00, 0x01, 0x01])
        #expect(bench.ask(0x01, [0xDC, 2]) == [0, 0xDC, 1, 5, 2, 0x23, 0xA1, 0, 0, 5])
        #expect(bench.ask(0x01, [0xDC, 3]) == [0, 0xDC, 1, 5, 2, 0x20, 0x00])
        #expect(bench.ask(0x01, [0xDC, 4]) == [0, 0xDC, 1, 5, 2, 0x01, 0xFF, 0xFF])
        #expect(bench.ask(0x01, [0xDC, 5]) == [0, 0xDC, 1, 5, 2, 0x00])
        #expect(bench.ask(0x01, [0xDC, 0]) == [0xCC] && bench.ask(0x01, [0xDC, 6]) == [0xCC])
        var without = Bench()
        #expect(without.ask(0x01, [0xDC, 1]) == [0, 0xDC, 1, 5, 2, 0x00, 0x00, 0x01])
        #expect(without.ask(0x01, [0xDC, 4]) == [0, 0xDC, 1, 5, 2, 0xFF, 0xFF, 0xFF])
    }

    @Test func powerIsThePresentTheExtremesAndTheMean() {
        var bench = Bench { $0.hasPower = true }
        let time: [UInt8] = [0x01, 0x23, 0x45, 0x67]
        #expect(
            bench.ask(0x02, [0xDC, 1, 0, 0]) == [0, 0xDC, 0, 0, 0, 0, 0, 0, 0, 0] + time + [0, 0, 0, 0, 0],
            "before the first reading, measuring is not active")
        for watts in [300_000, 200_400, 400_500] as [Int64] {
            bench.controller.takePower(watts, now: bench.now)
            bench.now += 500_000_000
        }
        // 401, 200, 401 and 300 W, over 1500 ms.
        #expect(
            bench.ask(0x02, [0xDC, 1, 0, 0])
                == [0, 0xDC, 0x91, 0x01, 0xC8, 0x00, 0x91, 0x01, 0x2C, 0x01] + time + [0xDC, 0x05, 0, 0, 0x40])
        bench.controller.takePower(nil, now: bench.now)
        #expect(bench.ask(0x02, [0xDC, 1, 0, 0])?.last == 0 && bench.ask(0x02, [0xDC, 1, 0, 0])?[2] == 0)
        #expect(bench.ask(0x02, [0xDC, 2, 0x41, 0]) == [0xCC])
    }

    @Test func powerThatNoWordCanSayIsTheNearestThatOneCan() {
        var power = PowerStatistics()
        power.take(-5000, now: 1)
        #expect(power.present == 0 && power.lowest == 0)
        power.take(.max, now: 2)
        #expect(power.present == .max && power.highest == .max && power.average == 0x8000)
        #expect(power.period(now: .max) == .max && power.period(now: 0) == 0)
        power.take(.min, now: 3)
        #expect(power.present == 0)
    }

    @Test func thatThereIsNoPowerLimitIsSaidBesideItsFields() {
        var bench = Bench { $0.hasPower = true }
        #expect(bench.ask(0x03, [0xDC, 0, 0]) == [0x80, 0xDC] + [UInt8](repeating: 0, count: 13))
    }

    @Test func anAssetTagIsReadAndWrittenInPieces() {
        var bench = Bench()
        #expect(bench.text(0x06).isEmpty)
        let tag = (0..<63).map { UInt8(0x41 + $0 % 26) }
        #expect(bench.set(0x08, tag) == [0, 0xDC, 63])
        #expect(bench.text(0x06) == String(decoding: tag, as: UTF8.self))
        #expect(bench.ask(0x06, [0xDC, 60, 16]) == [0, 0xDC, 63] + tag[60...])
        #expect(bench.ask(0x08, [0xDC, 2, 1, 0x21]) == [0, 0xDC, 3])
        #expect(bench.text(0x06) == "AB!")
    }

    @Test func aTextThatWouldBeTooLongOrHaveAGapIsRefused() {
        var bench = Bench()
        #expect(bench.set(0x08, [UInt8](repeating: 0x41, count: 64)) == [0xC9])
        #expect(bench.ask(0x08, [0xDC, 50, 1, 0x42]) == [0xC9])
        #expect(bench.ask(0x08, [0xDC, 0, 2, 0x42]) == [0xC7])
        #expect(bench.ask(0x06, [0xDC, 0, 17]) == [0xC9])
        #expect(bench.ask(0x06, [0xDC, 49, 1]) == [0xC9] && bench.ask(0x06, [0xDC, 48, 1]) == [0, 0xDC, 48])
        #expect(bench.set(0x0A, [UInt8](repeating: 0x41, count: 64)) == [0xC9])
        #expect(bench.set(0x0A, [UInt8](repeating: 0x41, count: 63) + [0]) == [0, 0xDC, 64])
    }

    @Test func anIdentifierStringHoldsOnceItsZeroCame() {
        var bench = Bench()
        bench.controller.load(.controllerID, Array("bmc".utf8))
        #expect(bench.ask(0x0A, [0xDC, 0, 2, 0x61, 0x62]) == [0, 0xDC, 2])
        #expect(bench.text(0x09) == "bmc")
        #expect(bench.ask(0x0A, [0xDC, 2, 3, 0x63, 0, 0x64]) == [0, 0xDC, 4])
        #expect(bench.text(0x09) == "abc")
        // A host repeats a piece whose answer it did not get.
        #expect(bench.ask(0x0A, [0xDC, 2, 3, 0x63, 0, 0x64]) == [0, 0xDC, 4])
        bench.controller.hostReset()
        #expect(bench.ask(0x0A, [0xDC, 2, 1, 0]) == [0xC9], "what came before a reset is forgotten")
    }

    @Test func aHostCannotWriteWithoutEnd() {
        var bench = Bench()
        var answers: [UInt8] = []
        for number in 0..<100 as Range<UInt8> { answers.append(bench.ask(0x08, [0xDC, 0, 1, number])![0]) }
        #expect(answers == [UInt8](repeating: 0, count: 32) + [UInt8](repeating: 0xC0, count: 68))
        #expect(bench.controller.refused == 68)
        // The same once more is no change.
        #expect(bench.ask(0x08, [0xDC, 0, 1, 31])?[0] == 0)
        bench.now += 60_000_000_000
        #expect(bench.ask(0x08, [0xDC, 0, 1, 99])?[0] == 0)
    }

    @Test func temperaturesAreSignAndDegreesAndThoseWithoutAReadingAreLeftOut() {
        var bench = Bench {
            $0.temperatures = [TemperatureSensor(.inlet, record: 7)]
            for record in 20..<30 as Range<UInt16> {
                $0.temperatures.append(TemperatureSensor(.processor, record: record == 21 ? nil : record))
            }
        }
        bench.controller.takeTemperature(0, -5600)
        for place in 1...10 where place != 3 { bench.controller.takeTemperature(place, Int64(place) * 20_000) }
        #expect(bench.ask(0x10, [0xDC, 1, 0x40, 0, 0]) == [0, 0xDC, 1, 1, 0x86, 1])
        #expect(bench.ask(0x10, [0xDC, 1, 0x37, 1, 0]) == [0, 0xDC, 1, 1, 0x86, 1])
        #expect(
            bench.ask(0x10, [0xDC, 1, 0x41, 0, 0])
                == [0, 0xDC, 10, 7, 20, 1, 40, 2, 80, 4, 100, 5, 120, 6, 127, 7, 127, 8])
        #expect(bench.ask(0x10, [0xDC, 1, 0x03, 0, 9]) == [0, 0xDC, 10, 2, 127, 9, 127, 10])
        #expect(bench.ask(0x10, [0xDC, 1, 0x41, 3, 0]) == [0xCB] && bench.ask(0x10, [0xDC, 1, 0x41, 11, 0]) == [0xCB])
        #expect(bench.ask(0x10, [0xDC, 1, 0x42, 0, 0]) == [0, 0xDC, 0, 0])
        #expect(bench.ask(0x10, [0xDC, 1, 0x41, 0, 0xFF]) == [0, 0xDC, 10, 0])
        #expect(bench.ask(0x10, [0xDC, 2, 0x41, 0, 0]) == [0xCC] && bench.ask(0x10, [0xDC, 1, 0x43, 0, 0]) == [0xC9])
        #expect(
            bench.ask(0x07, [0xDC, 1, 0x41, 0, 0])
                == [0, 0xDC, 10, 7, 20, 0, 22, 0, 23, 0, 24, 0, 25, 0, 26, 0, 27, 0])
        #expect(bench.ask(0x07, [0xDC, 1, 0x40, 1, 0]) == [0, 0xDC, 1, 1, 7, 0])
        #expect(bench.ask(0x07, [0xDC, 1, 0x40, 2, 0]) == [0xCB])
    }

    @Test func configurationParametersCanOnlyBeRead() {
        var bench = Bench()
        let values: [[UInt8]] = [[0], [0], [4], [120, 0], [64, 0]]
        for (number, value) in values.enumerated() {
            #expect(bench.ask(0x13, [0xDC, UInt8(number + 1), 0]) == [0, 0xDC, 1, 5, 1] + value)
            #expect(bench.ask(0x12, [0xDC, UInt8(number + 1), 0, 1]) == [0x82])
        }
        #expect(bench.ask(0x13, [0xDC, 6, 0]) == [0x80] && bench.ask(0x12, [0xDC, 6, 0, 1]) == [0x80])
    }

    @Test func theManualListsEveryCommandWithItsCompletionCodes() throws {
        let page = try String(
            contentsOfFile: "\(CCompiler.root)/Sources/Protocols/IPMI/IPMI.docc/DCMI.md", encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| 2C/") }.map(String.init)
        let expected = DCMICommand.allCases.map { command in
            let length = command.length
            let bytes = length.count == 1 ? "\(length.lowerBound)" : "\(length.lowerBound) to \(length.upperBound)"
            let name = Command(rawValue: command.rawValue).nameInDCMI!
            return "| 2C/\(Hex.byte(command.rawValue)) | \(name) | \(bytes) | \(Hex.bytes(command.codes)) |"
        }
        #expect(rows == expected)
    }
}
