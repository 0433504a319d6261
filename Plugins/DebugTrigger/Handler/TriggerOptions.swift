// SPDX-License-Identifier: Apache-2.0
import Common
import PluginKit

/// The plugin's options: their declaration, and the way from kcsmuxd's values to rules.
struct TriggerOptions {
    enum CommandBytes: String, OptionChoice { case ignore, accept }

    static let declaration: [OptionDeclaration] = [
        .map(
            "actions", from: .byte(nil), to: .actions(nil),
            default: """
                {D: [{log: "the host asks for debug data"}, {capture: all}], \
                R: [{log: "the host asks for a reboot"}]}
                """,
            help: "what each trigger byte runs; a given map replaces the default whole"),
        .bytes(
            "arm", 1...Int64(TriggerPolicy.longestArm),
            help: "bytes that must come before each trigger, with no other between; none of them a trigger byte"),
        .duration(
            "arm_window", .milliseconds(1) ... .hours(1), default: "5s",
            help: "longest time between the bytes of arm, and from the last to the trigger"),
        .duration(
            "cooldown", .zero ... .hours(24), default: "10s",
            help: "how long the same byte is refused after a trigger"),
        .integer("max_per_hour", 0...3600, default: "6", help: "triggers in any hour, all bytes together; 0: no limit"),
        .bool("dry_run", default: "false", help: "log what would run, and run nothing"),
        .enumeration(
            "command_bytes", of: CommandBytes.self, default: .ignore,
            help: "whether bytes of the command port count like those of the data port"),
        .integer(
            "ready", 2...7,
            help: "bit of STR that is set while triggers are served, and clear while one is acted on; 2 or 4 to 7"),
    ]

    private let options: OptionValue
    let actions: [(key: UInt8, actions: OptionValue)]
    let arm: [UInt8]
    let isDryRun: Bool
    /// The bit that shows whether triggers are served.
    let ready: STR?
    let rules: TriggerPolicy.Rules

    init(_ options: OptionValue) {
        self.options = options
        actions = options["actions"].pairs.map { ($0.key.byte, $0.value) }
        arm = options["arm"].ifPresent?.bytes ?? []
        isDryRun = options["dry_run"].bool
        ready = options["ready"].ifPresent.map { STR(rawValue: 1 << UInt8($0.integer)) }
        rules = TriggerPolicy.Rules(
            keys: actions.map { $0.key }, arm: arm, armWindow: options["arm_window"].duration.nanoseconds,
            cooldown: options["cooldown"].duration.nanoseconds,
            maximumPerHour: Int(options["max_per_hour"].integer),
            acceptsCommands: options["command_bytes"].enumeration(as: CommandBytes.self) == .accept)
    }

    /// What the declaration cannot say: keys that are there and distinct, and an arming sequence that is not ambiguous.
    func check(_ report: OptionReport) {
        let keys = options["actions"]
        if actions.isEmpty { report.error(keys, "no byte would trigger anything: name at least one") }
        var seen: [UInt8] = []
        for pair in keys.pairs {
            let key = pair.key.byte
            if seen.contains(key) { report.error(pair.key, "the byte \(name(of: key)) is named twice") }
            seen.append(key)
        }
        if ready == .command { report.error(options["ready"], "bit 3 is the hardware's: C/D") }
        for byte in arm where seen.contains(byte) {
            report.error(options["arm"], "\(name(of: byte)) cannot both arm and trigger")
            break
        }
    }
}

/// A byte as messages show it: `'D' (0x44)`, or `0x07`.
func name(of byte: UInt8) -> String {
    let number = "0x" + Hex.byte(byte)
    guard byte > 0x20 && byte < 0x7F else { return number }
    return "'" + String(decoding: CollectionOfOne(byte), as: UTF8.self) + "' (" + number + ")"
}
