// SPDX-License-Identifier: Apache-2.0

/// What libyaml says of a text that is not YAML, in the words of who wrote the text.
enum SyntaxWords {
    /// The part of libyaml's problem, and of its context, that tells a mistake, and what to say of it; `LINE` stands for the
    /// line at which the context began.
    private static let table: [(problem: String, context: String, words: String)] = [
        (
            "expected ',' or ']'", "",
            "the list in [ ] that begins at line LINE is not closed: a ',' or ']' is missing here"
        ),
        (
            "expected ',' or '}'", "",
            "the mapping in { } that begins at line LINE is not closed: a ',' or '}' is missing here"
        ),
        ("expected node content", "flow", "a value is missing here, or a bracket is not closed"),
        ("unexpected end of stream", "quoted scalar", "the quoted text that begins at line LINE is not closed"),
        ("unexpected document indicator", "quoted scalar", "the quoted text that begins at line LINE is not closed"),
        ("unknown escape character", "", "this escape is not known in double quotes; in single quotes \\ is itself"),
        ("expected ':'", "simple key", "a key without its ':' at line LINE; it reads 'key: value', or '- element'"),
        ("mapping values are not allowed", "", "a ':' that can't stand here: check the indentation, or quote the text"),
        (
            "expected key", "block mapping",
            "this fits nothing in the mapping that begins at line LINE: check the indentation, and the quotes above"
        ),
        ("expected '-' indicator", "", "this fits nothing in the list that begins at line LINE: check the indentation"),
        ("sequence entries are not allowed", "", "a '-' that can't stand here: a list begins on a line of its own"),
        (
            "character that cannot start any token", "",
            "this character can't begin a value: indent with spaces, and quote text that begins with @, ` or %"
        ),
        ("tab character", "", "a tab can't indent; use spaces"),
    ]

    /// The sentence for a problem; libyaml's own where there is no better one.
    static func explain(_ problem: String, _ context: String, _ line: Int) -> String {
        for row in table where contains(problem, row.problem) && contains(context, row.context) {
            return replaced(row.words, line)
        }
        return context.isEmpty ? problem : "\(problem) \(context) that begins at line \(line)"
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let (text, part) = (Array(text.utf8), Array(part.utf8))
        guard text.count >= part.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
    }

    private static func replaced(_ words: String, _ line: Int) -> String {
        let bytes = Array(words.utf8)
        let name = Array("LINE".utf8)
        for index in bytes.indices where bytes[index...].starts(with: name) {
            return String(decoding: bytes[..<index], as: UTF8.self) + "\(line)"
                + String(decoding: bytes[(index + name.count)...], as: UTF8.self)
        }
        return words
    }
}
