// SPDX-License-Identifier: Apache-2.0
import Common
import Schema

/// One thing to say about a file.
public struct Diagnostic: Equatable, Sendable {
    /// How bad it is.
    public let severity: Severity
    /// Where; nil for the file as a whole.
    public let mark: Mark?
    /// The sentence, without the place.
    public let message: String

    /// How bad a thing is.
    public enum Severity: Equatable, Sendable {
        /// The file can't be used.
        case error
        /// It can, but is probably not meant so.
        case warning
        /// More about the file.
        case note

        /// As it is printed.
        public var word: String {
            switch self {
            case .error: return "error"
            case .warning: return "warning"
            case .note: return "note"
            }
        }
    }
}

/// What there is to say about one file, and those that are read with it. Collects everything, so that one run reports every mistake; keeps the first
/// hundred and counts the rest.
public final class Diagnostics {
    /// The file's name as it is printed.
    public var file: String { sources[0].file }
    /// Errors so far, those over the limit included.
    public private(set) var errorCount = 0

    /// The file, and those that were added: marks have their numbers.
    private var sources: [(file: String, text: SourceText)]
    /// In the order of places.
    private var kept: [Diagnostic] = []
    private var dropped = 0

    /// As many are kept.
    public static let limit = 100

    /// Nothing yet about a file with this content.
    public init(file: String, text: [UInt8] = []) {
        sources = [(file, SourceText(text))]
    }

    /// Nothing yet about the same files as another's.
    public init(about other: Diagnostics) { sources = other.sources }

    /// Another file that is read with the first; its number for the marks in it.
    public func add(file: String, text: [UInt8]) -> Int {
        sources.append((file, SourceText(text)))
        return sources.count - 1
    }

    /// The name of the file in which a place is.
    public func file(of mark: Mark?) -> String { mark.map { source($0).file } ?? file }

    /// A place in a sentence about another: `line 3`, or `FILE:3` if that is in another file.
    public func place(_ mark: Mark, from other: Mark) -> String {
        mark.source == other.source ? "line \(mark.line)" : "\(file(of: mark)):\(mark.line)"
    }

    private func source(_ mark: Mark) -> (file: String, text: SourceText) {
        sources[mark.source < sources.count ? mark.source : 0]
    }

    /// Was there an error?
    public var hasErrors: Bool { errorCount > 0 }

    /// Are further reports only counted? Their words need not be chosen with care.
    public var isFull: Bool { kept.count >= Diagnostics.limit }

    /// Adds an error.
    public func error(_ message: String, at mark: Mark?) { add(.init(severity: .error, mark: mark, message: message)) }

    /// Adds a warning.
    public func warning(_ message: String, at mark: Mark?) {
        add(.init(severity: .warning, mark: mark, message: message))
    }

    /// Adds a note.
    public func note(_ message: String, at mark: Mark?) { add(.init(severity: .note, mark: mark, message: message)) }

    /// Takes over what another collection about the same file holds.
    public func append(_ other: Diagnostics) {
        for diagnostic in other.kept { add(diagnostic) }
        dropped += other.dropped
        errorCount += other.errorCount - other.kept.count { $0.severity == .error }
    }

    /// All that is kept: first what is about the file as a whole, then in the order of places.
    public var all: [Diagnostic] { kept }

    /// Each as `FILE:LINE:COLUMN: error: sentence`, the line and a caret below it.
    public func render() -> String {
        var result = ""
        for diagnostic in all { result += render(diagnostic) }
        if dropped > 0 { result += "\(file): \(dropped) more\n" }
        return result
    }

    /// One of them, with its line and caret; ends with a line feed.
    public func render(_ diagnostic: Diagnostic) -> String {
        let sentence = "\(diagnostic.severity.word): \(diagnostic.message)\n"
        guard let mark = diagnostic.mark else { return "\(file): \(sentence)" }
        let (file, text) = source(mark)
        let caret = Caret(text, line: mark.line, column: mark.column)
        return "\(file):\(mark.line):\(mark.column): \(sentence)\(caret.source)\n\(caret.pointer)\n"
    }

    private func add(_ diagnostic: Diagnostic) {
        // An anchored node is checked once for each alias; its mistakes are reported once.
        if kept.contains(where: { $0.mark == diagnostic.mark && $0 == diagnostic }) { return }
        if diagnostic.severity == .error { errorCount += 1 }
        guard kept.count < Diagnostics.limit else {
            dropped += 1
            return
        }
        let next = kept.firstIndex { Self.isBefore(diagnostic.mark, $0.mark) }
        kept.insert(diagnostic, at: next ?? kept.count)
    }

    /// The file as a whole comes before its places.
    private static func isBefore(_ left: Mark?, _ right: Mark?) -> Bool {
        guard let right else { return false }
        return left.map { $0 < right } ?? true
    }
}
