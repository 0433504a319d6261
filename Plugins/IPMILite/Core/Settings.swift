// SPDX-License-Identifier: Apache-2.0
import Common

/// Names a setting: kind in the upper half, which of the kind in the lower.
struct SettingKey: Equatable {
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

    // In the order of the keys: a hash table costs a plugin more than it saves.
    private var entries: [(key: SettingKey, value: [UInt8])] = []

    subscript(key: SettingKey) -> [UInt8]? {
        let place = place(of: key)
        return isThere(key, place) ? entries[place].value : nil
    }

    /// True if `key` can be given a value.
    func hasRoom(for key: SettingKey) -> Bool {
        entries.count < Settings.capacity || isThere(key, place(of: key))
    }

    mutating func set(_ key: SettingKey, _ value: [UInt8]) {
        let place = place(of: key)
        if isThere(key, place) { entries[place].value = value } else { entries.insert((key, value), at: place) }
    }

    /// The place of the first key that is not below `key`.
    private func place(of key: SettingKey) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].key.rawValue < key.rawValue { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func isThere(_ key: SettingKey, _ place: Int) -> Bool {
        place < entries.count && entries[place].key == key
    }

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
        set(key, [UInt8](record.payload[4...]))
        return true
    }

    /// The records of a journal that says no more than this state, in the order of their keys.
    var image: [Journal.Record] { entries.map { Settings.record($0.key, $0.value) } }

    /// Above this size the journal is written anew.
    var journalLimit: Int { 16 * 1024 + 2 * 48 * entries.count }
}
