// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Schema

@Suite struct SuggestionTests {
    private let keys = ["cooldown", "command_bytes", "arm", "arm_window", "wait", "max_files", "max_size", "directory"]

    @Test(arguments: [
        ("cooldwn", "cooldown"), ("cool_down", "cooldown"), ("wiat", "wait"), ("wai", "wait"),
        ("maxFiles", "max_files"),
        ("max-size", "max_size"), ("MAX_SIZE", "max_size"), ("dir", "directory"), ("amr", "arm"),
        ("commandbytes", "command_bytes"), ("arm_windw", "arm_window"),
    ])
    func slipIsRecognised(word: String, meant: String) { #expect(Suggestion.of(word, among: keys) == meant) }

    @Test(arguments: ["", "x", "zzzz", "plugin", "cd", String(repeating: "wait", count: 1000)])
    func distantWordIsNot(word: String) { #expect(Suggestion.of(word, among: keys) == nil) }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "abc", 3), ("ab", "ba", 1), ("kitten", "sitting", 3), ("abc", "abc", 0),
        ("ca", "abc", 3),
    ])
    func distanceCountsInsertionsRemovalsReplacementsAndSwaps(left: String, right: String, distance: Int) {
        #expect(Suggestion.editDistance(Array(left.utf8), Array(right.utf8)) == distance)
    }

    @Test func nearestOfSeveralIsMeant() {
        #expect(Suggestion.of("plugns", among: ["plugin", "plugins"]) == "plugins")
        #expect(Suggestion.of("plugn", among: ["plugins", "plugin"]) == "plugin")
    }
}
