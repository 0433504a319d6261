// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO

/// Something that a plugin must not do.
public struct Finding: Equatable, Sendable {
    /// Its kind and what tells it from others of that kind: the same in each run that shows it.
    public let key: String
    /// In words.
    public let text: String

    /// That sentence, of which numbers do not count.
    init(_ kind: String, _ text: String) {
        self.text = "\(kind): \(text)"
        key = kind + ":" + text.filter { !$0.isNumber }
    }

    init(kind: String, key: String, _ text: String) { (self.key, self.text) = ("\(kind):\(key)", "\(kind): \(text)") }
}

/// Looks at a record line by line for what must not be.
struct FindingJudge {
    private var request: [UInt8] = []

    /// What this line shows, or nil.
    mutating func look(at line: String) -> Finding? {
        let words = line.split(separator: " ")
        if words.count > 3, words[0] == ">", words[1] == "request" {
            request = words.dropFirst(2).compactMap { UInt8($0.dropFirst(2), radix: 16) }
        }
        guard words.count > 2, words[0] == "<" else { return nil }
        let rest = words.dropFirst(2).joined(separator: " ")
        switch words[1] {
        case "misuse:": return Finding("misuse", rest)
        case "endless:": return Finding("endless", rest)
        case "start" where rest.contains("was not declared"): return Finding("misuse", "start() answered: \(rest)")
        case "fail:" where rest.hasPrefix("message answered"): return Finding("misuse", rest)
        case "reply": return look(at: words.dropFirst(2).compactMap { UInt8($0.dropFirst(2), radix: 16) })
        default: return nil
        }
    }

    /// A reply has its request's NetFn plus one, its LUN, its command and a completion code. What MCTP puts into such a frame
    /// has the same NetFn both ways.
    private func look(at reply: [UInt8]) -> Finding? {
        guard request.count >= 2, request[0] & 4 == 0 else { return nil }
        let said = "a reply of \(Hex.numbers(reply.prefix(4))) to \(Hex.numbers(request.prefix(2)))"
        guard reply.count >= 3 else {
            return Finding(kind: "reply", key: "short", "\(said): it has no completion code")
        }
        guard reply[1] == request[1] else {
            return Finding(kind: "reply", key: "command", "\(said): it is to another command")
        }
        let isFrame = request[0] & 0xFC == 0xB0 && reply[0] == request[0]
        guard isFrame || reply[0] == request[0] | 4 else {
            return Finding(kind: "reply", key: "netfn", "\(said): its NetFn and LUN are not the request's")
        }
        return nil
    }

    /// What the end of the process shows, or nil.
    static func look(at outcome: TrialProgram.Outcome) -> Finding? {
        if let hang = outcome.hang { return Finding("hang", hang) }
        if let range = outcome.errors.firstRange(of: "each time that it is played, ") {
            let text = outcome.errors[range.upperBound...].prefix { $0 != "\n" }
            return Finding("leak", "each time that it is played, \(text)")
        }
        guard let death = outcome.death else { return nil }
        return Finding(kind: "crash", key: death, death)
    }
}
