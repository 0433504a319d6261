// SPDX-License-Identifier: Apache-2.0

/// What a record of the flight recorder says. The numbers are part of the ring's and of the pcapng record's format:
/// they are never given a new meaning.
public enum RecordKind: UInt8, Sendable {
    /// IDR read: value, STR, flags (1 stale, 2 STR is there, 12 `HostPort`).
    case idrRead = 1
    /// STR read, and different from what was known of it, OBF of a write of ODR included: STR.
    case strRead = 2
    /// ODR written: value.
    case odrWrite = 3
    /// STR written: value, mask.
    case strWrite = 4
    /// STR and ODR written in one step: ODR value, STR value, mask.
    case odrAndSTRWrite = 5
    /// *Replace*: as `odrAndSTRWrite`, OBF having been cleared first; the host lost an unread byte.
    case replaced = 6
    /// An access that was not made: what, value, reason.
    case refused = 7
    /// A byte of the host that no handler saw: value, STR, reason.
    case hostByteDropped = 8
    /// The host does not read ODR: STR.
    case obfStallBegan = 9
    /// The host read ODR after a stall: STR.
    case obfStallEnded = 10

    /// Device opened: number of stale bytes.
    case deviceOpened = 16
    /// Device closed.
    case deviceClosed = 17
    /// Channel reset.
    case deviceReset = 18
    /// The device failed: errno, two bytes.
    case deviceFailed = 19
    /// A handler started: its place in the list, reason.
    case handlerStarted = 20
    /// A handler stopped: its place in the list.
    case handlerStopped = 21

    /// A whole message; its bytes follow.
    case message = 64
    /// A handler's annotation; bytes and text follow.
    case annotation = 65
    /// A handler failed; text follows.
    case handlerFailed = 66
    /// The wall clock was set: old and new offset follow.
    case clockStep = 67
    /// Capture records were lost: count follows.
    case recordsLost = 68
    /// A process took the ring over: its number and start reason follow.
    case lifeBegan = 69

    /// Eight more bytes of the record before.
    case continuation = 127

    /// Are there continuation records?
    var isBlock: Bool { rawValue >= 64 && self != .continuation }
}

/// Which way something crossed the channel.
public enum Direction: UInt8, Sendable {
    /// Neither: an event of the BMC's own.
    case none = 0
    /// Host to BMC: pcapng's "inbound".
    case fromHost = 1
    /// BMC to host: pcapng's "outbound".
    case toHost = 2
}

/// An access to a register that was refused before it reached the device.
public enum RefusedAccess: UInt8, Sendable {
    /// A read of IDR, with IBF clear.
    case idrRead = 1
    /// A write to ODR, with OBF set.
    case odrWrite = 2
    /// A write to STR.
    case strWrite = 3
    /// STR and ODR in one write, with OBF set.
    case odrAndSTRWrite = 4
}

/// Why an access was refused, or a byte dropped.
public enum RefusalReason: UInt8, Sendable {
    /// OBF is set: the host has not read the last byte.
    case outputFull = 1
    /// IBF is clear.
    case inputEmpty = 2
    /// The device can't do that.
    case unsupported = 3
    /// No handler runs.
    case noHandler = 4
    /// The byte was there before the device was opened.
    case stale = 5
    /// The handler has stopped, or is stopping.
    case stopped = 6
}
