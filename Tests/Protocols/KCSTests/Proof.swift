// SPDX-License-Identifier: Apache-2.0

import DriverModel

@testable import KCS

/// Walks every interleaving of host, interrupt and daemon, time being whatever suits the adversary.
struct Proof {
    /// One run of the search: who talks to what.
    struct Scenario {
        var name: String
        var driver = Driver.v2
        var configuration: TransferConfiguration
        var host: HostConfiguration
        /// The requests of one host after another; each is a process of its own.
        var requests: [[UInt8]]
        var responseLength = 3
        /// How often a host may be killed at any of its steps; the next request follows.
        var kills = 0
        /// How often a host may abort at any of its steps.
        var aborts = 0
        /// Whether a transfer has gone before, so that its last READ is parked.
        var armed = true
    }

    /// What the search carries along besides the state of the parties.
    struct Ghost: Hashable {
        var ideal: IdealBMC
        var requestIndex = 0
        var kills: Int
        var aborts: Int
        /// The windows of the manual that this history has been through since all was last well.
        var windows: Set<Window> = []
        /// The host has seen a wrong state since it began.
        var sawWrong = false
    }

    struct Node: Hashable {
        var world: World
        var ghost: Ghost
    }

    struct Fingerprint: Hashable {
        var low: Int
        var high: Int

        init(_ node: Node) {
            var first = Hasher()
            first.combine(node)
            low = first.finalize()
            var second = Hasher()
            second.combine(0x5EED)
            second.combine(node)
            high = second.finalize()
        }
    }

    /// A wrong state as a host saw it, for the first time in its request.
    struct Mismatch: Hashable {
        var temperament: HostTemperament
        var windows: Set<Window>
    }

    struct Outcome {
        var states = 0
        var mismatches: [Mismatch: Int] = [:]
        /// Requests that ended in success with other bytes than the handler's, though STATE was never wrong.
        var corrupted = 0
        /// Requests handed out that no host had written, though STATE was never wrong.
        var invented = 0
        /// States from which no schedule reaches the end.
        var stuck = 0
        var finished = 0
        var failuresWithoutWrongState = 0
        var truncated = false
        /// The shortest way to each mismatch.
        var example: [Mismatch: [String]] = [:]
        var odd: [String] = []
    }

    /// The times: only their order matters, because the search lets any number of steps happen between two of them.
    static var timings: TransferTimings {
        var timings = TransferTimings()
        timings.look = 1
        timings.lookIdle = 1
        timings.settleFirst = 3
        timings.settleLater = 3
        timings.unclean = 4
        timings.abandon = 6
        timings.reply = 1 << 40
        return timings
    }

    static let epoch: UInt64 = 1000
    static let oldest: UInt64 = 7

    let scenario: Scenario
    var outcome = Outcome()
    private var ids: [Fingerprint: Int32] = [:]
    /// How each state was first reached, for the trace of a counterexample.
    private var parents: [Int32] = []
    private var labels: [String] = []
    private var edgesFrom: [Int32] = []
    private var edgesTo: [Int32] = []
    private var goals: [Int32] = []
    private let limit: Int

    init(_ scenario: Scenario, limit: Int) {
        self.scenario = scenario
        self.limit = limit
    }

    /// The same state with the clock set back to the epoch, and without anything that only counts.
    static func canonical(_ node: Node) -> Node {
        var node = node
        let delta = node.world.now - epoch
        node.world.now = epoch
        func back(_ time: UInt64) -> UInt64 { max(time - min(time, delta), epoch - oldest) }
        node.world.machine.progressAt = back(node.world.machine.progressAt)
        node.world.machine.fellAt = node.world.machine.fellAt.map(back)
        node.world.machine.wakeAt = node.world.machine.wakeAt.map(back)
        if case .asleep(let until, let input) = node.world.daemon {
            node.world.daemon = .asleep(until: until.flatMap { $0 > 1 << 30 ? nil : back($0) }, input: input)
        }
        node.world.machine.replyDeadline = epoch + timings.reply
        node.world.machine.counters = TransferCounters()
        node.world.machine.evidence = DriverEvidence()
        node.world.machine.lastToken = 0
        if node.world.machine.owed != nil { node.world.machine.owed = MessageToken(rawValue: 1) }
        if !node.world.machine.reads, node.world.half == .none { node.world.machine.reading = .data }
        node.world.ended = nil
        node.world.host.decision = nil
        if node.world.host.result != nil { node.world.host.received = [] }
        return node
    }

