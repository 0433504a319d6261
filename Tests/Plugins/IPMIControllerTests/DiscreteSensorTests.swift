// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

/// Sensors with states, and sensors whose value does not change.
@Suite struct DiscreteSensorTests {
    private let second: UInt64 = 1_000_000_000

    /// Sensor 40, a power supply: presence, failure, loss of input.
    private func powerSupply(_ source: SensorSource = .external) -> SensorConfiguration {
        SensorConfiguration(
            SensorDescription(number: 0x40, name: "PSU 1", type: 8, states: 0x000B, entity: (10, 1)), source: source)
    }

    private func lastEvent(_ bench: Bench) throws -> [UInt8] {
        [UInt8](try bench.data(0x0A, 0x43, [0, 0, 0xFF, 0xFF, 0, 0xFF])[12...])
    }

    @Test func aStateThatComesOrGoesIsAnEventAndWhatIsThereAtStartIsNone() throws {
        let bench = Bench(with(powerSupply()))
        bench.values[0] = 1000
        bench.start()
        #expect(ids(bench).isEmpty)
        #expect(try bench.data(0x04, 0x2D, [0x40]) == [0, 0xC0, 0x01, 0x80])
        bench.values[0] = 3000
        bench.pass(second)
        #expect(try lastEvent(bench) == [8, 0x40, 0x6F, 0x01, 0xFF, 0xFF])
        bench.values[0] = 1000
        bench.pass(second)
        #expect(try lastEvent(bench) == [8, 0x40, 0xEF, 0x01, 0xFF, 0xFF])
        // States that the sensor does not have.
        bench.values[0] = 0x75 * 1000
        bench.pass(second)
        #expect(ids(bench).count == 2)
    }

    @Test func anEventThatIsDisabledIsNotReported() throws {
        let bench = Bench(with(powerSupply()))
        bench.values[0] = 1000
        bench.start()
        #expect(try bench.data(0x04, 0x29, [0x40]) == [0xC0, 0x0B, 0, 0x0B, 0])
        _ = try bench.data(0x04, 0x28, [0x40, 0xE0, 0x02, 0, 0, 0])
        bench.values[0] = 3000
        bench.pass(second)
        #expect(ids(bench).isEmpty)
        #expect(try bench.data(0x04, 0x2B, [0x40])[1...2] == [0x03, 0])
    }

    @Test func aSensorWithStatesHasACompactRecordAndNoThresholds() throws {
        let bench = Bench(with(powerSupply(.constant(8000))))
        bench.start()
        #expect(try bench.data(0x04, 0x2D, [0x40])[2...] == [0x08, 0x80])
        #expect(try bench.data(0x04, 0x2F, [0x40]) == [8, 0x6F])
        let record = try bench.data(0x0A, 0x23, [0, 0, 2, 0, 0, 0xFF])[2...]
        #expect(record[5] == 0x02 && record[9] == 0x40 && record[14] == 8 && record[15] == 0x6F)
        #expect([UInt8](record[16...21]) == [0x0B, 0, 0, 0, 0x0B, 0])
        for command: (UInt8, [UInt8]) in [
            (0x23, [0x40, 0]), (0x24, [0x40, 0xFF, 1, 1]), (0x25, [0x40, 0xFF]), (0x26, [0x40, 1, 0, 0, 0, 0, 0, 0]),
            (0x27, [0x40]),
        ] {
            #expect(bench.code(0x04, command.0, command.1) == 0xCD)
        }
    }

    @Test func aConstantIsComparedAgainWhenItsThresholdsChange() throws {
        var sensor = temperature()
        sensor.source = .constant(50_000)
        let bench = Bench(with(sensor))
        bench.start()
        #expect(ids(bench).isEmpty)
        _ = try bench.data(0x04, 0x26, [0x30, 0x08, 0, 0, 0, 95, 0, 0])
        #expect(try lastEvent(bench) == [1, 0x30, 0x01, 0x57, 100, 95])
        _ = try bench.data(0x04, 0x26, [0x30, 0x08, 0, 0, 0, 110, 0, 0])
        #expect(try lastEvent(bench) == [1, 0x30, 0x81, 0x57, 100, 110])
    }

    @Test func aReadingThatIsLongInComingIsAnsweredWithTheOneThatThereIs() throws {
        let bench = startedBench()
        bench.holdReadings = true
        bench.now += 300_000_000
        #expect(bench.send(0x04, 0x2D, [0x30]) == nil && bench.lastDisposition == .pending)
        let token = bench.lastToken
        bench.pass(second)
        #expect(bench.replies[token] == nil)
        bench.pass(2 * second)
        #expect(bench.replies[token] == [0x14, 0x2D, 0, 75, 0xC0, 0xC0])
    }

    private func with(_ sensor: SensorConfiguration) -> ControllerConfiguration {
        var configuration = fullConfiguration()
        configuration.sensors = [sensor]
        return configuration
    }
}
