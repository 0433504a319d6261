// SPDX-License-Identifier: Apache-2.0
//
// Code of a library runs as soon as it is loaded, and a damaged file can kill the dynamic linker. So a plugin is loaded by a
// short-lived process first: `kcsmuxd --check-plugin FILE`, which says on its standard output how far it came.
import CLinux
import LinuxIO

/// Loads a plugin in a process of its own, to see whether that survives it.
public struct LoadTrial: Sendable {
    /// How far a trial came: what it prints before each step.
    public enum Step: String, CaseIterable, Sendable {
        /// The dynamic linker has it, and the library's constructors run.
        case loading = "loading it"
        /// `kcs_plugin_entry` is called.
        case entering = "calling its kcs_plugin_entry"
        /// What it declares is read.
        case reading = "reading what it declares"
        /// All went well.
        case done = "ok"
    }

    /// What a trial prints before what is wrong with what the plugin declares.
    public static let refusal = "refused: "

    /// The kcsmuxd that runs the trial.
    private let program: String
    /// How long it may take, in nanoseconds.
    private let limit: UInt64

    /// Trials by that kcsmuxd.
    public init(program: String, limit: UInt64 = 5_000_000_000) {
        self.program = program
        self.limit = limit
    }

    /// What is wrong with a file; nil when a process that loaded it lived, or none could be started.
    public func fault(_ path: String) -> LoadFailure? {
        guard let pipe = try? Descriptors.pipe() else { return nil }
        let input = FileDescriptor(owning: pipe.input)
        var setup = ChildProcess.Setup()
        setup.hasNoInput = true
        setup.hasOwnGroup = true
        setup.descriptors = [(from: pipe.output, to: 1)]
        let started = ChildProcess.start(program, ["--check-plugin", path], setup)
        Syscalls.close(pipe.output)
        guard case .success(let process) = started else { return nil }
        let isOverdue = !process.hasEnded(by: Clock.monotonic + limit)
        // What the library started goes with it.
        process.send(SIGKILL, group: true)
        guard case .success(let ending) = process.wait() else { return nil }
        let last = Self.lastLine(input.raw)
        if last.utf8.starts(with: Self.refusal.utf8) {
            return LoadFailure(
                path, .declaration, String(decoding: last.utf8.dropFirst(Self.refusal.utf8.count), as: UTF8.self))
        }
        let step = Step.allCases.first { $0.rawValue.utf8.elementsEqual(last.utf8) } ?? .loading
        if isOverdue {
            return LoadFailure(path, .survival, "\(step.rawValue) did not end within \(limit / 1_000_000_000) s")
        }
        switch ending {
        case .signalled(let signal):
            return LoadFailure(
                path, .survival, "\(step.rawValue) ended it by signal \(signal) (\(Signals.name(signal)))")
        // It was never started, which not every machine tells at once: an emulated one does not.
        case .exited(127) where last.isEmpty: return nil
        // Any other refusal is found again, and told better, by who loads it next.
        case .exited(let status) where step == .done || status == Self.refused: return nil
        case .exited(let status):
            return LoadFailure(path, .survival, "\(step.rawValue) ended it with exit status \(status)")
        }
    }

    /// The exit status of a trial that found something wrong.
    public static let refused: Int32 = 78

    /// The last whole line of what a process that has ended has written.
    private static func lastLine(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        guard Poll.isReadable(descriptor),
            case .success(let count) = bytes.withUnsafeMutableBytes({ Syscalls.read(descriptor, into: $0) })
        else { return "" }
        return Array(bytes[..<count]).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            .parts(at: UInt8(ascii: "\n")).last ?? ""
    }
}
