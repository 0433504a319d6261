// SPDX-License-Identifier: Apache-2.0

/// Whose habits a simulated host has.
public enum HostTemperament: Equatable, Hashable, Sendable, CaseIterable {
    /// The kernel's ipmi_si: one look at STR for each step, error recovery through GET_STATUS/ABORT, ten retries.
    case linux
    /// FreeIPMI's in-band driver, the strictest: STATE is looked at once, the instant IBF falls; no abort, no retry;
    /// the dummy behind the response is required.
    case freeipmi
    /// EDK II's KCS library: wants IDLE before it begins, polls each millisecond, aborts and starts again a few times, may
    /// leave before the dummy.
    case edk2
    /// EDK II's ManageabilityPkg: the same, but a request that finds another STATE than it wants is over: no abort, no retry.
    case manageability
}

/// The one access that a host makes next.
public enum HostAction: Equatable, Hashable, Sendable {
    /// Read the status port, then call ``HostMachine/statusRead(_:now:)``.
    case readStatus
    /// Read the data port, then call ``HostMachine/dataRead(_:)``.
    case readData
    /// Write the data port.
    case writeData(UInt8)
    /// Write the command port.
    case writeCommand(UInt8)
    /// Nothing until then.
    case wait(until: UInt64)
    /// The request is over.
    case finished(HostResult)
}

/// How a request ended for the host.
public enum HostResult: Equatable, Hashable, Sendable {
    /// The response, NetFn/LUN and completion code included.
    case success([UInt8])
    /// No response.
    case failure(HostFailure)
}

/// Why a host has no response.
public enum HostFailure: Equatable, Hashable, Sendable {
    /// The status port reads FF: there is no device.
    case absent
    /// STATE was not what the step of the protocol asks for, and there is no retry (left).
    case wrongState(KCSState)
    /// IBF stayed set.
    case inputStuck
    /// OBF stayed clear.
    case noOutput
}

/// What a host machine is made with.
public struct HostConfiguration: Equatable, Hashable, Sendable {
    /// Whose habits.
    public var temperament: HostTemperament
    /// The pause between two looks at STR while the host waits, in nanoseconds; 0 looks again at once.
    public var pollInterval: UInt64
    /// How long IBF may stay set, or OBF clear, in nanoseconds.
    public var timeout: UInt64
    /// How many times a transfer is begun again after an error.
    public var retries: Int
    /// EDK II's old fault: leave when so many bytes of the response were read, before READ is written for the last.
    public var leavesAfter: Int?
    /// Does not read ODR before it writes.
    public var ignoresOutput = false
    /// Wants IDLE before it begins.
    public var wantsIdle: Bool

    /// The habits of a temperament.
    public init(_ temperament: HostTemperament) {
        self.temperament = temperament
        wantsIdle = temperament == .edk2 || temperament == .manageability
        switch temperament {
        case .linux: (pollInterval, timeout, retries) = (100_000, 5_000_000_000, 10)
        case .freeipmi: (pollInterval, timeout, retries) = (1_000, 60_000_000_000, 0)
        case .edk2: (pollInterval, timeout, retries) = (1_000_000, 5_000_000_000, 3)
        case .manageability: (pollInterval, timeout, retries) = (1_000_000, 5_000_000_000, 0)
        }
    }
}

/// The host's side of one IPMI-style KCS request. Like ``TransferMachine``, it does no I/O.
public struct HostMachine: Hashable, Sendable {
    /// Where the request is. Each case but the last is a look at STR that is to be made.
    enum Step: Hashable {
        // All: the write phase. `clear…` and `check…` are FreeIPMI's, which looks once for each question.
        case start
        case clearBeforeStart
        case afterStart
        case checkAfterStart
        case beforeByte
        case clearBeforeByte
        case afterByte
        case checkAfterByte
        case clearAfterByte
        case afterEnd
        case checkAfterEnd
        case clearAfterEnd
        // All: the read phase.
        case afterLast
        case checkAfterLast
        case waitForOutput
        case afterRead
        case checkAfterRead
        case waitForDummy
        // Linux and EDK II: error recovery.
        case error0
        case error1
        case error2
        case error3
        case done
    }

