// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

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
    /// `messages`, of hosts that look for IDLE before they begin: the channel shows IDLE between transfers unless it is
    /// configured not to. Declare `messages`.
    case messagesFromIdle = 0x103
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

/// What `start` is given.
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
