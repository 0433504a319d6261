// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import Schema
import Testing
import YAML

@testable import DaemonConfiguration

/// Whatever a file holds, the answer is a configuration or at least one error, never a trap. 10,000 damaged files;
/// `KCSMUX_LONG=1` makes it a million.
@Suite struct MutationTests {
    private static let seeds: [[UInt8]] = [
        """
        version: 1
        control: {socket: /run/c.sock, mode: 0660, group: kcsmux}
        channels:
          - name: debug
            device: {type: raw-kcs, path: /dev/raw-kcs1, driver: v2, wait: 30s}
            plugin: debug-trigger
            options: {cooldown: 10s, actions: {D: [{exec: [/bin/x, "-f"], timeout: 1s, else: [{sysrq: c}]}]}}
            restart: {policy: on-failure, backoff: 1s, backoff_max: 60s}
        """,
        "version: 1\nrealtime: {policy: fifo, cpu: 1}\ncapture: &c {events: 0x100, max_size: 1MiB}\nchannels:\n"
            + "- name: é\n  capture: *c\n  plugins:\n  - plugin: a\n    options:\n      - !!x \"\\u00e9\\0\"\n",
        "[{[{[&a *a, &b |\n x\n ,? - : << --- ...\n%YAML 1.1\r\n\u{2028}\u{85}\t'\"\"'",
    ].map { Array($0.utf8) }

    private struct Random {
        var state: UInt64
        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }

    private static let tokens = [
        "- ", ": ", "[", "]", "{", "}", "&a ", "*a", "!t ", "'", "\"", "\n", "\t", "#", "|", ">", "<<: ", "? ",
        "---\n",
        "0x", "-1", "999999999999999999999", "true", "~", "\u{FEFF}", "\\x", "  ", ",", "\0", "\u{1F600}", "1h",
        "9999999h",
    ].map { Array($0.utf8) }

    private func damage(_ seed: [UInt8], _ random: inout Random) -> [UInt8] {
        var text = seed
        for _ in 0...random.next(6) {
            let at = random.next(text.count + 1)
            switch random.next(6) {
            case 0: text.insert(UInt8(random.next(256)), at: at)
            case 1: text.insert(contentsOf: Self.tokens[random.next(Self.tokens.count)], at: at)
            case 2 where at < text.count: text[at] ^= UInt8(1 << random.next(8))
            case 3: text.removeSubrange(at..<min(text.count, at + random.next(8)))
            case 4: text.removeLast(min(text.count, random.next(20)))
            default:
                let end = min(text.count, at + random.next(40))
                text.insert(contentsOf: Array(text[at..<end]), at: random.next(text.count + 1))
            }
        }
        return text
    }

    private var rounds: Int { CurrentProcess.environment("KCSMUX_LONG") == nil ? 10_000 : 1_000_000 }

    @Test func damagedFileNeverTraps() {
        var random = Random(state: 20_261_122)
        var accepted = 0
        for _ in 0..<rounds {
            let text = damage(Self.seeds[random.next(Self.seeds.count)], &random)
            let outcome = ConfigurationFile.parse(text, file: "f", devices: deviceTypes)
            if (outcome.configuration == nil) != outcome.diagnostics.hasErrors {
                Issue.record("neither refused nor accepted: \(String(decoding: text, as: UTF8.self))")
            }
            if outcome.configuration != nil { accepted += 1 }
            let rendered = outcome.diagnostics.render()
            if rendered.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }) {
                Issue.record("a control character reached the report")
            }
        }
        // Damage that leaves a good file good is rare, and there must be some.
        #expect(accepted > 0 && accepted < rounds / 2)
    }

    private static let options = OptionShape(
        .object,
        children: [
            .init(.map, key: "actions", maximum: 8, children: [.init(.byte), .init(.actions)]),
            .init(.bytes, key: "arm"),
            .init(.duration, key: "cooldown", defaultText: "10s"), .init(.size, key: "total"),
            .init(
                .list, key: "sensors",
                children: [
                    .init(
                        .object,
                        children: [
                            .init(.integer, key: "number", required: true), .init(.string, key: "name"),
                            .init(
                                .oneOf, key: "value",
                                children: [
                                    .init(.object, children: [.init(.path, key: "file", required: true)]),
                                    .init(.integer), .init(.bool),
                                    .init(.list, children: [.init(.oneOf, children: [.init(.byte), .init(.bytes)])]),
                                ]),
                        ])
                ]),
            .init(.enumeration, key: "mode", choices: ["on", "off", "1"]),
            .init(.integer, key: "permissions", isFileMode: true), .init(.absent, key: "nothing"),
            .init(.object, key: "any", isUnchecked: true), .init(.list, key: "broken"),
        ])

    private static let optionSeeds: [[UInt8]] = [
        "actions: {D: [{log: x}, {capture: all}], 0x52: [{exec: [/x, y], timeout: 1s, else: [{sysrq: b}]}]}\n"
            + "arm: [1, D, '2']\ncooldown: 5m\ntotal: 0x10\nmode: on\npermissions: 0644\nany: {a: [b]}\n",
        "sensors:\n- {number: 1, name: 'a', value: {file: /x}}\n- number: 0x7fffffffffffffff\n  value: [1, a, [2, 'b']]\n"
            + "- number: -9223372036854775808\n  value: true\ntotal: 9223372036854775807\nbroken: [1]\nnothing: 5\n",
    ].map { Array($0.utf8) }

    @Test func damagedOptionsNeverTrap() {
        var random = Random(state: 7)
        var good = 0
        for _ in 0..<rounds {
            let text = damage(Self.optionSeeds[random.next(Self.optionSeeds.count)], &random)
            let diagnostics = Diagnostics(file: "f", text: text)
            guard let node = Document.parse(text, diagnostics) else { continue }
            let value = Checker(diagnostics).check(node, Self.options, at: .start)
            if value.object?.count != Self.options.children.count && !diagnostics.hasErrors {
                Issue.record("neither refused nor complete: \(String(decoding: text, as: UTF8.self))")
            }
            if !diagnostics.hasErrors { good += 1 }
        }
        #expect(good > 0 && good < rounds / 2)
    }
}
