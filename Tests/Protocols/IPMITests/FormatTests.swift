// SPDX-License-Identifier: Apache-2.0
import IPMI
import Testing

@Suite struct SELRecordTests {
    private let bytes: [UInt8] = [
        0x34, 0x12, 0x02, 0x78, 0x56, 0x34, 0x12, 0x20, 0x00, 0x04, 0x01, 0x30, 0x81, 0x59, 0x5A, 0x5B,
    ]

    @Test func recordKeepsItsBytes() throws {
        let record = try #require(SELRecord(bytes))
        #expect(record.bytes == bytes)
        #expect(record.id == 0x1234)
        #expect(record.type == 0x02)
        #expect(record.timestamp == 0x1234_5678)
        #expect(SELRecord([UInt8](bytes.dropLast())) == nil)
    }

    @Test func everyByteCanBeSet() throws {
        for index in 0..<16 {
            var record = try #require(SELRecord(bytes))
            record[index] = 0xEE
            var expected = bytes
            expected[index] = 0xEE
            #expect(record.bytes == expected)
        }
    }

    @Test func systemEventIsLaidOutAsTheStandardHasIt() {
        var record = SELRecord(
            generator: 0x0020, revision: 4, sensorType: 1, sensor: 0x30, direction: 0x81, data: (0x59, 0x5A, 0x5B))
        record.id = 0x1234
        record.timestamp = 0x1234_5678
        #expect(record.bytes == bytes)
    }

    @Test func sameEventIgnoresWhatTheLogFillsIn() throws {
        let record = try #require(SELRecord(bytes))
        for index in 0..<16 {
            var other = record
            other[index] ^= 1
            #expect(record.sameEvent(other) == (index < 2 || (3...6).contains(index)), "byte \(index)")
        }
        var oem = record
        oem[2] = 0xE0
        var later = oem
        later[3] ^= 1
        #expect(!oem.sameEvent(later), "a record without timestamp has data there")
    }
}

@Suite struct SensorConversionTests {
    @Test func readingAndValueAgreeForRoundSteps() throws {
        // A temperature from -50 to 205 degrees: one degree a step.
        let conversion = try #require(SensorConversion(minimum: -50_000, maximum: 205_000))
        for degree in -50...205 {
            let reading = conversion.reading(of: Int64(degree) * 1000)
            #expect(conversion.value(of: reading) == Int64(degree) * 1000)
        }
        #expect(conversion.reading(of: 23_400) == conversion.reading(of: 23_000))
        #expect(conversion.reading(of: 23_600) == conversion.reading(of: 24_000))
    }

    @Test func valuesOutsideTheRangeAreHeldAtItsEnds() throws {
        let conversion = try #require(SensorConversion(minimum: 0, maximum: 15_000_000))
        #expect(conversion.reading(of: -1) == 0)
        #expect(conversion.reading(of: Int64.min) == 0)
        #expect(conversion.reading(of: Int64.max) == 255)
    }

    @Test func everyRangeIsCoveredWithFineSteps() throws {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var generator = SplitMix(seed)
        for _ in 0..<500 {
            let low = Int64.random(in: -1_000_000...1_000_000, using: &generator)
            let span = Int64.random(in: 300...30_000_000, using: &generator)
            let conversion = try #require(
                SensorConversion(minimum: low, maximum: low + span), "seed \(seed): \(low) + \(span)")
            #expect(conversion.value(of: 0) <= low && conversion.value(of: 255) >= low + span, "seed \(seed)")
            // Never more than three times as coarse as the span needs, beside what three digits of B cost far from zero.
            let step = conversion.value(of: 1) - conversion.value(of: 0)
            #expect(step * 255 <= 3 * span + 765 + abs(low) / 8, "seed \(seed): \(low) + \(span)")
            for reading in UInt8.min...UInt8.max {
                #expect(conversion.reading(of: conversion.value(of: reading)) == reading || step < 1)
            }
        }
    }

    @Test func signedAndFallingConversionsWork() throws {
        let signed = try #require(
            SensorConversion(m: 1, b: 0, offsetExponent: 0, resultExponent: 0, signed: true))
        #expect(signed.value(of: 0xFF) == -1000)
        #expect(signed.reading(of: -128_000) == 0x80)
        let falling = try #require(
            SensorConversion(m: -2, b: 100, offsetExponent: 0, resultExponent: 0, signed: false))
        #expect(falling.value(of: 10) == 80_000)
        #expect(falling.reading(of: 80_000) == 10)
        #expect(falling.reading(of: 200_000) == 0)
    }

    @Test func impossibleFactorsAreRefused() {
        #expect(SensorConversion(m: 0, b: 0, offsetExponent: 0, resultExponent: 0, signed: false) == nil)
        #expect(SensorConversion(m: 512, b: 0, offsetExponent: 0, resultExponent: 0, signed: false) == nil)
        #expect(SensorConversion(m: 1, b: 0, offsetExponent: 8, resultExponent: 0, signed: false) == nil)
        #expect(SensorConversion(minimum: 5, maximum: 5) == nil)
        #expect(SensorConversion(minimum: Int64.min, maximum: Int64.max) == nil)
    }

    @Test func hysteresisIsCountedInSteps() throws {
        let conversion = try #require(SensorConversion(minimum: 0, maximum: 127_500))
        #expect(conversion.value(of: 1) == 500)
        #expect(conversion.steps(of: 1500) == 3)
        #expect(conversion.steps(of: 1_000_000) == 255)
    }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

