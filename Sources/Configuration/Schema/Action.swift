// SPDX-License-Identifier: Apache-2.0

/// One thing for the daemon to do, as an option of type `actions` lists them.
public struct Action: Sendable {
    /// What to do.
    public let kind: Kind
    /// What to do if that failed or timed out; empty for nothing.
    public let otherwise: [Action]
    /// Where it stands.
    public let mark: Mark

    /// A thing to do.
    public init(kind: Kind, otherwise: [Action] = [], mark: Mark) {
        self.kind = kind
        self.otherwise = otherwise
        self.mark = mark
    }

    /// The kinds of things to do.
    public enum Kind: Equatable, Sendable {
        /// Write a line to the log.
        case log(String)
        /// Dump the flight recorder: of the channel, or of all channels.
        case capture(all: Bool)
        /// Sync, then write one character, a-z or 0-9, to the kernel's sysrq trigger.
        case sysrq(letter: UInt8)
        /// Run a program, its absolute path first, for at most `timeout` nanoseconds.
        case exec(arguments: [String], timeout: UInt64)
        /// Let nanoseconds pass.
        case wait(UInt64)
    }

    /// How long a program may run when the file does not say: 30 s.
    public static let defaultTimeout: UInt64 = 30_000_000_000
    /// The keys that name a kind.
    public static let kindKeys = ["log", "capture", "sysrq", "exec", "wait"]
}

extension Action.Kind {
    /// In words: "exec /usr/bin/x", "capture all", "sysrq c", "wait 5s", "log".
    public var words: String {
        switch self {
        case .log: return "log"
        case .capture(let all): return all ? "capture all" : "capture channel"
        case .sysrq(let letter): return "sysrq \(Character(UnicodeScalar(letter)))"
        case .exec(let arguments, _): return "exec \(arguments.first ?? "")"
        case .wait(let nanoseconds): return "wait \(Quantity.duration(nanoseconds))"
        }
    }
}

extension Action: Equatable {
    /// The same thing to do, wherever it was written.
    public static func == (left: Action, right: Action) -> Bool {
        left.kind == right.kind && left.otherwise == right.otherwise
    }
}

extension Value {
    /// Every action in this value, however deep, those to do after a failure included: for whoever prepares what
    /// actions need before the first of them runs.
    public var allActions: [Action] {
        switch payload {
        case .actions(let actions): return Action.flattened(actions)
        case .object(let values), .list(let values): return values.flatMap { $0.allActions }
        case .map(let pairs): return pairs.flatMap { $0.key.allActions + $0.value.allActions }
        case .oneOf(_, let value): return value.allActions
        default: return []
        }
    }
}

extension Action {
    fileprivate static func flattened(_ actions: [Action]) -> [Action] {
        actions.flatMap { [$0] + flattened($0.otherwise) }
    }
}
