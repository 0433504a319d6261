// SPDX-License-Identifier: Apache-2.0
//
// The one file that touches libyaml's memory. The parser lives on the heap, because it holds pointers into itself, and
// the input is copied beside it, because it is read piece by piece. Each event is copied out and freed at once.
import CYAML
import Schema

/// One of libyaml's events, as a value.
enum Event {
    case streamStart
    case streamEnd
    case documentStart(Mark, hasTagDirective: Bool)
    case documentEnd
    case alias(Mark, name: String)
    case scalar(Properties, text: [UInt8], isQuoted: Bool)
    case sequenceStart(Properties)
    case sequenceEnd
    case mappingStart(Properties)
    case mappingEnd
    case failure(Mark, String)

    /// What may stand before a node.
    struct Properties {
        let mark: Mark
        let anchor: String?
        let tag: String?
    }
}

/// A document's events, one after the other.
struct EventSource: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Fails when memory is short.
    init?(_ bytes: [UInt8]) {
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event. Not to be called again after a failure.
    func next() -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { return failure() }
        defer { yaml_event_delete(&event) }
        let mark = EventSource.mark(event.start_mark)
        // The member of the union that is read is the one that the type names.
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT:
            let directives = event.data.document_start.tag_directives
            return .documentStart(mark, hasTagDirective: directives.start != directives.end)
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT:
            return .alias(mark, name: EventSource.text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = Array(UnsafeBufferPointer(start: scalar.value, count: scalar.length))
            return .scalar(
                EventSource.properties(mark, scalar.anchor, scalar.tag), text: text,
                isQuoted: scalar.style != YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .sequenceStart(EventSource.properties(mark, start.anchor, start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .mappingStart(EventSource.properties(mark, start.anchor, start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: return .streamEnd
        }
    }

    private func failure() -> Event {
        guard parser.pointee.error != YAML_MEMORY_ERROR else { return .failure(.start, "out of memory") }
        let place = parser.pointee.problem_mark
        var message = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
        if let context = parser.pointee.context {
            message += " \(String(cString: context))"
            let from = parser.pointee.context_mark
            if from.line != place.line { message += " that begins at line \(from.line + 1)" }
        }
        return .failure(EventSource.mark(place), message)
    }

    private static func properties(
        _ mark: Mark, _ anchor: UnsafeMutablePointer<yaml_char_t>?, _ tag: UnsafeMutablePointer<yaml_char_t>?
    ) -> Event.Properties {
        Event.Properties(mark: mark, anchor: text(anchor), tag: text(tag))
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    /// libyaml counts from 0.
    private static func mark(_ mark: yaml_mark_t) -> Mark {
        Mark(line: Int32(clamping: mark.line) &+ 1, column: Int32(clamping: mark.column) &+ 1)
    }
}
