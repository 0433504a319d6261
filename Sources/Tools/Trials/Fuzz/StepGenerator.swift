// SPDX-License-Identifier: Apache-2.0
import Common

/// The next thing that happens to a plugin, by what it declares, what it did so far, and what was seen in the field.
struct StepGenerator {
    private let grammar: FuzzGrammar
    private var random: FuzzRandom
    private var requests: RequestGenerator
    /// Steps of another run, to be followed, and left now and then.
    private var script: ArraySlice<String>
    private var request: [UInt8] = []
    private var input: Substring = ""
    /// What the plugin waits for: a program, actions, a capture; and an answer of its own.
    private var owed: [String] = []
    private var isRunning = false
    private var isReading = true

    init(_ grammar: FuzzGrammar, _ random: FuzzRandom, following script: [String]) {
        (self.grammar, self.random) = (grammar, random)
        requests = RequestGenerator(grammar)
        self.script = script[...]
    }

    /// What became of the last step: a line of its record.
    mutating func learn(_ line: String) {
        let words = line.split(separator: " ")
        guard words.count > 1, words[0] == "<" else { return }
        switch words[1] {
        case "input": (isRunning, input) = (true, words.count > 2 ? words[2] : "")
        case "start", "fail:", "create": isRunning = false
        case "run": owed.append("ran")
        case "actions": owed.append("actions")
        case "dump": owed.append("dumped")
        case "pending": owed.append("wait")
        case "reply":
            let bytes = words.dropFirst(2).compactMap { UInt8($0.dropFirst(2), radix: 16) }
            requests.learn(request: request, answer: bytes)
        default: break
        }
    }

    /// The next step, without `> `.
    mutating func next() -> String {
        let step = choose()
        let words = step.split(separator: " ")
        switch words.first {
        case "stop": (isRunning, owed) = (false, [])
        case "start": owed = []
        case "request": request = words.dropFirst().compactMap { UInt8($0.dropFirst(2), radix: 16) }
        case "reading": isReading = words.last == "on"
        default: break
        }
        return step
    }

    private mutating func choose() -> String {
        if !isRunning { return start() }
        if !script.isEmpty && random.chance(92) {
            let step = script.removeFirst()
            if random.chance(8) { return choose() }
            return random.chance(12) ? changed(step) : step
        }
        if !owed.isEmpty && random.chance(45) { return settle() }
        switch random.below(100) {
        case 0..<72: return input == "messages" ? "request " + Hex.numbers(requests.next(&random)) : bytes()
        case 72..<86: return wait()
        case 86..<89: return "stats"
        case 89..<91: return "reset"
        case 91..<93: return "stop" + random.pick(["", " restart", " reload", " crash"])
        case 93..<95 where input == "messages": return "abort"
        case 93..<96: return isReading ? "reading off" : "reading on"
        case 96..<97 where !isReading: return "read"
        default: return input == "messages" ? "request " + Hex.numbers(requests.next(&random)) : bytes()
        }
    }

    private mutating func start() -> String {
        "start " + random.pick(["boot", "reload", "restart", "crash"])
            + random.pick(["", "", "", " stale 1", " stale 2"])
    }

    private mutating func settle() -> String {
        let debt = owed.remove(at: random.below(owed.count))
        switch debt {
        case "ran": return random.pick(["ran 0", "ran 0", "ran 1", "ran signal 9", "ran timed-out"])
        case "actions":
            return random.pick(["actions ok", "actions", "actions failed", "actions timed-out", "actions ok failed"])
        case "dumped": return random.pick(["dumped ok", "dumped", "dumped failed"])
        default: return wait()
        }
    }

    private mutating func wait() -> String {
        "wait " + Quantity.duration(max(1, random.pick(grammar.times)))
    }

    private mutating func bytes() -> String {
        var list: [UInt8] = []
        // Letters mean something to many, in a certain order.
        if random.chance(12) {
            let letters = (0..<random.pick([2, 12, 40])).map { _ in UInt8(ascii: "A") + UInt8(random.below(26)) }
            return "data " + Hex.numbers(letters)
        }
        for _ in 0..<random.pick([1, 1, 1, 2, 3, 8, 40]) {
            list.append(random.chance(60) ? random.pick(grammar.bytes) : random.byte())
        }
        if random.chance(15), let first = list.first {
            list = Array(repeating: first, count: random.pick([2, 4, 16, 70]))
        }
        return (random.chance(85) ? "data " : "command ") + Hex.numbers(list)
    }

    /// A step of the field with one byte more, less, or another.
    private mutating func changed(_ step: String) -> String {
        var words = step.split(separator: " ").map { String($0) }
        guard words.count > 1, ["data", "command", "request"].contains(words[0]) else { return step }
        let place = random.between(1, words.count - 1)
        switch random.below(4) {
        case 0 where words.count > 3: words.remove(at: place)
        case 1 where words.count < 900: words.insert(Hex.number(random.byte()), at: place)
        default: words[place] = Hex.number(random.byte())
        }
        return words.joined(separator: " ")
    }
}