    let configuration: HostConfiguration
    let request: [UInt8]
    var step = Step.start
    /// How many bytes of the request were written.
    var written = 0
    var received: [UInt8] = []
    /// Whether the byte that is being read belongs to the response.
    var keeps = false
    var queue: [HostAction] = []
    var deadline: UInt64?
    var errorDeadline: UInt64 = 0
    var pause: UInt64?
    var errors = 0
    var result: HostResult?
    /// The state that the last look decided on, if it decided on one; for tests.
    var decision: KCSState?

    /// A host that is about to send `request`, which is not empty.
    public init(_ configuration: HostConfiguration, request: [UInt8]) {
        precondition(!request.isEmpty, "a request has a byte at least")
        self.configuration = configuration
        self.request = request
    }

    /// How many times the host had to recover from an error so far.
    public var recoveries: Int { errors }

    /// How the request ended, once it has.
    public var outcome: HostResult? { result }

    /// The next access.
    public mutating func next(now: UInt64) -> HostAction {
        if !queue.isEmpty { return queue.removeFirst() }
        if let result { return .finished(result) }
        if let pause, now < pause { return .wait(until: pause) }
        pause = nil
        return .readStatus
    }

    /// The data port was read.
    public mutating func dataRead(_ value: UInt8) {
        if keeps { received.append(value) }
        keeps = false
        if let limit = configuration.leavesAfter, received.count >= limit, step == .afterRead {
            queue.removeAll()
            result = .success(received)
        }
    }

    /// The status port was read.
    public mutating func statusRead(_ status: StatusRegister, now: UInt64) {
        decision = nil
        if result != nil || !queue.isEmpty { return }
        if status.rawValue == 0xFF {
            fail(.absent)
            return
        }
        switch configuration.temperament {
        case .linux: linuxStatus(status, now)
        case .freeipmi: freeIPMIStatus(status, now)
        case .edk2, .manageability: edk2Status(status, now)
        }
    }

    /// The host gives the transfer up and recovers, as after a time-out of its own. Hosts without retries just end.
    public mutating func abort(now: UInt64) {
        if result != nil { return }
        queue.removeAll()
        pause = nil
        keeps = false
        recover(.noOutput, now)
    }
}

extension HostMachine {
    mutating func fail(_ reason: HostFailure) {
        step = .done
        result = .failure(reason)
    }

    mutating func succeed() {
        step = .done
        result = .success(received)
    }

    /// Waits for the next look. False when the time for it is over.
    mutating func poll(_ now: UInt64) -> Bool {
        let end = deadline ?? now &+ configuration.timeout
        deadline = end
        if now >= end { return false }
        if configuration.pollInterval > 0 { pause = now &+ configuration.pollInterval }
        return true
    }

    mutating func go(_ next: Step) {
        step = next
        deadline = nil
    }

    /// Reads ODR and throws the byte away, if there is one.
    mutating func clearOutput(_ status: StatusRegister) {
        if status.contains(.obf), !configuration.ignoresOutput { queue.append(.readData) }
    }

    /// STATE decides what the host does now.
    mutating func decide(_ status: StatusRegister) -> KCSState {
        decision = status.state
        return status.state
    }

    /// Begins the error recovery of Linux and EDK II, unless there were too many errors.
    mutating func recover(_ reason: HostFailure, _ now: UInt64) {
        if errors == configuration.retries {
            fail(reason)
            return
        }
        errors += 1
        errorDeadline = now &+ 2_000_000_000
        go(.error0)
    }

    /// Begins the request anew.
    mutating func restart() {
        written = 0
        received.removeAll()
        go(.start)
    }

    mutating func writeNext() {
        queue.append(.writeData(request[written]))
        written += 1
    }

    mutating func readAndAcknowledge(keep: Bool) {
        keeps = keep
        queue.append(.readData)
        queue.append(.writeData(ControlCode.read))
    }
}
