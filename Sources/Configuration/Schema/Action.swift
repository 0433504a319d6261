// SPDX-License-Identifier: Apache-2.0
import Common

/// One thing for the daemon to do, as an option of type `actions` lists them.
public struct Action: Equatable, Sendable {
    /// What to do.
    public let kind: ActionKind
    /// How long it may take: then it has failed, and what follows goes on.
    public let timeout: TimeSpan
    /// What to do if it failed or timed out; empty for nothing.
    public let otherwise: [Action]
    /// Where it stands.
    public let origin: Origin

    /// A thing to do.
    public init(kind: ActionKind, timeout: TimeSpan, otherwise: [Action] = [], mark: Mark) {
        self.kind = kind
        self.timeout = timeout
        self.otherwise = otherwise
        origin = Origin(mark)
    }
}

/// What the key of one kind of action may hold.
public struct ActionDeclaration: Sendable {
    /// The key, its help and what it holds.
    public let shape: OptionShape
    /// How long such an action may take if the file does not say.
    public let timeout: TimeSpan
    /// Makes the action of a value that was checked against the shape; nil for one that was refused already.
    public let read: @Sendable (Value) throws(ActionFault) -> ActionKind?

    init(
        _ shape: OptionShape, timeout: TimeSpan, read: @escaping @Sendable (Value) throws(ActionFault) -> ActionKind?
    ) {
        self.shape = shape
        self.timeout = timeout
        self.read = read
    }

    /// The kinds of actions.
    public static var all: [ActionDeclaration] { ActionKind.table }
    /// The most actions in one list.
    public static let most = 64
    /// The key of any action's time limit.
    public static let limit = OptionShape(
        .duration, key: "timeout", help: "How long the action may take; then it has failed, and the list goes on.",
        minimum: 1_000_000, maximum: 86_400_000_000_000)
    /// The key of what to do after a failure.
    public static let otherwise = OptionShape(
        .actions, key: "else", help: "What to do if the action failed, or took too long.")
}

/// Why a value of the right shape is no action.
public struct ActionFault: Error {
    /// What the key wants.
    public let wanted: String
    /// What it has.
    public let found: String
    /// Where that stands.
    public let mark: Mark
}

extension Value {
    /// Every action in this value, however deep, those to do after a failure included: for whoever prepares what
    /// actions need before the first of them runs.
    public var allActions: [Action] {
        switch payload {
        case .actions(let actions): return Action.flattened(actions)
        case .object(let members): return members.flatMap { $0.value.allActions }
        case .list(let values): return values.flatMap { $0.allActions }
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
