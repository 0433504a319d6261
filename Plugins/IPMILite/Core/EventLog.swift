// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// The records of the system event log, in the order of their addition. A value: a change is tried on a copy.
struct EventLog {
    static let journalKind: UInt8 = 1

    let capacity: Int
    /// When it is full, the oldest record makes room for a new one.
    let wraps: Bool
    private(set) var records: [SELRecord] = []
    /// Time of the last addition, and of the last deletion or clearing.
    private(set) var added: UInt32 = 0
    private(set) var erased: UInt32 = 0
    private var lastID: UInt16 = 0

    init(capacity: Int, wraps: Bool = false) {
        self.capacity = capacity
        self.wraps = wraps
    }

    var isFull: Bool { records.count >= capacity }

    /// Nothing can be added.
    var refuses: Bool { isFull && !wraps }

    /// Nine tenths are used. Where a tenth is a record or two, that would say nothing.
    var isAlmostFull: Bool { capacity >= 10 && records.count * 10 >= capacity * 9 }

    /// The change that adds a record under the next ID.
    func addition(_ record: SELRecord, at time: UInt32, byHost: Bool) -> EventLogChange {
        var entry = record
        entry.id = nextID
        if entry.hasTimestamp { entry.timestamp = time }
        return .add(entry, time: time, byHost: byHost, dropsFirst: isFull)
    }

    /// The ID for the next record: one above the last, never 0000 or FFFF, never one in use.
    var nextID: UInt16 {
        var id = lastID
        repeat { id = id >= 0xFFFE ? 1 : id + 1 } while records.count < 0xFFFE && index(of: id) != nil
        return id
    }

    /// The place of a record; 0000 is the first, FFFF the last.
    func index(of id: UInt16) -> Int? {
        guard !records.isEmpty else { return nil }
        if id == 0 { return 0 }
        if id == 0xFFFF { return records.count - 1 }
        // IDs rise by one until something is deleted or they wrap, so the first guess is nearly always right.
        let guess = Int(id &- records[0].id)
        if guess < records.count, records[guess].id == id { return guess }
        for index in 0..<records.count where records[index].id == id { return index }
        return nil
    }

    mutating func add(_ record: SELRecord, at time: UInt32) {
        records.append(record)
        lastID = record.id
        added = time
    }

    mutating func delete(_ id: UInt16, at time: UInt32) {
        guard let index = index(of: id) else { return }
        records.remove(at: index)
        erased = time
    }

    mutating func clear(at time: UInt32) {
        records.removeAll()
        lastID = 0
        erased = time
    }
}

/// A change of the event log, as its journal holds it.
enum EventLogChange: Equatable {
    /// A record with its final ID; `byHost` if the host asked for exactly this record; `dropsFirst` if the oldest made room.
    case add(SELRecord, time: UInt32, byHost: Bool, dropsFirst: Bool)
    case delete(UInt16, time: UInt32)
    case clear(time: UInt32)
    /// The times and the last ID given, when a journal is written anew.
    case state(added: UInt32, erased: UInt32, lastID: UInt16)

    var record: Journal.Record {
        var payload: [UInt8] = []
        switch self {
        case .add(let record, let time, let byHost, let dropsFirst):
            Journal.append(&payload, time)
            payload.append((byHost ? 1 : 0) | (dropsFirst ? 2 : 0))
            return Journal.Record(type: 1, payload: payload + record.bytes)
        case .delete(let id, let time):
            Journal.append(&payload, time)
            return Journal.Record(type: 2, payload: payload + [UInt8(id & 0xFF), UInt8(id >> 8)])
        case .clear(let time):
            Journal.append(&payload, time)
            return Journal.Record(type: 3, payload: payload)
        case .state(let added, let erased, let lastID):
            Journal.append(&payload, added)
            Journal.append(&payload, erased)
            return Journal.Record(type: 4, payload: payload + [UInt8(lastID & 0xFF), UInt8(lastID >> 8)])
        }
    }

    init?(_ record: Journal.Record) {
        let payload = record.payload
        switch (record.type, payload.count) {
        case (1, 21):
            guard let entry = SELRecord(payload, at: 5), entry.id != 0, entry.id != 0xFFFF else { return nil }
            self = .add(
                entry, time: Journal.little32(payload, 0), byHost: payload[4] & 1 != 0, dropsFirst: payload[4] & 2 != 0)
        case (2, 6):
            self = .delete(UInt16(payload[4]) | UInt16(payload[5]) << 8, time: Journal.little32(payload, 0))
        case (3, 4):
            self = .clear(time: Journal.little32(payload, 0))
        case (4, 10):
            self = .state(
                added: Journal.little32(payload, 0), erased: Journal.little32(payload, 4),
                lastID: UInt16(payload[8]) | UInt16(payload[9]) << 8)
        default:
            return nil
        }
    }
}

extension EventLog {
    mutating func apply(_ change: EventLogChange) {
        switch change {
        case .add(let record, let time, _, let dropsFirst):
            if dropsFirst, !records.isEmpty { records.removeFirst() }
            add(record, at: time)
        case .delete(let id, let time): delete(id, at: time)
        case .clear(let time): clear(at: time)
        case .state(let added, let erased, let lastID):
            self.added = added
            self.erased = erased
            self.lastID = lastID
        }
    }

    /// The records of a journal that says no more than this state.
    var image: [Journal.Record] {
        var image: [Journal.Record] = []
        image.reserveCapacity(records.count + 1)
        for record in records {
            image.append(EventLogChange.add(record, time: added, byHost: false, dropsFirst: false).record)
        }
        image.append(EventLogChange.state(added: added, erased: erased, lastID: lastID).record)
        return image
    }

    /// Above this size the journal is written anew.
    var journalLimit: Int { 16 * 1024 + 2 * 32 * max(records.count, 16) }
}
