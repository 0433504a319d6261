// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import Events
import JSON
import LinuxIO
import Schema

/// The way from a channel's process to the daemon: what only that can do is asked of it.
final class ParentLink: ProcessLink {
    /// What the daemon says, other than answers.
    var told: (String, JSONValue) -> Void = { _, _ in }
    /// The daemon is gone.
    var lost: () -> Void = {}
    private var waiting: [(id: UInt64, done: (JSONValue) -> Void)] = []
    private var last: UInt64 = 0

    override func received(_ type: String, _ message: JSONValue) {
        guard type == "done" else { return told(type, message) }
        guard let id = message["id"]?.uint64, let index = waiting.firstIndex(where: { $0.id == id }) else { return }
        waiting.remove(at: index).done(message)
    }

    override func ended() {
        loop.remove(self)
        lost()
    }

    /// The channel cannot go on.
    func fail(_ text: String) { send("failed", [JSONMember("text", .string(text))]) }

    private func request(_ type: String, _ members: [JSONMember], done: @escaping (JSONValue) -> Void) -> Bool {
        last &+= 1
        guard send(type, [JSONMember("id", .unsigned(last))] + members) else { return false }
        waiting.append((last, done))
        return true
    }

    /// Has the daemon write captures; tells nil, or why they were not written.
    func dump(all: Bool, done: @escaping (String?) -> Void) {
        let isAsked = request("dump", [JSONMember("all", .bool(all))]) { done($0["failure"]?.text) }
        if !isAsked { loop.mailbox.post { done("the daemon does not listen") } }
    }

    /// Has the daemon run one of the lists of actions of a handler's options. False: it does not listen.
    func run(
        _ list: Int, of handler: Int, cause: String, done: @escaping ([ActionRunner.Outcome]) -> Void
    ) -> Bool {
        request(
            "actions",
            [
                JSONMember("handler", .integer(handler)), JSONMember("list", .integer(list)),
                JSONMember("cause", .string(cause)),
            ]
        ) { message in
            done(
                (message["outcomes"]?.elements ?? []).map { outcome in
                    let parts = outcome.elements ?? []
                    let result = parts.count > 1 ? parts[1].uint64.flatMap { UInt32(exactly: $0) } : nil
                    return ActionRunner.Outcome(
                        action: parts.first?.text ?? "",
                        result: result.flatMap { ActionRunner.Outcome.Result(rawValue: $0) } ?? .failed,
                        detail: parts.count > 2 ? parts[2].text ?? "" : "")
                })
        }
    }
}

extension Value {
    /// Every list of actions in this value, in an order that two readings of one file share.
    var actionLists: [[Action]] {
        switch payload {
        case .actions(let actions): return [actions]
        case .object(let members): return members.flatMap { $0.value.actionLists }
        case .list(let values): return values.flatMap { $0.actionLists }
        case .map(let pairs): return pairs.flatMap { $0.key.actionLists + $0.value.actionLists }
        case .oneOf(_, let value): return value.actionLists
        default: return []
        }
    }
}
