// SPDX-License-Identifier: Apache-2.0

/// Which port the host wrote a byte to. STR's C/D is that of the host's last write: where a driver takes a byte out of IDR
/// by itself, the host may have written another before the byte and STR are read.
public enum HostPort: UInt8, Sendable {
    /// C/D of the STR that was read with it says so.
    case asStatusSays = 0
    /// The data port, as the transfer found.
    case data = 1
    /// The command port, as the transfer found.
    case command = 2
    /// Not known.
    case unknown = 3
}

/// A register access as a capture file holds it: eight bytes on an interface of link type USER0 (147).
///
///     0  version: 1
///     1  kind: `RecordKind`, 1 to 10
///     2  value: the byte of IDR or ODR
///     3  STR: as read, or the bits written
///     4  mask: which bits of STR were written
///     5  flags: 01 value is there, 02 STR is there, 04 mask is there, 08 stale (was there when the device was opened);
///        30 `HostPort`, of a byte of IDR
///     6  the access that was refused: `RefusedAccess`, or 0
///     7  why it was refused, or a byte dropped: `RefusalReason`, or 0
///
/// A later version may add bytes at the end. The frame's direction is in its packet flags: inbound for what the BMC
/// reads, outbound for what it writes.
public struct RegisterRecord: Equatable, Sendable {
    /// Which access.
    public let kind: RecordKind
    /// The byte of IDR or ODR.
    public var value: UInt8?
    /// STR as read, or the bits written.
    public var str: UInt8?
    /// Which bits of STR were written.
    public var mask: UInt8?
    /// Which port the byte of IDR was written to.
    public var port = HostPort.asStatusSays
    /// Was the byte there when the device was opened?
    public var isStale = false
    /// What was refused.
    public var refused: RefusedAccess?
    /// Why it was refused, or dropped.
    public var reason: RefusalReason?

    /// The record's meaning of an event's three values; nil for kinds that are no register access.
    public init?(_ kind: RecordKind, _ first: UInt8, _ second: UInt8, _ third: UInt8) {
        self.kind = kind
        switch kind {
        case .idrRead:
            value = first
            isStale = third & 1 != 0
            if third & 2 != 0 { str = second }
            port = HostPort(rawValue: third >> 2 & 3) ?? .unknown
        case .strRead, .obfStallBegan, .obfStallEnded: str = first
        case .odrWrite: value = first
        case .strWrite:
            str = first
            mask = second
        case .odrAndSTRWrite, .replaced:
            value = first
            str = second
            mask = third
        case .refused:
            refused = RefusedAccess(rawValue: first)
            value = second
            reason = RefusalReason(rawValue: third)
        case .hostByteDropped:
            value = first
            str = second
            reason = RefusalReason(rawValue: third)
        default: return nil
        }
    }

    /// The record that a capture file's bytes hold; nil when they are shorter, of another version or kind.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= 8, bytes[0] == 1, let kind = RecordKind(rawValue: bytes[1]), kind.rawValue <= 10 else {
            return nil
        }
        self.kind = kind
        let flags = bytes[5]
        value = flags & 1 != 0 ? bytes[2] : nil
        str = flags & 2 != 0 ? bytes[3] : nil
        mask = flags & 4 != 0 ? bytes[4] : nil
        isStale = flags & 8 != 0
        port = HostPort(rawValue: flags >> 4 & 3) ?? .unknown
        refused = RefusedAccess(rawValue: bytes[6])
        reason = RefusalReason(rawValue: bytes[7])
    }

    /// The eight bytes.
    public var bytes: [UInt8] {
        let flags: UInt8 =
            (value == nil ? 0 : 1) | (str == nil ? 0 : 2) | (mask == nil ? 0 : 4) | (isStale ? 8 : 0)
            | port.rawValue << 4
        return [
            1, kind.rawValue, value ?? 0, str ?? 0, mask ?? 0, flags, refused?.rawValue ?? 0, reason?.rawValue ?? 0,
        ]
    }

    /// What the BMC reads comes from the host, what it writes goes there.
    public var direction: Direction {
        switch kind {
        case .idrRead, .strRead, .hostByteDropped: .fromHost
        case .odrWrite, .strWrite, .odrAndSTRWrite, .replaced: .toHost
        case .refused: refused == .idrRead ? .fromHost : .toHost
        default: .none
        }
    }

    /// What is out of the ordinary about it, in words; empty for an ordinary access.
    public var comment: String {
        let why = reason.map { ": " + EventText.reason($0) } ?? ""
        switch kind {
        case .idrRead: return isStale ? "stale: was there when the device was opened" : ""
        case .replaced: return "replaced a byte that the host had not read"
        case .refused: return "refused " + (refused.map(EventText.access) ?? "an access") + why
        case .hostByteDropped: return "dropped a byte of the host" + why
        case .obfStallBegan: return "the host does not read ODR"
        case .obfStallEnded: return "the host read ODR after a stall"
        default: return ""
        }
    }
}
