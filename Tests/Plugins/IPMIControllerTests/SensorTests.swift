// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import IPMIController
import Testing

@Suite struct SensorTests {
    private let second: UInt64 = 1_000_000_000

    private func events(_ bench: Bench) throws -> [[UInt8]] {
        var all: [[UInt8]] = []
        var id = 0
        while id != 0xFFFF {
            guard let response = bench.send(0x0A, 0x43, [0, 0] + little(id) + [0, 0xFF]), response[2] == 0 else {
                break
            }
            all.append([UInt8](response[15...]))
            id = Int(response[3]) | Int(response[4]) << 8
        }
        return all
    }

    private func set(_ bench: Bench, _ degrees: Int) {
        bench.values[0] = Int64(degrees) * 1000
        bench.pass(second)
    }

    @Test func crossingAThresholdIsLoggedOnceInEachDirection() throws {
        let bench = startedBench()
        set(bench, 59)
        #expect(try events(bench).isEmpty)
        set(bench, 60)
        set(bench, 65)
        // Type, number, direction and event type, data: trigger reading and threshold given.
        #expect(try events(bench) == [[1, 0x30, 0x01, 0x57, 110, 110]])
        #expect(try bench.data(0x04, 0x2D, [0x30]) == [115, 0xC0, 0xC8])
        set(bench, 58)
        #expect(try events(bench).count == 1, "within the hysteresis of 2")
        set(bench, 57)
        #expect(try events(bench).last == [1, 0x30, 0x81, 0x57, 107, 110])
        #expect(try bench.data(0x04, 0x2D, [0x30])[2] == 0xC0)
    }

    @Test func jumpOverTwoThresholdsGivesBothEvents() throws {
        let bench = startedBench()
        set(bench, 90)
        #expect(try events(bench).map { $0[3] } == [0x57, 0x59])
        #expect(try bench.data(0x04, 0x2B, [0x30]) == [0xC0, 0x80, 0x02, 0, 0])
        set(bench, 0)
        #expect(try events(bench).map { $0[3] } == [0x57, 0x59, 0x50, 0x57, 0x59])
        #expect(try events(bench).map { $0[2] } == [1, 1, 1, 0x81, 0x81])
    }

    @Test func flappingAtTheThresholdWithoutHysteresisIsSeenAndWithItIsNot() throws {
        for (hysteresis, expected) in [(0, 20), (3, 1)] {
            let bench = startedBench()
            _ = try bench.data(0x04, 0x24, [0x30, 0xFF, UInt8(hysteresis), UInt8(hysteresis)])
            for round in 0..<20 { set(bench, round % 2 == 0 ? 60 : 59) }
            #expect(try events(bench).count == expected)
        }
    }

    @Test func newThresholdCountsFromTheNextReading() throws {
        let bench = startedBench()
        set(bench, 50)
        _ = try bench.data(0x04, 0x26, [0x30, 0x08, 0, 0, 0, 95, 0, 0])
        #expect(try bench.data(0x04, 0x27, [0x30])[4] == 95)
        set(bench, 50)
        #expect(try events(bench).count == 1)
        #expect(bench.code(0x04, 0x26, [0x30, 0x20, 0, 0, 0, 0, 0, 9]) == 0xCC, "no such threshold")
        #expect(bench.code(0x04, 0x26, [0x31, 0x08, 0, 0, 0, 9, 0, 0]) == 0xCD, "no thresholds at all")
        #expect(bench.code(0x04, 0x26, [0x77, 0x08, 0, 0, 0, 9, 0, 0]) == 0xCB)
    }

