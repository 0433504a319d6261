// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Common
import IPMI
import JSON
import LinuxIO
import PluginHost
import Schema

/// `plugin list` and `plugin info`: what is in the plugin files, without a daemon.
struct PluginCommands {
    private let arguments: Arguments
    private let folders: [String]
    private let trust: PluginFile.Trust
    private let trial: LoadTrial

    init(_ arguments: Arguments) throws(Failure) {
        self.arguments = arguments
        folders = PluginLoader.searchPath(arguments.all("--plugin-path"))
        switch arguments.value("--trust") ?? "strict" {
        case "strict": trust = .strict
        case "any": trust = .any
        case let other: throw Failure(.usage, "--trust \(other): not one of strict, any")
        }
        guard let kcsmuxd = Self.kcsmuxd else {
            throw Failure(.failure, "plugins are looked at by kcsmuxd, which is neither beside kcsctl nor in PATH")
        }
        trial = LoadTrial(program: kcsmuxd)
    }

    /// The kcsmuxd that refuses what this program is to refuse, and that dies of what would kill it.
    private static var kcsmuxd: String? {
        var folders = (CurrentProcess.environment("PATH") ?? "").parts(at: UInt8(ascii: ":"))
        if let own = CurrentProcess.executable { folders.insert(Path.parent(of: own), at: 0) }
        folders.append("/usr/libexec")
        return folders.map { "\($0)/kcsmuxd" }.first { (try? Syscalls.stat($0)) != nil }
    }

    /// Loads a plugin, and refuses what kcsmuxd refuses.
    private func load(_ name: String, _ folders: [String]) -> Result<LoadedPlugin, LoadFailure> {
        PluginLoader(folders: folders, trust: trust, trial: trial).load(name)
    }

    // MARK: list

    /// Every plugin of the search path; of one name, the first that is found, as kcsmuxd does it.
    func list() throws(Failure) {
        let names = PluginLoader.names(in: folders)
        var table = Table(["NAME", "VERSION", "SUMMARY", "FILE"])
        var objects: [JSONValue] = []
        var failures: [String] = []
        for (name, folder) in names {
            switch load(name, [folder]) {
            case .success(let plugin):
                table.add([name, Text.safe(plugin.version), Text.safe(plugin.summary), plugin.file.path])
                objects.append([
                    "name": .string(name), "version": .string(plugin.version), "summary": .string(plugin.summary),
                    "file": .string(plugin.file.path),
                ])
            case .failure(let failure):
                failures.append(failure.description)
                objects.append(["name": .string(name), "failure": Self.object(failure)])
            }
        }
        if arguments.has("--json") { return try Output.print(["plugins": .array(objects)]) }
        if names.isEmpty {
            try Output.print(["No plugins in \(folders.joined(separator: ", "))"])
        } else {
            try Output.print(table.lines)
        }
        for failure in failures { Output.say(Text.safe(failure)) }
    }

    // MARK: info

    /// All about one plugin.
    func info(_ name: String) throws(Failure) {
        let device = arguments.value("--device")
        let capabilities = try device.map { device throws(Failure) in try Self.capabilities(device) }
        let plugin: LoadedPlugin
        switch load(name, folders) {
        case .success(let loaded): plugin = loaded
        case .failure(let failure):
            let meant =
                failure.rule == .found
                ? Suggestion.of(name, among: PluginLoader.names(in: folders).map { $0.name }) : nil
            throw Self.refuse(failure, meant.map { "; did you mean \($0)?" } ?? "")
        }
        if let device, let capabilities {
            if let failure = plugin.check(capabilities: capabilities, device: "a device of type \(device)") {
                throw Self.refuse(failure)
            }
        }
        if arguments.has("--json") { return try Output.print(Self.object(plugin)) }
        try Output.print(Self.text(plugin))
    }

    private static func refuse(_ failure: LoadFailure, _ remark: String = "") -> Failure {
        Failure(.failure, Text.safe(failure.description + remark), object: object(failure))
    }

    private static func object(_ failure: LoadFailure) -> JSONValue {
        [
            "file": .string(failure.file), "rule": .string(failure.rule.name), "finding": .string(failure.finding),
            "message": .string(failure.description),
        ]
    }

    /// What each type of device gives at most.
    private static func capabilities(_ device: String) throws(Failure) -> UInt32 {
        let registers = UInt32(KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT | KCS_CAP_STR | KCS_CAP_MESSAGES | KCS_CAP_ATTENTION)
        switch device {
        case "raw-kcs", "sim":
            return registers | UInt32(KCS_CAP_EARLY_IBF | KCS_CAP_OBE_LAGS | KCS_CAP_WINDOW)
        case "serio-raw": return UInt32(KCS_CAP_DATA_IN)
        case "ipmi-kcs": return UInt32(KCS_CAP_MESSAGES | KCS_CAP_ATTENTION)
        default: throw Failure(.usage, "--device \(device): not one of raw-kcs, serio-raw, ipmi-kcs, sim")
        }
    }

