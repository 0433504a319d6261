// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: builds the C values that a plugin reads, in memory that this object owns.
import CKCSPlugin
import Schema

/// A tree of checked values as C structures, alive as long as this object.
final class OptionValues {
    /// The object that holds all options.
    let root: UnsafePointer<kcs_value>
    private let storage: Storage

    init(_ value: Value, _ shape: OptionShape) {
        storage = Storage()
        root = UnsafePointer(storage.add(value, shape))
    }

    /// The list of actions of a value that the plugin hands back; nil when it is none of this tree's.
    func actions(_ value: UnsafePointer<kcs_value>) -> [Action]? {
        for entry in storage.actions where UnsafePointer(entry.value) == value { return entry.list }
        return nil
    }

    private final class Storage {
        var values: [UnsafeMutablePointer<kcs_value>] = []
        var tables: [UnsafeMutablePointer<UnsafePointer<kcs_value>>] = []
        var texts: [UnsafeMutablePointer<CChar>] = []
        var actions: [(value: UnsafeMutablePointer<kcs_value>, list: [Action])] = []

        deinit {
            for value in values { value.deallocate() }
            for table in tables { table.deallocate() }
            for text in texts { text.deallocate() }
        }

        func add(_ value: Value, _ shape: OptionShape) -> UnsafeMutablePointer<kcs_value> {
            if case .oneOf(let index, let inner) = value.payload, index < shape.children.count {
                let record = add(inner, shape.children[index])
                record.pointee.choice = UInt32(index)
                return record
            }
            let record = UnsafeMutablePointer<kcs_value>.allocate(capacity: 1)
            values.append(record)
            var line: UInt32 = 0
            var column: UInt32 = 0
            if value.isGiven {
                line = UInt32(clamping: value.mark.line)
                column = UInt32(clamping: value.mark.column)
            }
            record.initialize(
                to: kcs_value(
                    size: UInt32(MemoryLayout<kcs_value>.size), type: value.type.rawValue,
                    flags: value.isGiven ? UInt32(KCS_VALUE_GIVEN) : 0, line: line, column: column, choice: 0,
                    integer: 0, text: nil, length: 0, items: nil, item_count: 0))
            fill(record, value, shape)
            return record
        }

        private func fill(_ record: UnsafeMutablePointer<kcs_value>, _ value: Value, _ shape: OptionShape) {
            switch value.payload {
            case .absent, .oneOf: record.pointee.type = UInt32(KCS_OPTION_ABSENT)
            case .object(let members):
                setItems(record, zip(members, shape.children).map { UnsafePointer(add($0.value, $1)) })
            case .list(let elements):
                setItems(record, elements.map { UnsafePointer(add($0, shape.children[0])) })
            case .map(let pairs):
                var items: [UnsafePointer<kcs_value>] = []
                for pair in pairs {
                    items.append(UnsafePointer(add(pair.key, shape.children[0])))
                    items.append(UnsafePointer(add(pair.value, shape.children[1])))
                }
                setItems(record, items)
            case .enumeration(let word):
                record.pointee.choice = UInt32(shape.choices.firstIndex(of: word) ?? 0)
                setText(record, Array(word.utf8))
            case .bool(let value): record.pointee.integer = value ? 1 : 0
            case .integer(let value), .fileMode(let value): record.pointee.integer = value
            case .duration(let value): record.pointee.integer = Int64(clamping: value.nanoseconds)
            case .size(let value): record.pointee.integer = Int64(clamping: value)
            case .string(let text), .path(let text): setText(record, Array(text.utf8))
            case .byte(let value): record.pointee.integer = Int64(value)
            case .bytes(let bytes): setText(record, bytes)
            case .actions(let list):
                setText(record, Array(list.map { $0.kind.words }.joined(separator: ", ").utf8))
                actions.append((record, list))
            }
        }

        private func setItems(_ record: UnsafeMutablePointer<kcs_value>, _ items: [UnsafePointer<kcs_value>]) {
            let table = UnsafeMutablePointer<UnsafePointer<kcs_value>>.allocate(capacity: max(items.count, 1))
            table.initialize(from: items, count: items.count)
            tables.append(table)
            record.pointee.items = UnsafePointer(table)
            record.pointee.item_count = UInt64(items.count)
        }

        private func setText(_ record: UnsafeMutablePointer<kcs_value>, _ bytes: [UInt8]) {
            let text = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
            for (index, byte) in bytes.enumerated() { (text + index).initialize(to: CChar(bitPattern: byte)) }
            (text + bytes.count).initialize(to: 0)
            texts.append(text)
            record.pointee.text = UnsafePointer(text)
            record.pointee.length = UInt64(bytes.count)
        }
    }
}
