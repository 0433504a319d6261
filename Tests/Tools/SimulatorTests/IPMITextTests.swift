// SPDX-License-Identifier: Apache-2.0
import IPMI
import Testing

@testable import Simulator

@Suite struct IPMITextTests {
    @Test func valuesAreDecimalsWithoutTrailingZeros() {
        #expect(IPMIText.value(24_000) == "24")
        #expect(IPMIText.value(-500) == "-0.5")
        #expect(IPMIText.value(12_060) == "12.06")
        #expect(IPMIText.value(0) == "0")
        #expect(IPMIText.value(.min) == "-9223372036854775.808")
    }

    @Test func stringsAreReadInEveryEncoding() {
        #expect(IPMIText.field(0, [0xDE, 0xAD]) == "DE AD")
        #expect(IPMIText.field(1, [0x12, 0xB5]) == "12-5")
        #expect(IPMIText.field(2, [0x29, 0xDC, 0xA6]) == "IPMI")
        #expect(IPMIText.field(3, [0x41, 0x1B, 0x7F, 0xE9]) == "A??é")
    }

    @Test func eventsSayTimeSensorAndThreshold() throws {
        var record = SELRecord(
            generator: 0x20, revision: 4, sensorType: 0x01, sensor: 0x30, direction: 0x81, data: (0x59, 0x50, 0x4F))
        record.id = 0x1A
        record.timestamp = 1_700_000_000
        #expect(
            IPMIText.event(record)
                == "  1a  2023-11-14 22:13:20  temperature 0x30: upper critical, going high, deasserted  (59 50 4F)")
        let bytes: [UInt8] = [1, 0, 0xE1] + [UInt8](repeating: 0x55, count: 13)
        #expect(IPMIText.event(try #require(SELRecord(bytes))).hasPrefix("   1  OEM record 0xe1: 55 55"))
    }

    @Test func fieldsOfADamagedInventoryEndWhereTheyCannotBeFollowed() throws {
        var contents = FRUContents()
        contents.product = ("Maker", "Thing", "", "", "")
        let whole = try #require(contents.image(size: 128))
        #expect(whole.fields.map(\.value) == ["Maker", "Thing"])
        // Every byte of the area, spoilt: whatever it says, nothing is read from outside.
        for place in 0..<64 {
            for value: UInt8 in [0x00, 0x3F, 0x7F, 0xC1, 0xFF] {
                let spoilt = try #require(whole.writing([value], at: place))
                #expect(spoilt.fields.count <= 64)
            }
        }
        #expect(try #require(FRUImage([1, 0])).fields.isEmpty)
    }

    @Test func recordNamesStayInsideTheRecord() {
        let record = SDRRecord.fruLocator(id: 1, name: "Board", entity: (7, 1))
        #expect(IPMIText.name(record) == "Board")
        #expect(IPMIText.name([UInt8](record[..<18])) == "Bo")
        #expect(IPMIText.name([UInt8](record[..<15])) == "-")
    }
}
