// SPDX-License-Identifier: Apache-2.0

/// Names a setting: kind in the upper half, which of the kind in the lower.
struct SettingKey: Equatable, Hashable {
    let rawValue: UInt32

    static let powerPolicy = SettingKey(rawValue: 0x0001)
    static let selTime = SettingKey(rawValue: 0x0002)
    static let sdrTime = SettingKey(rawValue: 0x0003)
    static let utcOffset = SettingKey(rawValue: 0x0004)
    static let powerOnHours = SettingKey(rawValue: 0x0005)

    static func bootOption(_ parameter: UInt8) -> SettingKey { SettingKey(rawValue: 0x1_0000 | UInt32(parameter)) }
    static func bootMailbox(_ block: UInt8) -> SettingKey { SettingKey(rawValue: 0x2_0000 | UInt32(block)) }
    static func systemInfo(_ parameter: UInt8, _ set: UInt8) -> SettingKey {
        SettingKey(rawValue: 0x3_0000 | UInt32(parameter) << 8 | UInt32(set))
    }
}

/// Small values that survive a restart. A value: a change is tried on a copy.
struct Settings {
    static let journalKind: UInt8 = 2
    static let capacity = 512
    static let largestValue = 32

    private var values: [SettingKey: [UInt8]] = [:]

    subscript(key: SettingKey) -> [UInt8]? { values[key] }

    /// True if `key` can be given a value.
    func hasRoom(for key: SettingKey) -> Bool { values[key] != nil || values.count < Settings.capacity }

    mutating func set(_ key: SettingKey, _ value: [UInt8]) { values[key] = value }

    /// A setting as its journal holds it: key LE32, value.
    static func record(_ key: SettingKey, _ value: [UInt8]) -> Journal.Record {
        precondition(value.count <= largestValue, "a setting holds at most 32 bytes")
        var payload: [UInt8] = []
        Journal.append(&payload, key.rawValue)
        return Journal.Record(type: 1, payload: payload + value)
    }

    /// Applies a journal's record; false if it is none of a setting.
    mutating func apply(_ record: Journal.Record) -> Bool {
        guard record.type == 1, record.payload.count >= 4, record.payload.count <= 4 + Settings.largestValue else {
            return false
        }
        let key = SettingKey(rawValue: Journal.little32(record.payload, 0))
        guard hasRoom(for: key) else { return false }
        values[key] = [UInt8](record.payload[4...])
        return true
    }

    /// The records of a journal that says no more than this state, in the order of their keys.
    var image: [Journal.Record] {
        values.keys.sorted { $0.rawValue < $1.rawValue }.map { Settings.record($0, values[$0] ?? []) }
    }

    /// Above this size the journal is written anew.
    var journalLimit: Int { 16 * 1024 + 2 * 48 * values.count }
}