    mutating func run() {
        var configuration = scenario.configuration
        configuration.timings = Self.timings
        var host = scenario.host
        host.pollInterval = 0
        host.timeout = 1 << 40
        var world = World(
            driver: scenario.driver, configuration: configuration,
            host: HostMachine(host, request: scenario.requests[0]), now: Self.epoch)
        if scenario.armed {
            var first = HostConfiguration(.edk2)
            first.pollInterval = 0
            first.timeout = 1 << 40
            world.host = HostMachine(first, request: [0x18, 0x01])
            let result = world.runToRest(responseLength: scenario.responseLength)
            precondition(result == .success(World.answer(to: [0x18, 0x01], length: scenario.responseLength)))
            world.host = HostMachine(host, request: scenario.requests[0])
        }
        let ghost = Ghost(
            ideal: IdealBMC(responseLength: scenario.responseLength), kills: scenario.kills, aborts: scenario.aborts)
        let first = Self.canonical(Node(world: world, ghost: ghost))
        var level: [(Int32, Node)] = []
        _ = add(first, from: -1, "start", &level)
        // Breadth first, so that traces are short.
        while !level.isEmpty, !outcome.truncated {
            var deeper: [(Int32, Node)] = []
            for (id, node) in level { expand(id, node, &deeper) }
            level = deeper
            outcome.truncated = ids.count > limit
        }
        outcome.states = ids.count
        if !outcome.truncated { findStuck() }
    }

    private mutating func add(
        _ node: Node, from parent: Int32, _ label: String, _ stack: inout [(Int32, Node)]
    ) -> Int32 {
        let fingerprint = Fingerprint(node)
        if let id = ids[fingerprint] { return id }
        let id = Int32(ids.count)
        ids[fingerprint] = id
        parents.append(parent)
        labels.append(label)
        stack.append((id, node))
        return id
    }

    /// The steps that lead to a state.
    func trace(to id: Int32) -> [String] {
        var steps: [String] = []
        var at = id
        while at >= 0 {
            steps.append(labels[Int(at)])
            at = parents[Int(at)]
        }
        return steps.reversed()
    }

    private mutating func reach(
        _ id: Int32, _ node: Node, _ label: String, _ stack: inout [(Int32, Node)]
    ) {
        let to = add(Self.canonical(node), from: id, label, &stack)
        edgesFrom.append(id)
        edgesTo.append(to)
    }

    private mutating func expand(_ id: Int32, _ node: Node, _ stack: inout [(Int32, Node)]) {
        if node.world.host.outcome != nil, node.world.host.queue.isEmpty,
            node.ghost.requestIndex == scenario.requests.count - 1
        {
            goals.append(id)
            outcome.finished += 1
        }
        if node.world.interruptIsPending {
            var next = node
            next.world.interrupt()
            reach(id, next, "interrupt", &stack)
        }
        switch node.world.daemon {
        case .running:
            var next = node
            let label = next.world.describeDaemon()
            _ = next.world.daemonStep()
            Window.daemonMoved(from: node.world, to: next.world, &next.ghost)
            checkDelivery(node, next, id)
            reach(id, next, label, &stack)
        case .asleep(let until, _):
            if node.world.inputWakes {
                var next = node
                next.world.wake(input: true)
                reach(id, next, "input", &stack)
            }
            if node.world.delivered != nil {
                var next = node
                next.world.answer(length: scenario.responseLength)
                reach(id, next, "answer", &stack)
            }
            var next = node
            next.world.now += 1
            if let until, next.world.now >= until { next.world.wake(input: false) }
            reach(id, next, "time", &stack)
        }
        hostMoves(id, node, &stack)
    }

    private mutating func hostMoves(_ id: Int32, _ node: Node, _ stack: inout [(Int32, Node)]) {
        var next = node
        let label = step(&next, id)
        reach(id, next, label, &stack)
        if node.ghost.kills > 0, node.world.host.outcome == nil {
            var killed = node
            killed.ghost.kills -= 1
            nextRequest(&killed)
            reach(id, killed, "KILLED", &stack)
        }
        if node.ghost.aborts > 0, node.world.host.outcome == nil {
            var aborting = node
            aborting.ghost.aborts -= 1
            aborting.world.host.abort(now: aborting.world.now)
            reach(id, aborting, "ABORTS", &stack)
        }
    }