@Suite struct SDRTests {
    private func temperature() throws -> SensorDescription {
        let conversion = try #require(SensorConversion(minimum: -50_000, maximum: 205_000))
        var sensor = SensorDescription(
            number: 0x30, name: "Ambient", type: 1, unit: 1, entity: (7, 1), conversion: conversion)
        sensor.thresholdMask = 0x1B
        for (index, degrees) in [5, 0, 0, 60, 80, 0].enumerated() {
            sensor.thresholds[index] = conversion.reading(of: Int64(degrees) * 1000)
        }
        sensor.hysteresis = 2
        return sensor
    }

    @Test func fullRecordHasItsFieldsWhereTheStandardPutsThem() throws {
        let record = SDRRecord.full(try temperature())
        #expect(record.count == 48 + 7)
        #expect(record[2] == 0x51 && record[3] == 0x01 && Int(record[4]) == record.count - 5)
        #expect(record[7] == 0x30, "sensor number")
        #expect(record[12] == 0x01 && record[13] == 0x01, "temperature, threshold")
        #expect(record[18] == 0x1B && record[19] == 0x1B, "readable and settable thresholds")
        #expect(record[21] == 0x01, "degrees C")
        #expect(record[23] == 0, "linear")
        // UNR, UC, UNC, LNR, LC, LNC.
        #expect([UInt8](record[36..<42]) == [50, 130, 110, 50, 50, 55])
        #expect(record[42] == 2 && record[43] == 2)
        #expect(record[47] == 0xC7)
        #expect([UInt8](record[48...]) == [UInt8]("Ambient".utf8))
    }

    @Test func repositoryReadsTheFactorsBackFromTheRecord() throws {
        for (low, high) in [(-50_000, 205_000), (0, 15_000_000), (11_000, 13_000), (-512_000, -10_000)] {
            let conversion = try #require(SensorConversion(minimum: Int64(low), maximum: Int64(high)))
            var repository = SDRRepository()
            repository.append(
                SDRRecord.full(
                    SensorDescription(
                        number: 9, name: "x", type: 2, unit: 4, entity: (7, 1), conversion: conversion)))
            #expect(repository.fullRecord(of: 9).flatMap { SensorConversion(record: $0) } == conversion)
            #expect(repository.fullRecord(of: 8).flatMap { SensorConversion(record: $0) } == nil)
        }
    }

    @Test func otherRecordsHaveTheirNameLengthAtTheStandardsPlace() {
        let compact = SDRRecord.compact(number: 0xFE, name: "Watchdog", type: 0x23, entity: (6, 1), events: 0x010F)
        #expect(compact[31] == 0xC8 && compact.count == 40)
        let locator = SDRRecord.fruLocator(id: 3, name: "Mainboard", entity: (7, 1))
        #expect(locator[15] == 0xC9 && locator[6] == 3 && locator[7] == 0x80)
        let controller = SDRRecord.controllerLocator(name: "BMC", support: 0x8F, entity: (6, 1))
        #expect(controller[15] == 0xC3 && controller[8] == 0x8F)
    }

    @Test func namesAreCutAtSixteenAndStayLatin1() {
        #expect(SDRRecord.latin1("Ä€", limit: 16) == [0xC4, 0x3F])
        let record = SDRRecord.fruLocator(id: 0, name: "a name that is far too long", entity: (7, 1))
        #expect(record[15] == 0xD0 && record.count == 32)
    }

