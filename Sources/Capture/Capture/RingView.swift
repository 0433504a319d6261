// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: reads a ring where it lies. Every offset is derived from a slot number below the capacity that the header's
// check has compared with the memory's size.

/// Reads events out of a ring's memory, whatever that holds.
struct RingView {
    private let memory: UnsafeRawBufferPointer
    private let capacity: Int
    private let end: UInt64
    private let first: UInt64

    init(_ memory: UnsafeRawBufferPointer, header: RingHeader) {
        precondition(memory.count >= RingLayout.bytes(capacity: header.capacity), "a ring shorter than its header says")
        self.memory = memory
        capacity = header.capacity
        end = header.position
        first = header.first
    }

    /// The record that was completed at a position.
    private struct Record {
        let time: UInt64
        let kind: RecordKind
        let values: UInt32
    }

    private func record(at position: UInt64) -> Record? {
        let slot = Int(truncatingIfNeeded: position & UInt64(capacity - 1))
        let offset = RingLayout.headerBytes + slot * RingLayout.recordBytes
        let time = UInt64(littleEndian: memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let word = UInt64(littleEndian: memory.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        guard UInt32(truncatingIfNeeded: word >> 32) == RingLayout.tag(position: position, time: time),
            let kind = RecordKind(rawValue: UInt8(truncatingIfNeeded: word))
        else { return nil }
        return Record(time: time, kind: kind, values: UInt32(truncatingIfNeeded: word) >> 8)
    }

    /// Behind the last record that was completed: the writer may have been killed between storing records and counting
    /// them.
    func recoveredEnd() -> UInt64 {
        var position = end
        while position < end + UInt64(capacity), record(at: position) != nil { position += 1 }
        return position
    }

    /// The position of the oldest record that can still be there.
    func start(end: UInt64) -> UInt64 {
        let room = UInt64(capacity)
        return max(first, end > room ? end - room : 0)
    }

    /// The next event at or after `position`, which moves behind it. Records that are gone or void count as lost; so do
    /// the remains of an event whose head, or end, is.
    func next(at position: inout UInt64, end: UInt64, lost: inout UInt64) -> Event? {
        let oldest = start(end: end)
        if position < oldest {
            lost += oldest - position
            position = oldest
        }
        while position < end {
            let head = position
            guard let record = record(at: head), record.kind != .continuation else {
                lost += 1
                position += 1
                continue
            }
            guard record.kind.isBlock else {
                position += 1
                let values = record.values
                return Event(
                    time: record.time, position: head,
                    body: .access(
                        record.kind, UInt8(values & 0xFF), UInt8(values >> 8 & 0xFF), UInt8(values >> 16 & 0xFF)))
            }
            let count = Int(record.values >> 8 & 0xFFFF)
            if let data = data(after: head, count: count, end: end),
                let event = RingView.event(record.kind, UInt8(record.values & 0xFF), data, head, record.time)
            {
                position = head + 1 + UInt64((count + 7) / 8)
                return event
            }
            lost += 1
            position += 1
        }
        return nil
    }

    /// The data of the continuations behind a head; nil unless all of them are there.
    private func data(after head: UInt64, count: Int, end: UInt64) -> [UInt8]? {
        guard count >= 8, count <= RingLayout.maximumData, head + 1 + UInt64((count + 7) / 8) <= end else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        var position = head + 1
        while bytes.count < count {
            guard let record = record(at: position), record.kind == .continuation else { return nil }
            var word = record.time
            for _ in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
            position += 1
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private static func event(
        _ kind: RecordKind, _ first: UInt8, _ data: [UInt8], _ position: UInt64, _ time: UInt64
    ) -> Event? {
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            var value: UInt64 = 0
            for index in 0..<count { value |= UInt64(data[offset + index]) << UInt64(8 * index) }
            return value
        }
        switch kind {
        case .message, .annotation, .handlerFailed:
            let text = Int(number(4, 2))
            guard let direction = Direction(rawValue: first), text <= data.count - 8 else { return nil }
            let block = Event.Block(
                kind: kind, direction: direction, link: LinkType(rawValue: UInt16(number(0, 2))),
                annotation: UInt16(number(2, 2)), bytes: Array(data[8..<(data.count - text)]),
                originalLength: max(Int(number(6, 2)), data.count - 8 - text),
                text: String(decoding: data[(data.count - text)...], as: UTF8.self))
            return Event(time: time, position: position, body: .block(block))
        case .clockStep, .recordsLost, .lifeBegan:
            guard data.count == 16 else { return nil }
            let one = number(0, 8)
            let two = number(8, 8)
            let body: Event.Body
            switch kind {
            case .clockStep: body = .clockStep(from: Int64(bitPattern: one), to: Int64(bitPattern: two))
            case .recordsLost: body = .recordsLost(one)
            default:
                body = .lifeBegan(
                    process: Int32(truncatingIfNeeded: one), reason: UInt8(truncatingIfNeeded: two))
            }
            return Event(time: time, position: position, body: body)
        default: return nil
        }
    }
}
