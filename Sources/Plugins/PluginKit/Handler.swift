// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// A protocol handler: one instance for each place in kcsmuxd's configuration that names the plugin. Subclass it, override
/// what you need, and hand its maker to `Plugin.create` in the plugin's entry.
///
/// Every method is called on the loop's thread and returns soon: nothing in it may block. The order is `init`, `start`,
/// any of the events, `stop`, `deinit`. Registers and replies work from `start` to `stop`.
open class Handler {
    /// What kcsmuxd offers to this instance.
    public let host: Host

    /// Closures given to kcsmuxd whose call is still to come.
    let pending = PendingCalls()

    /// An instance that is not started. Read the options here; open nothing that `stop` would have to close.
    public init(host: Host) { self.host = host }

    /// The device is open. Answers the kind of input that this instance wants.
    open func start(_ info: StartInfo) throws(HandlerError) -> Input {
        throw HandlerError("start is not implemented")
    }

    /// The device is about to close.
    open func stop(_ reason: Reason) {}

    /// Input `.automatic`: a byte that the host CPU wrote, with STR as it was read with it. C/D in `str` tells the port.
    open func data(_ value: UInt8, str: STR, now: UInt64) {}

    /// Input `.manual`: there is a byte in IDR; take it with `host.readIDR()`. Not told again until it was taken.
    open func inputReady(str: STR, now: UInt64) {}

    /// OBF is clear, after `host.wantOutput`.
    open func outputReady(str: STR, now: UInt64) {}

    /// Input `.messages`: a whole request, NetFn/LUN, command and data. `bytes` is valid during the call only.
    open func message(_ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64) -> Disposition { .declined }

    /// The operator reset the channel, or the host CPU was reset: forget what was under way with it.
    open func reset(now: UInt64) {}

    /// Tells figures for the status display.
    open func stats(_ stats: Stats) {}
}

/// Why an instance cannot start. The text goes into kcsmuxd's log.
public struct HandlerError: Error {
    /// Subject, rule and offending value in one sentence.
    public let text: String

    /// An error in words.
    public init(_ text: String) { self.text = text }
}

/// The kind of input that an instance wants from `start` on.
public enum Input: Int32, Sendable {
    /// None: the device is left alone.
    case none = 0
    /// kcsmuxd reads IDR at once and calls `data`.
    case automatic = 1
    /// kcsmuxd calls `inputReady`, and the handler reads IDR when it likes.
    case manual = 2
    /// kcsmuxd runs KCS transfers and calls `message`.
    case messages = 3
}

/// What a handler says to a message.
public enum Disposition: Int32, Sendable {
    /// Not mine: the next handler is asked.
    case declined = 0
    /// Mine; the reply was given during the call, or there is none.
    case handled = 1
    /// Mine; the reply comes later.
    case pending = 2
}

/// Why an instance starts or stops.
public struct Reason: RawRepresentable, Equatable, Sendable {
    /// `KCS_REASON_*`.
    public let rawValue: UInt32
    /// A reason by its number; later hosts may know more.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// kcsmuxd started.
    public static let boot = Reason(rawValue: 0)
    /// The channel's configuration changed.
    public static let reload = Reason(rawValue: 1)
    /// An operator asked for it, or the device came back.
    public static let restart = Reason(rawValue: 2)
    /// The life before ended in a failure.
    public static let crash = Reason(rawValue: 3)
    /// It stops, and does not come back by itself.
    public static let stop = Reason(rawValue: 4)
}

/// What a channel's device gives.
public struct Capabilities: OptionSet, Sendable {
    /// `KCS_CAP_*`.
    public let rawValue: UInt32
    /// Capabilities by their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes that the host CPU writes.
    public static let dataIn = Capabilities(rawValue: 0x01)
    /// ODR can be written.
    public static let dataOut = Capabilities(rawValue: 0x02)
    /// STR can be read and written.
    public static let status = Capabilities(rawValue: 0x04)
    /// Whole KCS transfers.
    public static let messages = Capabilities(rawValue: 0x08)
    /// SMS_ATN can be set and cleared.
    public static let attention = Capabilities(rawValue: 0x10)
    /// IBF is clear before a handler sees the byte.
    public static let earlyIBF = Capabilities(rawValue: 0x20)
    /// The news that OBF was cleared may be late or lost.
    public static let outputLags = Capabilities(rawValue: 0x40)
    /// Memory shared with the host CPU is configured.
    public static let window = Capabilities(rawValue: 0x80)
}

/// What `start` is told.
public struct StartInfo {
    /// What the channel's device gives.
    public let capabilities: Capabilities
    /// Why it starts.
    public let reason: Reason
    /// Bytes that were there at open and were thrown away: 0 to 2.
    public let staleBytes: Int
    /// The channel's name.
    public let channel: String
    /// A folder for files of this channel; make it, and its parents, when first needed.
    public let stateFolder: String

    init(_ info: kcs_start) {
        capabilities = Capabilities(rawValue: info.capabilities)
        reason = Reason(rawValue: info.reason)
        staleBytes = Int(info.stale_bytes)
        channel = String(cString: info.channel)
        stateFolder = String(cString: info.state_folder)
    }
}

/// The status register as a handler sees it (IPMI 2.0 §9.7).
public struct STR: OptionSet, Sendable {
    /// The register's eight bits.
    public let rawValue: UInt8
    /// STR by its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The host CPU has not read ODR yet.
    public static let obf = STR(rawValue: 0x01)
    /// The host CPU has written IDR.
    public static let ibf = STR(rawValue: 0x02)
    /// The BMC wants attention.
    public static let smsAttention = STR(rawValue: 0x04)
    /// The host CPU's last write went to the command port.
    public static let command = STR(rawValue: 0x08)
    /// Free for the protocol.
    public static let oem1 = STR(rawValue: 0x10)
    /// Free for the protocol.
    public static let oem2 = STR(rawValue: 0x20)
    /// Both bits of STATE.
    public static let state = STR(rawValue: 0xC0)
}