    @Test func fileOfRecordsIsReadAndDamageIsNamed() throws {
        var file = SDRRecord.full(try temperature())
        file += SDRRecord.controllerLocator(name: "BMC", support: 0, entity: (6, 1))
        let repository = try SDRRepository(file: file)
        #expect(repository.count == 2)
        #expect(repository.next(after: 0) == 2 && repository.next(after: 1) == 0xFFFF)
        #expect(repository.index(of: 0) == 0 && repository.index(of: 0xFFFF) == 1)
        #expect(repository.index(of: 3) == nil)
        #expect(repository.record(at: 1)[0] == 2)
        for cut in 1..<file.count where cut != 55 {
            do {
                _ = try SDRRepository(file: [UInt8](file[0..<cut]))
                Issue.record("a file cut at \(cut) was taken")
            } catch {
                #expect(error.offset == 0 || error.offset == 55)
            }
        }
        for filler: UInt8 in [0xFF, 0x00] {
            let padded = file + [UInt8](repeating: filler, count: 32)
            #expect(try SDRRepository(file: padded).count == 2, "what fills a dump of flash memory is no record")
            #expect(throws: SDRFileError.self) { try SDRRepository(file: padded + [0x51]) }
        }
        #expect(try SDRRepository(file: file + [0xFF]).count == 2)
        file[2] = 0x60
        do {
            _ = try SDRRepository(file: file)
            Issue.record("version 60 was taken")
        } catch {
            #expect(error.description == "record at byte 0: version 60 is not 51")
        }
    }

    @Test func aReadingThatIsNotLinearHasNoConversion() throws {
        let record = SDRRecord.full(try temperature())
        #expect(SensorConversion(record: record) != nil)
        // Linearization; ones' complement; no analogue reading.
        for (place, value) in [(23, 0x01), (23, 0x70), (20, 0x40), (20, 0xC0)] as [(Int, UInt8)] {
            var other = record
            other[place] = value
            #expect(SensorConversion(record: other) == nil, "byte \(place) is \(value)")
        }
    }

    @Test func aPercentageSaysSoInItsUnits() throws {
        var sensor = try temperature()
        #expect(SDRRecord.full(sensor)[20] & 0x01 == 0)
        sensor.isPercentage = true
        #expect(SDRRecord.full(sensor)[20] & 0x01 == 1)
    }

    @Test func sensorTypesAndUnitsAreNamedAsIpmitoolNamesThem() {
        for (name, code) in [
            ("Temperature", 1), ("fan", 4), ("Power Supply", 8), ("power-supply", 8), ("power_supply", 8),
            ("Drive Slot / Bay", 0x0D), ("drive-slot", 0x0D), ("System Firmwares", 0x0F), ("Module / Board", 0x15),
            ("Cable / Interconnect", 0x1B), ("OS Critical Stop", 0x20), ("Slot / Connector", 0x21),
            ("System ACPI Power State", 0x22), ("Watchdog2", 0x23), ("Management Subsys Health", 0x28),
            ("Battery", 0x29), ("FRU State", 0x2C),
        ] as [(String, UInt8)] {
            #expect(SensorNames.type(name) == code, "\(name)")
        }
        for (name, code) in [
            ("Degrees C", 1), ("degrees-c", 1), ("C", 1), ("degrees-f", 2), ("Volts", 4), ("Amps", 5), ("Watts", 6),
            ("Joules", 7), ("CFM", 17), ("RPM", 18), ("Hz", 19),
        ] as [(String, UInt8)] {
            #expect(SensorNames.unit(name) == code, "\(name)")
        }
        #expect(SensorNames.type("warmth") == nil && SensorNames.unit("degrees") == nil && SensorNames.type("") == nil)
        #expect(SensorNames.isPercent("percent") && SensorNames.isPercent("%") && !SensorNames.isPercent("per"))
    }
}

@Suite struct FRUTests {
    private func image() throws -> FRUImage {
        var contents = FRUContents()
        contents.chassis = (0x17, "CH-1", "SN-C")
        contents.board = ("Maker", "Board", "SN-B", "PN-B")
        contents.product = ("Maker", "Server", "PN-P", "1", "SN-P")
        return try #require(contents.image(size: 256))
    }

    @Test func builtImageIsConsistentAndAnyDamagedByteOfAnAreaIsNoticed() throws {
        let image = try image()
        #expect(image.problem == nil)
        let used = Int(image.bytes[4]) * 8 + Int(image.bytes[Int(image.bytes[4]) * 8 + 1]) * 8
        for index in 0..<used {
            let damaged = try #require(image.writing([image.bytes[index] ^ 0x10], at: index))
            #expect(damaged.problem != nil, "byte \(index)")
        }
    }

    @Test func writePastTheEndIsRefused() throws {
        let image = try image()
        #expect(image.writing([1], at: 255) != nil)
        #expect(image.writing([1, 2], at: 255) == nil)
        #expect(image.writing([], at: 257) == nil)
    }

    @Test func contentsThatDoNotFitMakeNoImage() {
        var contents = FRUContents()
        contents.board = ("Maker", "Board", "SN-B", "PN-B")
        #expect(contents.image(size: 24) == nil)
        #expect(FRUImage([]) == nil)
        #expect(FRUImage([UInt8](repeating: 0, count: 0x1_0000)) == nil)
    }
}
