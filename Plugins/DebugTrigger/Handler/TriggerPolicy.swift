// SPDX-License-Identifier: Apache-2.0

/// Decides what each byte of the host CPU means: nothing, a step of the arming sequence, or a trigger. A value without
/// clock, log or kcsmuxd; deciding allocates nothing.
public struct TriggerPolicy {
    /// What an operator allows.
    public struct Rules {
        /// Bytes that trigger, each once.
        public var keys: [UInt8]
        /// Bytes that must have come, in this order and with no other between, before a trigger is accepted; at most
        /// `longestArm`, none of them a key. Empty: always armed.
        public var arm: [UInt8]
        /// Nanoseconds from each byte of the sequence to the next, and from the last to the trigger.
        public var armWindow: UInt64
        /// Nanoseconds after a trigger in which the same key is refused.
        public var cooldown: UInt64
        /// Triggers in any 3600 s, all keys together; 0: no limit.
        public var maximumPerHour: Int
        /// Do bytes of the command port count like those of the data port?
        public var acceptsCommands: Bool

        /// Rules as the options give them.
        public init(
            keys: [UInt8], arm: [UInt8] = [], armWindow: UInt64 = 5_000_000_000, cooldown: UInt64 = 0,
            maximumPerHour: Int = 0, acceptsCommands: Bool = false
        ) {
            self.keys = keys
            self.arm = arm
            self.armWindow = armWindow
            self.cooldown = cooldown
            self.maximumPerHour = maximumPerHour
            self.acceptsCommands = acceptsCommands
        }
    }

    /// What a byte means.
    public enum Verdict: Equatable, Sendable {
        /// Neither a key nor part of the arming sequence.
        case unknown
        /// It came through the command port, which does not count.
        case command
        /// The next byte of the arming sequence, or its first again.
        case arming
        /// The arming sequence is complete.
        case armed
        /// Run what belongs to this key, by its index in `keys`, and say `finished` afterwards.
        case trigger(Int)
        /// A key that may not trigger now.
        case refused(Int, Refusal)
    }

    /// Why a key may not trigger.
    public enum Refusal: Int, CaseIterable, Sendable {
        /// The arming sequence did not precede it in time.
        case notArmed
        /// What an earlier trigger started is still running.
        case busy
        /// The same key triggered a short time ago.
        case cooldown
        /// There were too many in the hour before.
        case limit
    }

    /// The longest arming sequence, in bytes.
    public static let longestArm = 16
    private static let hour: UInt64 = 3_600_000_000_000

    /// What a byte can be. `positions` has bit i set where the arming sequence's byte i is this one.
    private struct Meaning {
        var positions: UInt16
        var key: Int16
    }

    private let meanings: InlineArray<256, Meaning>
    private let completed: UInt16
    private let armWindow: UInt64
    private let cooldown: UInt64
    private let acceptsCommands: Bool

    /// Bit i: the bytes up to now end with the arming sequence's first i + 1 bytes.
    private var matched: UInt16 = 0
    /// When the latest byte of a match came.
    private var matchedAt: UInt64 = 0
    private var isArmed = false
    /// When the sequence was complete. Its own time, so that the beginning of another sequence prolongs nothing.
    private var armedAt: UInt64 = 0
    private var isRunning = false
    /// For each key: when it triggered.
    private var latest: [UInt64?]
    /// The times of the last triggers, as many as an hour may have: a ring.
    private var history: [UInt64?]
    private var oldest = 0

    /// A policy that has seen nothing. Keys are distinct, and none of them is in the arming sequence.
    public init(_ rules: Rules) {
        precondition(rules.arm.count <= Self.longestArm, "the arming sequence is too long")
        var meanings = InlineArray<256, Meaning>(repeating: Meaning(positions: 0, key: -1))
        for (index, byte) in rules.arm.enumerated() { meanings[Int(byte)].positions |= 1 << UInt16(index) }
        for (index, key) in rules.keys.enumerated() {
            precondition(meanings[Int(key)].key < 0, "a key is there twice")
            precondition(meanings[Int(key)].positions == 0, "a key is part of the arming sequence")
            meanings[Int(key)].key = Int16(index)
        }
        self.meanings = meanings
        completed = rules.arm.isEmpty ? 0 : 1 << UInt16(rules.arm.count - 1)
        armWindow = rules.armWindow
        cooldown = rules.cooldown
        acceptsCommands = rules.acceptsCommands
        latest = Array(repeating: nil, count: rules.keys.count)
        history = Array(repeating: nil, count: max(rules.maximumPerHour, 0))
    }

    /// Judges a byte. `isCommand` is its C/D; `now` never goes back.
    public mutating func judge(_ byte: UInt8, isCommand: Bool, now: UInt64) -> Verdict {
        if isCommand && !acceptsCommands { return .command }
        let meaning = meanings[Int(byte)]
        if completed != 0 { follow(meaning.positions, now: now) }
        guard meaning.key < 0 else { return judgeKey(Int(meaning.key), now: now) }
        guard meaning.positions != 0, matched != 0 else { return .unknown }
        return matched & completed != 0 ? .armed : .arming
    }

    /// What the last trigger started has ended.
    public mutating func finished() { isRunning = false }

    /// The host CPU starts anew: what it had armed is void. Cooldown and limit are not: they protect the BMC.
    public mutating func disarm() {
        matched = 0
        isArmed = false
    }

    /// Advances every partial match at once (the shift-and algorithm): a sequence that begins anew inside a broken one
    /// is found too.
    private mutating func follow(_ positions: UInt16, now: UInt64) {
        if isArmed && now - armedAt > armWindow { isArmed = false }
        if matched != 0 && now - matchedAt > armWindow { matched = 0 }
        matched = (matched << 1 | 1) & positions
        guard matched != 0 else { return }
        matchedAt = now
        guard matched & completed != 0 else { return }
        isArmed = true
        armedAt = now
    }

    private mutating func judgeKey(_ key: Int, now: UInt64) -> Verdict {
        if completed != 0 {
            guard isArmed else { return .refused(key, .notArmed) }
            disarm()
        }
        if isRunning { return .refused(key, .busy) }
        if let time = latest[key], now - time < cooldown { return .refused(key, .cooldown) }
        if !history.isEmpty {
            if let time = history[oldest], now - time < Self.hour { return .refused(key, .limit) }
            history[oldest] = now
            oldest = oldest + 1 == history.count ? 0 : oldest + 1
        }
        latest[key] = now
        isRunning = true
        return .trigger(key)
    }
}
