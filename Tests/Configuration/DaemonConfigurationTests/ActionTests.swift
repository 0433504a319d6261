// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing

@testable import DaemonConfiguration

@Suite struct ActionTests {
    @Test func everyKindIsUnderstood() throws {
        let checked = Checked(
            """
            - log: "host asks for a capture"
            - capture: channel
            - capture: all
            - sysrq: c
            - sysrq: 9
            - sysrq: y
            - exec: [/usr/bin/dump, -f, '5']
            - {exec: [/bin/true], timeout: 2s, else: [{log: failed}, {sysrq: b, else: [{wait: 1s}]}]}
            - wait: 60s
            - {capture: all, timeout: 3s}
            """, OptionShape(.actions))
        #expect(checked.said == [])
        func action(_ kind: ActionKind, _ timeout: TimeSpan, _ otherwise: [Action] = []) -> Action {
            Action(kind: kind, timeout: timeout, otherwise: otherwise, mark: .start)
        }
        func letter(_ letter: Unicode.Scalar, _ otherwise: [Action] = []) -> Action {
            action(.sysrq(letter: UInt8(ascii: letter)), .seconds(20), otherwise)
        }
        #expect(
            checked.value.actions == [
                action(.log("host asks for a capture"), .seconds(1)), action(.capture(.channel), .seconds(10)),
                action(.capture(.all), .seconds(10)), letter("c"), letter("9"), letter("y"),
                action(.exec(["/usr/bin/dump", "-f", "5"]), .seconds(30)),
                action(
                    .exec(["/bin/true"]), .seconds(2),
                    [
                        action(.log("failed"), .seconds(1)),
                        letter("b", [action(.wait(.seconds(1)), .hours(25))]),
                    ]), action(.wait(.seconds(60)), .hours(25)), action(.capture(.all), .seconds(3)),
            ])
        #expect(checked.value.actions?[3].origin.mark == Mark(line: 4, column: 3))
    }

    @Test func emptyListMeansNothingToDo() { #expect(Checked("[]", OptionShape(.actions)).value.actions == []) }

    @Test(arguments: [
        ("reboot", "1:1 it wants a list of actions, not 'reboot'"),
        ("{log: x}", "1:1 it wants a list of actions, not a mapping"),
        ("[reboot]", "1:2 an action of it is a mapping such as {log: \"text\"}, not 'reboot'"),
        ("[{}]", "1:2 an action needs one of log, capture, sysrq, exec, wait, dump, reboot, unit, event"),
        ("[{else: []}]", "1:2 an action needs one of log, capture, sysrq, exec, wait, dump, reboot, unit, event"),
        ("[{timeout: 1s}]", "1:2 an action needs one of log, capture, sysrq, exec, wait, dump, reboot, unit, event"),
        ("[{lgo: x}]", "1:3 unknown key 'lgo' (did you mean 'log'?)"),
        (
            "[{poweroff: now}]",
            "1:3 unknown key 'poweroff'; known here: log, capture, sysrq, exec, wait, dump, reboot, unit, event,"
                + " timeout, else"
        ),
        ("[{log: x, wait: 1s}]", "1:11 an action does one thing; log and wait are two"),
        (
            "[{log: x, timeout: 5}]",
            "1:20 'timeout' wants a duration such as 10ms or 30s, not '5'"
                + " (a unit is missing; the units are us, ms, s, m and h)"
        ),
        ("[{log: 5}]", "1:8 'log' wants a string; '5' reads as a number (quote it if it is text)"),
        ("[{log: ''}]", "1:8 'log' is 0 bytes long; it must be 1 to 1024 bytes long"),
        ("[{dump: all}]", "1:9 'dump' wants bmc, faultlog, hardware, hostboot, sbe, system, not 'all'"),
        ("[{reboot: host}]", "1:11 'reboot' wants bmc, not 'host'"),
        ("[{unit: ''}]", "1:9 'unit' is 0 bytes long; it must be 1 to 255 bytes long"),
        ("[{capture: both}]", "1:12 'capture' wants channel, all, not 'both'"),
        ("[{sysrq: C}]", "1:10 'sysrq' wants one character, a-z or 0-9, not 'C'"),
        ("[{sysrq: bb}]", "1:10 'sysrq' wants one character, a-z or 0-9, not 'bb'"),
        ("[{sysrq: 10}]", "1:10 'sysrq' wants one character, a-z or 0-9, not '10'"),
        ("[{sysrq: }]", "1:10 'sysrq' has no value"),
        ("[{sysrq: [b]}]", "1:10 'sysrq' wants one character, a-z or 0-9, not a list"),
        ("[{exec: /bin/true}]", "1:9 'exec' wants a list, not '/bin/true' (write [/bin/true])"),
        ("[{exec: []}]", "1:9 'exec' is 0 elements long; it must be 1 to 64 elements"),
        (
            "[{exec: [true]}]",
            "1:10 an element of 'exec' wants a string; 'true' reads as a boolean (quote it if it is text)"
        ),
        ("[{exec: [reboot]}]", "1:10 'exec' wants a program's absolute path first, not 'reboot'"),
        ("[{exec: ['']}]", "1:10 'exec' wants a program's absolute path first, not ''"),
        ("[{exec: [/x], timeout: 0s}]", "1:24 'timeout' is 0s; it must be 1ms to 24h"),
        (
            "[{exec: [/x], timeout: 5}]",
            "1:24 'timeout' wants a duration such as 10ms or 30s, not '5' (a unit is missing; the units are us, ms, s, m and h)"
        ),
        ("[{wait: 25h}]", "1:9 'wait' is 25h; it must be at most 24h"),
        ("[{log: x, else: reboot}]", "1:17 'else' wants a list of actions, not 'reboot'"),
        ("[{log: x, else: [{lg: y}]}]", "1:19 unknown key 'lg' (did you mean 'log'?)"),
        ("[{[a]: x}]", "1:3 a key of an action must be a word, not a list"),
    ])
    func mistakeIsReportedAtItsPlace(text: String, said: String) {
        #expect(Checked(text, OptionShape(.actions)).said == [said])
    }

    @Test func everyMistakeInAListIsReported() {
        let checked = Checked("- lgo: x\n- {sysrq: '', else: [{wait: x}]}\n- exec: [a, 1]", OptionShape(.actions))
        #expect(checked.said.count == 4)
    }

    @Test func longListIsRefused() {
        let text = "[" + [String](repeating: "{wait: 1s}", count: 65).joined(separator: ",") + "]"
        #expect(Checked(text, OptionShape(.actions)).said == ["1:1 it has more than 64 actions"])
    }

    @Test func keysAndValuesOfAMapOfActionsAreChecked() {
        let shape = OptionShape(.map, children: [OptionShape(.byte), OptionShape(.actions)])
        let checked = Checked("D: [{log: a}, {capture: all}]\n0x52: [{log: b}]\nXX: [{wait: 5}]", shape)
        #expect(checked.value.map?.count == 3)
        #expect(checked.said.map { String($0.prefix(4)) } == ["3:1 ", "3:13"])
    }
}
