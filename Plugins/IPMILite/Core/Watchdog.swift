// SPDX-License-Identifier: Apache-2.0
import Common

/// The watchdog timer (IPMI 2.0 §27). Time is monotonic nanoseconds.
struct Watchdog: Equatable {
    enum Event: Equatable {
        /// The pre-timeout interval began; 1 SMI, 2 NMI, 3 messaging interrupt.
        case preTimeout(interrupt: UInt8)
        /// The countdown ends later than it would have: for so long nobody looked that the host could not be heard.
        case postponed
        /// The countdown reached zero; 0 nothing, 1 hard reset, 2 power down, 3 power cycle.
        case expired(action: UInt8)
    }

    static let tick: UInt64 = 100_000_000
    /// What a host has at least, after nobody could hear it: time for its next reset, the whole countdown if that is shorter.
    static let grace: UInt64 = 30_000_000_000

    /// Bit 7 don't log, 2:0 use. Bit 6 is not kept: it belongs to one Set command.
    private(set) var use: UInt8 = 0
    private(set) var actions: UInt8 = 0
    private(set) var preTimeout: UInt8 = 0
    private(set) var expirationFlags: UInt8 = 0
    private(set) var initial: UInt16 = 0
    private(set) var configured = false
    private(set) var running = false
    private var deadline: UInt64 = 0
    // What Get reports while the timer stands still.
    private var held: UInt16 = 0
    private var preTimeoutDone = false
    // Once a countdown, so that one that is always looked at late ends nevertheless.
    private var isPostponed = false
    /// The action of the last expiry, while its flag is set.
    private var lastAction: UInt8 = 0

    /// The states of the watchdog's sensor: 0 expired, 1 hard reset, 2 power down, 3 power cycle.
    var states: UInt16 { expirationFlags == 0 ? 0 : 1 << UInt16(lastAction) }

    var logs: Bool { use & 0x80 == 0 }
    var timerUse: UInt8 { use & 7 }
    private var interrupt: UInt8 { actions >> 4 & 7 }

    /// Set Watchdog Timer. False if a field is invalid; nothing changes then.
    mutating func set(
        use: UInt8, actions: UInt8, preTimeout: UInt8, clear: UInt8, countdown: UInt16, now: UInt64
    ) -> Bool {
        guard use & 7 >= 1, use & 7 <= 5, use & 0x38 == 0 else { return false }
        guard actions & 0x88 == 0, actions & 7 <= 3, actions >> 4 <= 3 else { return false }
        guard actions >> 4 == 0 || UInt32(preTimeout) * 10 <= UInt32(countdown) else { return false }
        let keepRunning = use & 0x40 != 0 && running
        self.use = use & 0x87
        self.actions = actions
        self.preTimeout = preTimeout
        expirationFlags &= ~clear
        initial = countdown
        held = countdown
        configured = true
        running = keepRunning
        preTimeoutDone = false
        isPostponed = false
        if keepRunning { deadline = now + UInt64(countdown) * Watchdog.tick }
        return true
    }

    /// Reset Watchdog Timer: starts the countdown from its initial value. False if it was never set.
    mutating func reset(now: UInt64) -> Bool {
        guard configured else { return false }
        running = true
        preTimeoutDone = false
        isPostponed = false
        deadline = now + UInt64(initial) * Watchdog.tick
        return true
    }

    /// Stops without any action, as a reset of the controller does.
    mutating func stop() { self = Watchdog() }

    /// The countdown now, in 100 ms, rounded up.
    func present(now: UInt64) -> UInt16 {
        guard running else { return held }
        guard deadline > now else { return 0 }
        return UInt16(clamping: (deadline - now + Watchdog.tick - 1) / Watchdog.tick)
    }

    /// When `poll` is to be called next.
    var wake: UInt64? {
        guard running else { return nil }
        return interrupt != 0 && !preTimeoutDone ? preTimeoutAt : deadline
    }

    private var preTimeoutAt: UInt64 {
        let before = UInt64(preTimeout) * 1_000_000_000
        return deadline > before ? deadline - before : 0
    }

    /// The host could not be heard until now: it gets its grace. False if it has that much anyway.
    mutating func postpone(now: UInt64) -> Bool {
        let end = now + min(UInt64(initial) * Watchdog.tick, Watchdog.grace)
        guard running, deadline < end else { return false }
        deadline = end
        return true
    }

    /// What has become due, the earlier first; nil if nothing has.
    mutating func poll(now: UInt64) -> Event? {
        guard running, let due = wake, now >= due else { return nil }
        if !isPostponed, now - due > Watchdog.tick {
            // Not looked at in time: the host's reset may wait to be read, and it may have been unable to send one.
            isPostponed = true
            if now - due > 10 * Watchdog.tick {
                if postpone(now: now) { return .postponed }
            } else if due == deadline {
                deadline = now + Watchdog.tick
                return nil
            }
        }
        if interrupt != 0 && !preTimeoutDone && now >= preTimeoutAt {
            preTimeoutDone = true
            return .preTimeout(interrupt: interrupt)
        }
        guard now >= deadline else { return nil }
        running = false
        held = 0
        expirationFlags |= 1 << timerUse
        lastAction = actions & 3
        return .expired(action: actions & 7)
    }

    /// The state in 20 bytes; the deadline is monotonic time, which goes on while the daemon restarts.
    var snapshot: [UInt8] {
        var bytes: [UInt8] = [
            use, actions, preTimeout, expirationFlags, UInt8(initial & 0xFF), UInt8(initial >> 8),
            UInt8(held & 0xFF), UInt8(held >> 8),
            (configured ? 1 : 0) | (running ? 2 : 0) | (preTimeoutDone ? 4 : 0), lastAction, 0, 0,
        ]
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: deadline >> UInt64(8 * shift))) }
        return bytes
    }

    static let snapshotSize = 20

    /// The state from `snapshot`; nil if it is not one.
    init?(snapshot bytes: ArraySlice<UInt8>) {
        let bytes = [UInt8](bytes)
        guard bytes.count == Watchdog.snapshotSize, bytes[0] & 0x78 == 0, bytes[8] <= 7 else { return nil }
        use = bytes[0]
        actions = bytes[1]
        preTimeout = bytes[2]
        expirationFlags = bytes[3]
        initial = UInt16(bytes[4]) | UInt16(bytes[5]) << 8
        held = UInt16(bytes[6]) | UInt16(bytes[7]) << 8
        configured = bytes[8] & 1 != 0
        running = bytes[8] & 2 != 0
        preTimeoutDone = bytes[8] & 4 != 0
        lastAction = bytes[9] & 3
        for index in 0..<8 { deadline |= UInt64(bytes[12 + index]) << UInt64(8 * index) }
        // A deadline further away than any countdown is not from this boot.
        guard configured || !running else { return nil }
    }

    init() {}
}
