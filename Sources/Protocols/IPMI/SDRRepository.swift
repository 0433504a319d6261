// SPDX-License-Identifier: Apache-2.0
import Common

/// Why a file of sensor data records cannot be used.
public struct SDRFileError: Error, Equatable {
    /// Where the record at fault begins.
    public let offset: Int
    /// The rule that it breaks.
    public let rule: String

    init(offset: Int, rule: Sentence) {
        self.offset = offset
        self.rule = rule.text
    }

    /// For a log: rule and place.
    public var description: String { ("record at byte \(offset): \(rule)" as Sentence).text }
}

/// An ordered list of sensor data records, read by record ID. Read-only once made.
public struct SDRRepository: Sendable {
    /// Most bytes that one record can have: header and 255.
    public static let largestRecord = 260

    /// All records, one after the other.
    public private(set) var bytes: [UInt8] = []
    private var starts: [Int] = [0]

    /// No records.
    public init() {}

    /// Records in one piece, one after the other as a repository dump has them. IDs are given anew.
    public init(file: [UInt8]) throws(SDRFileError) {
        var offset = 0
        // What fills a dump of flash memory behind the last record is none.
        while offset < file.count, !SDRRepository.isPadding(file[offset...]) {
            guard file.count - offset >= 5 else { throw SDRFileError(offset: offset, rule: "the header is cut off") }
            guard file[offset + 2] == 0x51 || file[offset + 2] == 0x01 || file[offset + 2] == 0x02 else {
                throw SDRFileError(offset: offset, rule: "version \(Hex.byte(file[offset + 2])) is not 51")
            }
            let size = 5 + Int(file[offset + 4])
            guard file.count - offset >= size else {
                throw SDRFileError(offset: offset, rule: "\(size) bytes needed, \(file.count - offset) left")
            }
            guard count < 0xFFFE else { throw SDRFileError(offset: offset, rule: "more than 65534 records") }
            append([UInt8](file[offset..<(offset + size)]))
            offset += size
        }
    }

    private static func isPadding(_ rest: ArraySlice<UInt8>) -> Bool {
        // A header that is cut off may be zeros; behind a whole one stands its version.
        guard let first = rest.first, first == 0xFF || first == 0x00 && rest.count >= 5 else { return false }
        for byte in rest where byte != first { return false }
        return true
    }

    /// Adds a record and gives it the next ID, from 0001 on.
    public mutating func append(_ record: [UInt8]) {
        precondition(record.count >= 5 && record.count == 5 + Int(record[4]), "not a sensor data record")
        precondition(count < 0xFFFE, "the repository is full")
        let id = UInt16(count + 1)
        bytes.append(UInt8(id & 0xFF))
        bytes.append(UInt8(id >> 8))
        bytes += record[2...]
        starts.append(bytes.count)
    }

    /// Number of records.
    public var count: Int { starts.count - 1 }

    /// The place of the record with this ID; 0000 asks for the first, FFFF for the last.
    public func index(of id: UInt16) -> Int? {
        guard count > 0 else { return nil }
        switch id {
        case 0: return 0
        case 0xFFFF: return count - 1
        default: return Int(id) <= count ? Int(id) - 1 : nil
        }
    }

    /// The ID of the record after the one at `index`, FFFF after the last.
    public func next(after index: Int) -> UInt16 { index + 1 < count ? UInt16(index + 2) : 0xFFFF }

    /// Bytes of the record at `index`.
    public func size(at index: Int) -> Int { starts[index + 1] - starts[index] }

    /// A copy of the record at `index`.
    public func record(at index: Int) -> [UInt8] { [UInt8](bytes[starts[index]..<starts[index + 1]]) }

    /// Appends `count` bytes from `offset` of the record at `index`.
    public func copy(_ index: Int, _ offset: Int, _ count: Int, to response: inout Response) {
        precondition(offset >= 0 && count >= 0 && offset + count <= size(at: index), "range outside the record")
        response.append(bytes, (starts[index] + offset)..<(starts[index] + offset + count))
    }

    /// The full sensor record (type 01) of sensor `number`, if the repository has one.
    public func fullRecord(of number: UInt8) -> [UInt8]? {
        for index in 0..<count where bytes[starts[index] + 3] == 0x01 && size(at: index) > 7 {
            if bytes[starts[index] + 7] == number { return record(at: index) }
        }
        return nil
    }

    /// Puts `record` in the place of the full sensor record of the same sensor.
    public mutating func replaceFull(_ record: [UInt8]) {
        let old = self
        self = SDRRepository()
        for index in 0..<old.count {
            let present = old.record(at: index)
            let isSame = present[3] == 0x01 && present.count > 7 && present[7] == record[7]
            append(isSame ? record : present)
        }
    }
}
