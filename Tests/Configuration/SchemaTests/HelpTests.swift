// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing

@Suite struct HelpTests {
    private static let options = OptionShape(
        .object,
        children: [
            OptionShape(
                .duration, key: "cooldown", help: "Pause.", defaultText: "10s", minimum: 0, maximum: 60_000_000_000),
            OptionShape(.enumeration, key: "command_bytes", required: true, choices: ["ignore", "accept"]),
            OptionShape(.map, key: "actions", children: [OptionShape(.byte), OptionShape(.actions)]),
            OptionShape(.list, key: "types", minimum: 1, children: [OptionShape(.integer, minimum: 1, maximum: 9)]),
            OptionShape(.integer, key: "mode", defaultText: "0600", maximum: 0o777, isFileMode: true),
            OptionShape(
                .list, key: "fru",
                children: [OptionShape(.object, children: [OptionShape(.path, key: "path", required: true)])]),
            OptionShape(
                .oneOf, key: "value",
                children: [
                    OptionShape(.object, children: [OptionShape(.path, key: "file", maximum: 10)]), OptionShape(.bool),
                ]),
            OptionShape(.size, key: "total", minimum: 4096),
            OptionShape(.object, key: "anything", isUnchecked: true),
        ])

    @Test func linesShowKeyTypeDefaultRangeAndHelp() {
        let expected = """
            cooldown: duration (default 10s; 0s to 1m)
                Pause.
            command_bytes: ignore | accept (required)
            actions: map of byte to actions
            types: list of integer (at least 1 elements)
              - integer (1 to 9)
            mode: file mode (default 0600; at most 0777)
            fru: list of object
              - object
                path: path (required)
            value: one of
              - object
                file: path (at most 10 bytes long)
              - true | false
            total: size (at least 4KiB)
            anything: mapping
            """
        #expect(Help.lines(HelpTests.options).joined(separator: "\n") == expected)
    }

    @Test func singleShapeIsShownWithItsOwnKey() {
        #expect(Help.lines(OptionShape(.bool, key: "dry_run")) == ["dry_run: true | false"])
    }
}