    private func nextRequest(_ node: inout Node) {
        guard node.ghost.requestIndex + 1 < scenario.requests.count else { return }
        node.ghost.requestIndex += 1
        node.ghost.sawWrong = false
        let machine = node.world.machine
        if node.ghost.ideal.phase == .idle, machine.phase == .idle, machine.rest == .armed { node.ghost.windows = [] }
        var host = scenario.host
        host.pollInterval = 0
        host.timeout = 1 << 40
        node.world.host = HostMachine(host, request: scenario.requests[node.ghost.requestIndex])
    }

    private mutating func step(_ node: inout Node, _ id: Int32) -> String {
        let parkedBefore = node.world.device.isReadable
        let step = node.world.host.step
        switch node.world.hostStep() {
        case .looked(let status, let decision):
            let label = "H " + String(status.rawValue, radix: 16) + " \(step)"
            guard let decision, decision != node.ghost.ideal.state, !node.ghost.sawWrong else { return label }
            Window.hostLooked(node.world, &node.ghost)
            let mismatch = Mismatch(temperament: scenario.host.temperament, windows: node.ghost.windows)
            if outcome.mismatches[mismatch] == nil { outcome.example[mismatch] = trace(to: id) + [label] }
            outcome.mismatches[mismatch, default: 0] += 1
            node.ghost.sawWrong = true
            return label
        case .readData(let value): return "H reads " + String(value, radix: 16)
        case .waits: return "H waits"
        case .wrote(let value, let command):
            if command { Window.hostCommands(value, parked: parkedBefore, node.world, &node.ghost) }
            node.ghost.ideal.hostWrites(value, command: command)
            return (command ? "H cmd " : "H data ") + String(value, radix: 16)
        case .finished(let result):
            let request = scenario.requests[node.ghost.requestIndex]
            switch result {
            case .success(let bytes):
                let right = World.answer(to: request, length: scenario.responseLength)
                let left = scenario.host.leavesAfter.map { Array(right.prefix($0)) }
                if bytes != right, bytes != left, !node.ghost.sawWrong, node.ghost.windows.isEmpty {
                    if outcome.corrupted == 0 { outcome.odd += ["corrupted \(bytes)"] + trace(to: id) }
                    outcome.corrupted += 1
                }
            case .failure:
                // Who wants IDLE first finds the transfer of a host that left, as it is.
                let foundTransfer = node.world.host.written == 0 && node.ghost.ideal.state != .idle
                if !node.ghost.sawWrong, node.ghost.windows.isEmpty, !foundTransfer {
                    if outcome.failuresWithoutWrongState == 0 { outcome.odd += ["failed"] + trace(to: id) }
                    outcome.failuresWithoutWrongState += 1
                }
            }
            nextRequest(&node)
            return "H done"
        }
    }

    private mutating func checkDelivery(_ before: Node, _ after: Node, _ id: Int32) {
        guard let request = after.world.delivered, before.world.delivered == nil else { return }
        if !scenario.requests.contains(request), !after.ghost.sawWrong, after.ghost.windows.isEmpty {
            if outcome.invented == 0 { outcome.odd += ["invented \(request)"] + trace(to: id) }
            outcome.invented += 1
        }
    }

    /// Counts the states from which the last request can no longer end.
    private mutating func findStuck() {
        let count = ids.count
        var heads = [Int32](repeating: -1, count: count)
        var links = [Int32](repeating: -1, count: edgesTo.count)
        for edge in edgesTo.indices {
            let to = Int(edgesTo[edge])
            links[edge] = heads[to]
            heads[to] = Int32(edge)
        }
        var seen = [Bool](repeating: false, count: count)
        var stack = goals
        for goal in goals { seen[Int(goal)] = true }
        while let node = stack.popLast() {
            var edge = heads[Int(node)]
            while edge >= 0 {
                let from = edgesFrom[Int(edge)]
                if !seen[Int(from)] {
                    seen[Int(from)] = true
                    stack.append(from)
                }
                edge = links[Int(edge)]
            }
        }
        outcome.stuck = seen.lazy.filter { !$0 }.count
        if let first = seen.firstIndex(of: false) { outcome.odd += ["stuck"] + trace(to: Int32(first)) }
    }
}
