// SPDX-License-Identifier: Apache-2.0
//
// The one file that touches libyaml's memory. The parser lives on the heap, because it holds pointers into itself, and
// the input is copied beside it, because it is read piece by piece. Each event is copied out and freed at once.
import CYAML
import Common
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
    /// libyaml's words: the problem, and what it was doing, with the line at which that began.
    case failure(Mark, problem: String, context: String, line: Int)

    /// What may stand before a node.
    struct Properties {
        let mark: Mark
        let anchor: String?
        let tag: String?
    }
}

/// A document's events, one after the other.
@safe struct EventSource: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let source: Int

    /// Fails when memory is short. `source` is the number of the text in marks.
    init?(_ bytes: [UInt8], source: Int) {
        self.source = source
        unsafe parser = .allocate(capacity: 1)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            return nil
        }
        unsafe input = .allocate(capacity: bytes.count)
        _ = unsafe input.initialize(from: bytes)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event. Not to be called again after a failure.
    func next() -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { return failure() }
        defer { unsafe yaml_event_delete(&event) }
        let mark = unsafe mark(event.start_mark)
        // The member of the union that is read is the one that the type names.
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT:
            let directives = unsafe event.data.document_start.tag_directives
            return unsafe .documentStart(mark, hasTagDirective: directives.start != directives.end)
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT:
            return unsafe .alias(mark, name: EventSource.text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let text = unsafe Array(UnsafeBufferPointer(start: scalar.value, count: scalar.length))
            return unsafe .scalar(
                EventSource.properties(mark, scalar.anchor, scalar.tag), text: text,
                isQuoted: scalar.style != YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe .sequenceStart(EventSource.properties(mark, start.anchor, start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe .mappingStart(EventSource.properties(mark, start.anchor, start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: return .streamEnd
        }
    }

    private func failure() -> Event {
        guard unsafe parser.pointee.error != YAML_MEMORY_ERROR else {
            return .failure(.start, problem: "out of memory", context: "", line: 0)
        }
        let place = unsafe parser.pointee.problem_mark
        return unsafe .failure(
            mark(place), problem: parser.pointee.problem.map { unsafe String(cString: $0) } ?? "not YAML",
            context: unsafe parser.pointee.context.map { unsafe String(cString: $0) } ?? "",
            line: unsafe Int(clamping: parser.pointee.context_mark.line) + 1)
    }

    private static func properties(
        _ mark: Mark, _ anchor: UnsafeMutablePointer<yaml_char_t>?, _ tag: UnsafeMutablePointer<yaml_char_t>?
    ) -> Event.Properties {
        unsafe Event.Properties(mark: mark, anchor: text(anchor), tag: text(tag))
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }

    /// libyaml counts from 0.
    private func mark(_ mark: yaml_mark_t) -> Mark {
        Mark(line: Int32(clamping: mark.line) &+ 1, column: Int32(clamping: mark.column) &+ 1, source: source)
    }
}
