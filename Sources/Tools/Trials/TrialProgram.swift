// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Simulator

/// `kcssim plugin --record` as a process of its own, so that a plugin that crashes or hangs ends nothing else.
public struct TrialProgram: Sendable {
    /// The kcssim that plays it.
    let program: String
    let plugin: String
    /// For transcripts and what the process says.
    let folder: String
    /// How long a call of the plugin may take, in words.
    let limit: String
    /// Does it run in a folder of its own, so that options name no file of anybody's?
    let isApart: Bool

    /// Trials of a plugin by that kcssim; `folder` is the caller's, who removes it.
    public init(program: String, plugin: String, folder: String, limit: String = "5s", isApart: Bool = false) {
        (self.program, self.folder, self.limit, self.isApart) = (program, folder, limit, isApart)
        // It does not run where this process does.
        let isRelative = plugin.contains("/") && !plugin.hasPrefix("/")
        self.plugin = isRelative ? Self.absolute(plugin) : plugin
    }

    private static func absolute(_ path: String) -> String {
        ((try? CurrentProcess.workingFolder()).map { $0 + "/" } ?? "") + path
    }

    /// Where it runs, and files that its options name in no other folder are: empty whenever a process begins.
    private var place: String { "\(folder)/place" }

    /// What became of one.
    public struct Outcome: Sendable {
        /// Its record, as far as it came.
        public var lines: [String] = []
        /// How it ended.
        public var ending: ChildProcess.Ending
        /// What it said on standard error.
        public var errors: String

        /// A record of something that ended by itself.
        public init(lines: [String]) { self.init(lines: lines, ending: .exited(0), errors: "") }

        init(lines: [String], ending: ChildProcess.Ending, errors: String) {
            (self.lines, self.ending, self.errors) = (lines, ending, errors)
        }

        /// The sentence for an end that the plugin brought about; nil for an ordinary one.
        public var death: String? {
            switch ending {
            case .signalled(let signal): return "it ended by signal \(signal) (\(Signals.name(signal)))"
            case .exited(0): return nil
            case .exited(let status):
                if let hang { return hang }
                return errors.isEmpty ? "it ended the process with exit status \(status)" : nil
            }
        }

        /// The sentence for a callback that does not return.
        public var hang: String? {
            errors.split(separator: "\n").first { $0.contains(" has not returned for ") }.map {
                String($0.hasPrefix("kcssim: error: ") ? $0.dropFirst(15) : $0)
            }
        }
    }

    /// Plays a transcript. `more` are further options of `kcssim plugin`.
    public func play(_ transcript: String, _ more: [String] = []) throws(HostFailure) -> Outcome {
        let file = "\(folder)/transcript"
        try Self.write(transcript, to: file)
        return try run(["plugin", plugin, file, "--record", "--timeout", limit] + more)
    }

    /// Runs this program with these arguments to its end, or until `each`, which gets the lines of its output as they come,
    /// answers false.
    func run(_ arguments: [String], each: ((String) -> Bool)? = nil) throws(HostFailure) -> Outcome {
        let log = "\(folder)/errors"
        try Self.write("", to: log)
        guard let pipe = try? Descriptors.pipe(), let errors = try? Syscalls.open(log, O_WRONLY) else {
            throw HostFailure("no pipe, or \(log) cannot be written: \(Errno.current.description)")
        }
        let output = FileDescriptor(owning: pipe.input)
        var setup = ChildProcess.Setup()
        if isApart {
            Self.empty(place)
            mkdir(place, 0o700)
            setup.folder = place
        }
        setup.hasNoInput = true
        setup.hasOwnGroup = true
        setup.environment =
            CurrentProcess.environment.filter { !$0.hasPrefix("SWIFT_BACKTRACE=") } + ["SWIFT_BACKTRACE=enable=no"]
        setup.descriptors = [(from: pipe.output, to: 1), (from: errors.raw, to: 2)]
        let started = ChildProcess.start(program, arguments, setup)
        Syscalls.close(pipe.output)
        let process: ChildProcess
        switch started {
        case .success(let made): process = made
        case .failure(let errno): throw HostFailure("\(program) cannot be started: \(errno.description)")
        }
        var reader = LineReader(output.raw)
        var lines: [String] = []
        while let line = reader.next() {
            guard let each else {
                lines.append(line)
                continue
            }
            if !each(line) {
                process.send(SIGKILL, group: true)
                break
            }
        }
        guard case .success(let ending) = process.wait() else { throw HostFailure("\(program) was lost") }
        process.send(SIGKILL, group: true)
        let said = (try? Syscalls.readFile(log, limit: 1 << 20)) ?? []
        return Outcome(lines: lines, ending: ending, errors: String(decoding: said, as: UTF8.self))
    }

    /// Removes what is in a folder, and it too.
    static func empty(_ path: String) {
        if CLinux.unlink(path) == 0 { return }
        for name in (try? Syscalls.list(path)) ?? [] { empty("\(path)/\(name)") }
        rmdir(path)
    }

    static func write(_ text: String, to path: String) throws(HostFailure) {
        do throws(SystemError) {
            let file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try Array(text.utf8).withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }.get("write", path)
        } catch { throw HostFailure(error.description) }
    }
}

/// Lines of a descriptor, as they come.
struct LineReader {
    private let descriptor: Int32
    private var bytes: [UInt8] = []
    private var start = 0
    private var chunk = [UInt8](repeating: 0, count: 65536)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Nil at the end. What has no end of line was not said to its end, and is left out.
    mutating func next() -> String? {
        var searched = start
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return String(decoding: bytes[start..<end], as: UTF8.self)
            }
            bytes.removeFirst(start)
            start = 0
            searched = bytes.count
            guard case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(descriptor, into: $0) }),
                count > 0
            else { return nil }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}
