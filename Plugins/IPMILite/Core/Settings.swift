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
    /// Checksum of the sensor data records, and when they became these.
    static let repositoryStamp = SettingKey(rawValue: 0x0006)

    /// Below it are those that there is one of.
    static let firstOfHost = SettingKey(rawValue: 0x1_0000)
    var isOwn: Bool { rawValue < SettingKey.firstOfHost.rawValue }

    static func bootOption(_ parameter: UInt8) -> SettingKey { SettingKey(rawValue: 0x1_0000 | UInt32(parameter)) }
    static func bootMailbox(_ block: UInt8) -> SettingKey { SettingKey(rawValue: 0x2_0000 | UInt32(block)) }
    static func systemInfo(_ parameter: UInt8, _ set: UInt8) -> SettingKey {
        SettingKey(rawValue: 0x3_0000 | UInt32(parameter) << 8 | UInt32(set))
    }
}

extension SettingKey {
    /// Bytes that a value of this setting can have; nil for a key that there is not.
    var sizes: ClosedRange<Int>? {
        let part = UInt8(truncatingIfNeeded: rawValue)
        switch rawValue >> 16 {
        case 0: return size.map { $0...$0 }
        case 1:
            guard let size = ManagementController.bootOptionSize(part) else { return nil }
            return size == 0 ? 1...17 : 1 + size...1 + size
        case 2: return 1...16
        case 3: return 16...16
        default: return nil
        }
    }

    private var size: Int? {
        switch rawValue {
        case 0x0001: 1
        case 0x0002, 0x0003, 0x0006: 8
        case 0x0004: 2
        case 0x0005: 4
        default: nil
        }
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

    /// True if `key` can be given a value: the host cannot take the room of the controller's own.
    func hasRoom(for key: SettingKey) -> Bool {
        let place = place(of: key)
        return key.isOwn || entries.count - self.place(of: .firstOfHost) < Settings.capacity || isThere(key, place)
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

    /// Applies a journal's record; false if it is none of a setting, or its value is not one that the setting can have.
    mutating func apply(_ record: Journal.Record) -> Bool {
        guard record.type == 1, record.payload.count >= 4 else { return false }
        let key = SettingKey(rawValue: Journal.little32(record.payload, 0))
        guard let sizes = key.sizes, sizes.contains(record.payload.count - 4), hasRoom(for: key) else { return false }
        set(key, [UInt8](record.payload[4...]))
        return true
    }

    /// The records of a journal that says no more than this state, in the order of their keys.
    var image: [Journal.Record] { entries.map { Settings.record($0.key, $0.value) } }

    /// Above this size the journal is written anew.
    var journalLimit: Int { 16 * 1024 + 2 * 48 * entries.count }
}
