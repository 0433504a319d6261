// SPDX-License-Identifier: Apache-2.0

/// What the bytes say about a driver that is another than the one that was configured.
public enum DriverDoubt: Hashable, Sendable {
    /// The handshake is strict, and IBF stays set until a byte is read: each byte is only read after a time-out.
    case keepsInput
    /// The handshake is fast, and the driver takes IDR by itself: hosts look at STATE before it is right, and give up.
    case takesInput
}

/// Counts what cannot happen again and again with the driver that a handshake is for.
struct DriverEvidence: Hashable {
    /// Strict: a byte that was read although its host had not moved for `TransferTimings.unclean`.
    private enum Released: Hashable {
        case none
        case read(at: UInt64)
        /// Nothing was behind it.
        case alone(at: UInt64)
    }

    private var released = Released.none
    /// What speaks for the other driver, less what speaks against it.
    private var weight = 0

    private static let enough = 96
    private static let sign = 32

    /// Three signs at least, with little against them, are no chance.
    private(set) var isEnough = false

    private mutating func add(_ change: Int) {
        weight = max(weight + change, 0)
        if weight >= Self.enough { isEnough = true }
    }

    // MARK: Strict

    mutating func release(now: UInt64) { released = .read(at: now) }

    /// A look while nothing is parked. A host that waited for IBF to fall goes on at once.
    mutating func looked(hasInput: Bool, now: UInt64, atOnce: UInt64) {
        switch released {
        case .none: break
        case .read(let at): released = hasInput ? .none : .alone(at: at)
        case .alone(let at) where hasInput:
            if now &- at <= atOnce { add(Self.sign) }
            released = .none
        case .alone: break
        }
    }

    /// A byte lay parked until the transfer was given up, and its host did not read what stood in ODR.
    mutating func hostStoodStill() { add(Self.sign) }

    /// A byte lies behind a parked one: the driver takes IDR, as it should.
    mutating func sawByteBehind() { add(-Self.sign) }

    // MARK: Fast

    /// A host began anew, or to recover, in the middle of a request.
    mutating func hostGaveUp() { add(Self.sign) }

    /// A request came as a whole.
    mutating func requestCame() { add(-1) }
}

extension TransferMachine {
    /// Whether the driver seems to be another than the handshake is for.
    public var driverDoubt: DriverDoubt? {
        guard evidence.isEnough else { return nil }
        return handshake == .strict ? .keepsInput : .takesInput
    }
}