    @Test func disabledEventsAreNotLoggedAndScanningCanStop() throws {
        let bench = startedBench()
        // Disable the assertion of upper non-critical.
        _ = try bench.data(0x04, 0x28, [0x30, 0xE0, 0x80, 0, 0, 0])
        #expect(try bench.data(0x04, 0x29, [0x30]) == [0xC0, 0x01, 0x02, 0x81, 0x02])
        set(bench, 65)
        #expect(try events(bench).isEmpty)
        _ = try bench.data(0x04, 0x28, [0x30, 0xD0, 0x80, 0, 0, 0])
        _ = try bench.data(0x04, 0x2A, [0x30, 0])
        set(bench, 65)
        #expect(try events(bench).count == 1, "re-armed")
        _ = try bench.data(0x04, 0x28, [0x30, 0x80])
        #expect(try bench.data(0x04, 0x2D, [0x30])[1] == 0xA0, "unavailable while scanning is off")
        set(bench, 90)
        #expect(try events(bench).count == 1)
    }

    @Test func unreadableSensorIsMarkedUnavailableAndRecovers() throws {
        let bench = startedBench()
        bench.values[0] = nil
        bench.pass(second)
        #expect(try bench.data(0x04, 0x2D, [0x30]) == [0, 0xE0, 0xC0])
        set(bench, 30)
        #expect(try bench.data(0x04, 0x2D, [0x30]) == [80, 0xC0, 0xC0])
    }

    @Test func oldReadingIsTakenAnewBeforeTheAnswer() throws {
        let bench = startedBench()
        bench.holdReadings = true
        bench.now += 300_000_000
        bench.readingsAsked = []
        #expect(bench.send(0x04, 0x2D, [0x30]) == nil && bench.lastDisposition == .pending)
        let first = bench.lastToken
        #expect(bench.send(0x04, 0x2D, [0x30]) == nil)
        let second = bench.lastToken
        #expect(bench.readingsAsked == [0], "one reading answers both")
        bench.controller.sensorRead(0, 42_000, now: bench.now)
        bench.settle()
        #expect(bench.replies[first] == [0x14, 0x2D, 0, 92, 0xC0, 0xC0])
        #expect(bench.replies[second] == bench.replies[first])
        #expect(try bench.data(0x04, 0x2D, [0x30])[0] == 92, "fresh enough now")
    }

    @Test func watchdogSensorIsDiscrete() throws {
        let bench = startedBench()
        #expect(try bench.data(0x04, 0x2F, [0xFE]) == [0x23, 0x6F])
        #expect(try bench.data(0x04, 0x2D, [0xFE]) == [0, 0xC0, 0, 0x80])
        #expect(bench.code(0x04, 0x27, [0xFE]) == 0xCD)
    }

    @Test func recordsFromAFileDecideHowAReadingIsCoded() throws {
        guard let coarse = SensorConversion(minimum: 0, maximum: 510_000) else { preconditionFailure() }
        var repository = SDRRepository()
        repository.append(
            SDRRecord.full(
                SensorDescription(number: 0x30, name: "Other", type: 1, unit: 1, entity: (3, 1), conversion: coarse)))
        let bench = startedBench { $0.repository = repository }
        #expect(try bench.data(0x04, 0x2D, [0x30])[0] == coarse.reading(of: 25_000))
        #expect(try bench.data(0x04, 0x27, [0x30])[4] == coarse.reading(of: 60_000))
        #expect(try bench.data(0x0A, 0x20)[1] == 1)
    }

    @Test func fixedPointTextIsReadAsKernelFilesHaveIt() {
        let cases: [(String, Int64, Int64, Int64?)] = [
            ("23125\n", 1, 1000, 23_125), ("-5000\n", 1, 1000, -5000), ("0", 1, 1, 0), ("12.5", 1, 1, 12_500),
            ("  7 ", 1, 1, 7000), ("+3", 1, 1, 3000), ("1500000", 1, 1_000_000, 1500), ("0.0004", 1, 1, 0),
            ("0.0005", 1, 1, 1), ("12.5.1", 1, 1, nil), ("", 1, 1, nil), ("-", 1, 1, nil), ("1e3", 1, 1, nil),
            ("99999999999999999999", 1, 1, nil), (".", 1, 1, nil), ("9000000000000000000", 1, 1, nil),
        ]
        for (text, numerator, denominator, expected) in cases {
            #expect(
                FixedPoint.thousandths([UInt8](text.utf8), numerator: numerator, denominator: denominator) == expected,
                "\(text)")
        }
    }
}
