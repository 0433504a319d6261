// SPDX-License-Identifier: Apache-2.0

/// What can go wrong in a soak.
public enum SoakFault: String, CaseIterable, Sendable {
    /// The interrupt of a byte is not raised: whoever polls next sees it.
    case lost
    /// The interrupt of a byte is late.
    case delayed
    /// The BMC's side is woken when there is nothing.
    case spurious
    /// The interrupt that the host's read of ODR raises is lost or late, as where OBE has none.
    case obe
    /// The host writes whatever IBF says.
    case ibf
    /// The host forgets what it was doing, at any access, and begins anew.
    case reset
    /// The host does nothing for a while, at any access.
    case stall
    /// The device is taken away, at any access, and comes back later.
    case vanish

    /// What the command's help says of it.
    public static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// Faults by their names, separated by commas; `all`, or `none`.
    public static func list(_ text: String) throws(CommandWord.Malformed) -> Set<SoakFault> {
        if text == "all" { return Set(allCases) }
        if text == "none" { return [] }
        var faults: Set<SoakFault> = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let fault = SoakFault(rawValue: String(name)) else {
                throw CommandWord.Malformed(description: "'\(name)' is not a fault: any of \(names); all, or none")
            }
            faults.insert(fault)
        }
        return faults
    }
}

/// What answers on the BMC's side.
public enum SoakKind: String, CaseIterable, Sendable {
    /// Each data byte is answered by one, exclusive-ored with a constant that the soak finds out.
    case echo
    /// IPMI messages in KCS transfers.
    case ipmi
}

/// How to soak.
public struct SoakSettings: Sendable {
    /// What all that is done follows from.
    public var seed: UInt64
    /// For how long, in nanoseconds.
    public var duration: UInt64
    /// What may go wrong.
    public var faults: Set<SoakFault> = Set(SoakFault.allCases)
    /// What answers; nil to find out.
    public var kind: SoakKind?
    /// The exchange of each device to begin with.
    public var first: UInt64 = 0
    /// How long the BMC may take for an answer, in nanoseconds.
    public var timeout: UInt64 = 5_000_000_000
    /// How often a device vanishes, on the average, in nanoseconds.
    public var vanishEvery: UInt64 = 20_000_000_000
    /// How long it may take until the BMC has a device open that came back, in nanoseconds.
    public var reopen: UInt64 = 90_000_000_000

    /// A soak with every fault.
    public init(seed: UInt64, duration: UInt64) {
        self.seed = seed
        self.duration = duration
    }
}

/// What a soak did and found, for one device or for several.
public struct SoakCounts: Equatable, Sendable {
    /// Exchanges begun.
    public var exchanges = 0
    /// Answers that were compared with what they should be: bytes, or messages.
    public var checked = 0
    /// Transfers that the host had to repeat.
    public var recoveries = 0
    /// Interrupts lost, late, and raised for nothing.
    public var interrupts = (lost: 0, delayed: 0, spurious: 0)
    /// Times that the host ignored IBF, was reset, stood still; that the device vanished.
    public var ignoredIBF = 0
    /// Times that the host was reset.
    public var resets = 0
    /// Times that the host stood still.
    public var stalls = 0
    /// Times that the device vanished.
    public var vanished = 0
    /// Bytes that the model of the driver lost, because the host overwrote them in IDR.
    public var overwritten = 0
    /// Answers that the host gave up by its reset, or that went with the device.
    public var abandoned = 0

    /// Nothing yet.
    public init() {}

    /// Field by field.
    public static func == (one: SoakCounts, other: SoakCounts) -> Bool {
        one.exchanges == other.exchanges && one.checked == other.checked && one.recoveries == other.recoveries
            && one.interrupts == other.interrupts && one.ignoredIBF == other.ignoredIBF && one.resets == other.resets
            && one.stalls == other.stalls && one.vanished == other.vanished && one.overwritten == other.overwritten
            && one.abandoned == other.abandoned
    }

    /// The sum of two devices' counts.
    public static func + (one: SoakCounts, other: SoakCounts) -> SoakCounts {
        var sum = one
        sum.exchanges += other.exchanges
        sum.checked += other.checked
        sum.recoveries += other.recoveries
        sum.interrupts.lost += other.interrupts.lost
        sum.interrupts.delayed += other.interrupts.delayed
        sum.interrupts.spurious += other.interrupts.spurious
        sum.ignoredIBF += other.ignoredIBF
        sum.resets += other.resets
        sum.stalls += other.stalls
        sum.vanished += other.vanished
        sum.overwritten += other.overwritten
        sum.abandoned += other.abandoned
        return sum
    }

    /// What was done, in words.
    public var work: String { "\(exchanges) exchanges, \(checked) answers checked, \(recoveries) recoveries" }

    /// The faults, in words.
    public var faults: String {
        "interrupts \(interrupts.lost) lost, \(interrupts.delayed) late, \(interrupts.spurious) for nothing; "
            + "IBF ignored \(ignoredIBF) times; \(resets) resets, \(stalls) stalls; vanished \(vanished) times"
    }

    /// What was lost, in words.
    public var losses: String {
        "\(overwritten) bytes overwritten in IDR, \(abandoned) answers given up with a reset or a vanished device"
    }
}

/// What a BMC did wrong, and where in the soak.
public struct SoakFailure: Error, CustomStringConvertible, Sendable {
    /// The device.
    public let directory: String
    /// The exchange: `SoakSettings.first` to begin there.
    public let exchange: UInt64
    /// The sentence.
    public let reason: String

    /// Where and what.
    public var description: String { "\(directory): exchange \(exchange): \(reason)" }
}
