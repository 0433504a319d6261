// SPDX-License-Identifier: Apache-2.0

/// One rule of a standard, and how a host sees whether it is kept.
struct Check: Sendable {
    /// For scripts, and for ever.
    let id: String
    /// Where the standard says it.
    let paragraph: String
    /// The rule.
    let rule: String
    let body: @Sendable (Bench) throws(StrictHost.Fault) -> Void

    init(
        _ id: String, _ paragraph: String, _ rule: String,
        _ body: @escaping @Sendable (Bench) throws(StrictHost.Fault) -> Void
    ) { (self.id, self.paragraph, self.rule, self.body) = (id, paragraph, rule, body) }
}

/// What checks work with.
struct Bench {
    let host: StrictHost
    /// A request that the BMC answers: what a check ends with, to see that the BMC still serves.
    let probe: [UInt8]

    /// The BMC serves, and a transfer has come to its end just now.
    func ready() throws(StrictHost.Fault) { _ = try host.recover(with: probe) }

    /// The BMC serves whatever was done to it.
    func serves() throws(StrictHost.Fault) { _ = try host.recover(with: probe) }

    /// A request and its answer, of which NetFn, LUN, command and the presence of a completion code are checked.
    func ask(_ request: [UInt8]) throws(StrictHost.Fault) -> (code: UInt8, data: [UInt8]) {
        let answer = try host.recover(with: request).answer
        guard answer.count >= 3 else { throw StrictHost.Fault("the answer \(answer) has no completion code") }
        guard answer[0] == request[0] | 4, answer[1] == request[1] else {
            throw StrictHost.Fault(
                "\(answer.prefix(2)) does not answer \(request.prefix(2)): NetFn plus one, LUN and command")
        }
        return (answer[2], Array(answer[3...]))
    }
}

/// How a check ended.
public struct Verdict: Sendable {
    /// The check's name for scripts.
    public let id: String
    /// Where the standard says it.
    public let paragraph: String
    /// The rule.
    public let rule: String
    /// What is wrong, or why it was not looked at; nil for a rule that is kept.
    public let fault: String?
    /// Was it left out?
    public let isSkipped: Bool
    /// Nanoseconds.
    public let time: UInt64
}
