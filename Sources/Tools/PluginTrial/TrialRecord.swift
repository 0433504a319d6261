// SPDX-License-Identifier: Apache-2.0

/// What a plugin did since it was last asked for, as lines of a transcript.
final class TrialRecord {
    private var lines: [String] = []

    func add(_ line: String) { lines.append("< " + line) }

    func take() -> [String] {
        defer { lines = [] }
        return lines
    }
}