    private static func text(_ plugin: LoadedPlugin) -> [String] {
        func row(_ name: String, _ value: String) -> String { "\(Text.left(name, 10))  \(value)" }
        var lines = [
            "\(plugin.name) \(Text.safe(plugin.version)): \(Text.safe(plugin.summary))", "",
            row("file", Text.safe(plugin.file.path)),
            row("ABI", "\(plugin.abi.major).\(plugin.abi.minor); this kcsctl has \(Version.abi)"),
            row("takes", plugin.inputs.joined(separator: ", ")),
            row("needs", plugin.needNames.isEmpty ? "nothing of the device" : plugin.needNames.joined(separator: ", ")),
        ]
        if !plugin.requests.isEmpty {
            lines.append(row("requests", "knows the lengths of \(plugin.requests.count) commands"))
        }
        lines.append("")
        let help = Help.lines(plugin.options)
        lines.append(help.isEmpty ? "It has no options." : "Options:")
        lines += help.map { "  \(Text.safe($0))" }
        guard !plugin.commands.isEmpty else { return lines }
        lines += ["", "Commands, and the completion codes beside 00 that are their own:"]
        for command in plugin.commands {
            let codes = Hex.bytes(command.codes)
            lines.append(Text.safe("  \(number(command))  \(name(command))") + (codes.isEmpty ? "" : ": \(codes)"))
        }
        return lines
    }

    /// NetFn and command as `06/01`.
    private static func number(_ command: LoadedPlugin.Command) -> String {
        Hex.byte(command.netFn) + "/" + Hex.byte(command.command)
    }

    private static func name(_ command: LoadedPlugin.Command) -> String {
        command.name
            ?? IPMI.Command(rawValue: command.command).description(
                in: NetFn(rawValue: command.netFn), body: command.body)
    }

    private static func object(_ plugin: LoadedPlugin) -> JSONValue {
        [
            "name": .string(plugin.name), "version": .string(plugin.version), "summary": .string(plugin.summary),
            "file": .string(plugin.file.path), "abi": .string("\(plugin.abi.major).\(plugin.abi.minor)"),
            "takes": .strings(plugin.inputs), "needs": .strings(plugin.needNames),
            "options": .array(plugin.options.children.map { object($0) }),
            "requests": .array(
                plugin.requests.map {
                    [
                        "netfn": .integer(Int($0.netFn)), "command": .integer(Int($0.command)),
                        "shortest": .integer($0.shortest), "longest": .integer($0.longest),
                    ]
                }),
            "commands": .array(
                plugin.commands.map {
                    [
                        "netfn": .integer(Int($0.netFn)), "command": .integer(Int($0.command)),
                        "name": .string(name($0)), "codes": .array($0.codes.map { .integer(Int($0)) }),
                    ]
                }),
        ]
    }

    private static func object(_ shape: OptionShape) -> JSONValue {
        var members = [JSONMember("type", .string(typeName(shape.type)))]
        if !shape.key.isEmpty { members.insert(JSONMember("key", .string(shape.key)), at: 0) }
        if !shape.help.isEmpty { members.append(JSONMember("help", .string(shape.help))) }
        members.append(JSONMember("required", .bool(shape.required)))
        if let text = shape.defaultText { members.append(JSONMember("default", .string(text))) }
        if let minimum = shape.minimum { members.append(JSONMember("minimum", .integer64(minimum))) }
        if let maximum = shape.maximum { members.append(JSONMember("maximum", .integer64(maximum))) }
        if !shape.choices.isEmpty { members.append(JSONMember("choices", .strings(shape.choices))) }
        if !shape.children.isEmpty {
            members.append(JSONMember("children", .array(shape.children.map { object($0) })))
        }
        return .object(members)
    }

    private static func typeName(_ type: OptionType) -> String {
        switch type {
        case .absent: return "absent"
        case .object: return "object"
        case .list: return "list"
        case .map: return "map"
        case .oneOf: return "one-of"
        case .enumeration: return "enumeration"
        case .bool: return "bool"
        case .integer: return "integer"
        case .duration: return "duration"
        case .size: return "size"
        case .string: return "string"
        case .path: return "path"
        case .byte: return "byte"
        case .bytes: return "bytes"
        case .actions: return "actions"
        }
    }
}

extension LoadFailure.Rule {
    /// One word, for programs.
    fileprivate var name: String {
        switch self {
        case .found: return "found"
        case .trusted: return "trusted"
        case .sharedLibrary: return "shared-library"
        case .survival: return "survival"
        case .entry: return "entry"
        case .abi: return "abi"
        case .size: return "size"
        case .required: return "required"
        case .hostVersion: return "host-version"
        case .declaration: return "declaration"
        case .needs: return "needs"
        }
    }
}
