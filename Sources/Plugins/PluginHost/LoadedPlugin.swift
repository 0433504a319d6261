// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import LinuxIO
import Schema

/// A plugin in this process: its file, its checked descriptor, its options as shapes. Never unloaded.
public final class LoadedPlugin {
    /// The file it came from.
    public let file: PluginFile
    /// Its own name, from the descriptor.
    public let name: String
    /// Its own version.
    public let version: String
    /// What it does, in one line.
    public let summary: String
    /// The ABI it was built with, major and minor.
    public let abi: (major: UInt32, minor: UInt32)
    /// Its options: an object.
    public let options: OptionShape
    /// Request lengths that it knows.
    public let requests: [RequestLengths]

    /// Was the file found changed since it was loaded? What is loaded stays until the process ends.
    public internal(set) var isChangedOnDisk = false

    let descriptor: kcs_plugin

    /// The lengths that requests of one command can have, in bytes with NetFn/LUN and command.
    public struct RequestLengths: Sendable {
        /// NetFn, 0x00 to 0x3F.
        public let netFn: UInt8
        /// Command.
        public let command: UInt8
        /// Shortest.
        public let shortest: Int
        /// Longest.
        public let longest: Int
        /// The byte that says how long a request is, and how many bytes it does not count.
        public let count: (offset: Int, added: Int)?
    }

    init(file: PluginFile, descriptor: kcs_plugin, options: OptionShape) {
        self.file = file
        self.descriptor = descriptor
        self.options = options
        name = String(cString: descriptor.name)
        version = String(cString: descriptor.version)
        summary = String(cString: descriptor.summary)
        abi = (descriptor.abi >> 16, descriptor.abi & 0xFFFF)
        var requests: [RequestLengths] = []
        if let table = descriptor.requests {
            for index in 0..<Int(descriptor.request_count) {
                let entry = table[index]
                let isCounted = entry.reserved != 0 && abi.minor >= 1
                requests.append(
                    RequestLengths(
                        netFn: entry.net_fn, command: entry.command, shortest: Int(entry.shortest),
                        longest: Int(entry.longest),
                        count: isCounted ? (Int(entry.reserved & 0xFF), Int(entry.reserved >> 8)) : nil))
            }
        }
        self.requests = requests
    }

    /// A command that it answers, as its descriptor says.
    public struct Command {
        /// NetFn, 0x00 to 0x3E, and command.
        public let netFn: UInt8, command: UInt8
        /// The first data byte of group extensions.
        public let body: UInt8
        /// What the plugin calls it; nil if that is what the standard does.
        public let name: String?
        /// Completion codes that it may give.
        public let codes: [UInt8]
    }

    /// The commands that it says it answers, in its order. Read when asked for: nothing depends on them.
    public var commands: [Command] {
        // What stood behind a descriptor of 1.0 was not for this.
        guard abi.minor >= 1, let table = descriptor.commands else { return [] }
        return (0..<Int(min(descriptor.command_count, 4096))).map { index in
            let entry = table[index]
            let codes = withUnsafeBytes(of: entry.codes) { [UInt8]($0.prefix(Int(entry.code_count))) }
            return Command(
                netFn: entry.net_fn & 0x3F, command: entry.command, body: entry.body,
                name: entry.name.map { String(cString: $0) }, codes: codes)
        }
    }

    /// What it needs of a device (`KCS_CAP_*`).
    public var needs: UInt32 { descriptor.needs }

    /// The kinds of input that it may take, as words.
    public var inputs: [String] {
        let names = ["none", "bytes (automatic)", "bytes (manual)", "messages"]
        return (0..<names.count).filter { descriptor.inputs & 1 << UInt32($0) != 0 }.map { names[$0] }
    }

    /// May it be one of several handlers of a channel? Those of messages are asked in turn.
    public var canShare: Bool {
        descriptor.inputs & (1 << UInt32(KCS_INPUT_MESSAGES) | 1 << UInt32(KCS_INPUT_NONE)) != 0
    }

    /// What it needs, as words.
    public var needNames: [String] { Self.capabilityNames(needs) }

    /// Words for capability bits.
    public static func capabilityNames(_ bits: UInt32) -> [String] {
        let names = [
            "data in", "data out", "STR", "messages", "SMS_ATN", "early IBF", "late OBE", "window",
        ]
        var words = (0..<names.count).filter { bits & 1 << UInt32($0) != 0 }.map { names[$0] }
        let unknown = (bits >> UInt32(names.count)) << UInt32(names.count)
        if unknown != 0 { words.append("0x\(String(unknown, radix: 16))") }
        return words
    }

    /// Can it work on a device with these capabilities? The failure names the channel's device.
    public func check(capabilities: UInt32, device: String) -> LoadFailure? {
        let missing = needs & ~capabilities
        guard missing != 0 else { return takes(capabilities) ? nil : failure(of: device) }
        let words = Self.capabilityNames(missing).joined(separator: ", ")
        return LoadFailure(file.path, .needs, "it needs \(words), which \(device) does not give")
    }

    /// Is there a kind of input that it may take, and that such a device gives?
    private func takes(_ capabilities: UInt32) -> Bool {
        func declares(_ input: Int32) -> Bool { descriptor.inputs & 1 << UInt32(input) != 0 }
        if declares(KCS_INPUT_NONE) { return true }
        if capabilities & KCS_CAP_MESSAGES != 0 && declares(KCS_INPUT_MESSAGES) { return true }
        return capabilities & KCS_CAP_DATA_IN != 0 && (declares(KCS_INPUT_AUTO) || declares(KCS_INPUT_MANUAL))
    }

    private func failure(of device: String) -> LoadFailure {
        LoadFailure(file.path, .needs, "it takes \(inputs.joined(separator: " or ")), which \(device) does not give")
    }

    /// Lets the plugin's own check look at checked options, and passes on what it finds wrong.
    public func check(_ options: Value, error: (Mark, String) -> Void) {
        guard let check = descriptor.check else { return }
        let values = OptionValues(options, self.options)
        withoutActuallyEscaping(error) { error in
            let sink = ReportSink(error)
            var report = kcs_report(
                size: UInt32(MemoryLayout<kcs_report>.size), reserved: 0,
                ctx: Unmanaged.passUnretained(sink).toOpaque(),
                error: { context, value, text in
                    Unmanaged<ReportSink>.fromOpaque(context!)._withUnsafeGuaranteedRef {
                        let mark = Mark(
                            line: Int32(clamping: value.pointee.line), column: Int32(clamping: value.pointee.column))
                        $0.error(mark, String(cString: text))
                    }
                })
            withExtendedLifetime(sink) { check(values.root, &report) }
        }
        withExtendedLifetime(values) {}
    }
}

private final class ReportSink {
    let error: (Mark, String) -> Void
    init(_ error: @escaping (Mark, String) -> Void) { self.error = error }
}
