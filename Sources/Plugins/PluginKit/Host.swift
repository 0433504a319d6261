// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: kcsmuxd's function table and this instance on its channel are C pointers; kcs_plugin.h says that they
// outlive the instance.
import CKCSPlugin

/// What kcsmuxd offers to one instance. A small value: keep it where you need it, for as long as the instance lives.
public struct Host {
    let table: UnsafePointer<kcs_host>
    let channel: OpaquePointer

    /// The answer of a call that can be refused.
    public struct Status: RawRepresentable, Equatable, Sendable {
        /// `KCS_OK` or `KCS_E_*`.
        public let rawValue: Int32
        /// A status by its number; later hosts may know more.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// Done.
        public static let ok = Status(rawValue: 0)
        /// An argument is out of range, or the call makes no sense now.
        public static let invalid = Status(rawValue: -1)
        /// OBF is set, or the same thing is under way.
        public static let busy = Status(rawValue: -2)
        /// There is no byte.
        public static let empty = Status(rawValue: -3)
        /// This device, channel or kcsmuxd does not have it.
        public static let unavailable = Status(rawValue: -4)
        /// The token is no longer owed an answer.
        public static let stale = Status(rawValue: -5)
        /// A bounded resource is used up.
        public static let limit = Status(rawValue: -6)
        /// The device or the system failed.
        public static let inputOutput = Status(rawValue: -7)
        /// What was asked for was done, and did not succeed.
        public static let failed = Status(rawValue: -8)
        /// Called on another thread than the loop's.
        public static let wrongThread = Status(rawValue: -9)
    }

    // MARK: Registers

    /// Input `.manual`: takes the byte out of IDR, with STR at that moment; nil if there is none.
    public func readIDR() -> (value: UInt8, str: STR)? {
        var value: UInt8 = 0
        var str: UInt8 = 0
        guard table.pointee.read_idr(channel, &value, &str) == KCS_OK else { return nil }
        return (value, STR(rawValue: str))
    }

    /// STR as it is, without consuming IDR; nil when the device has none or failed.
    public func readSTR() -> STR? {
        let str = table.pointee.read_str(channel)
        return str < 0 ? nil : STR(rawValue: UInt8(truncatingIfNeeded: str))
    }

    /// Writes ODR, which interrupts the host CPU; `.busy` while OBF is set.
    @discardableResult
    public func writeODR(_ value: UInt8) -> Status { Status(rawValue: table.pointee.write_odr(channel, value)) }

    /// Changes the bits of STR in `mask`; the hardware's own (OBF, IBF, C/D) may not be among them.
    @discardableResult
    public func writeSTR(mask: STR, _ value: STR) -> Status {
        Status(rawValue: table.pointee.write_str(channel, mask.rawValue, value.rawValue))
    }

    /// Writes STR's bits and ODR in one step; `.busy`, and nothing done, while OBF is set.
    @discardableResult
    public func write(odr: UInt8, mask: STR, _ value: STR) -> Status {
        Status(rawValue: table.pointee.write_both(channel, odr, mask.rawValue, value.rawValue))
    }

    /// As `write(odr:mask:_:)`, and discards the byte that the host CPU has not read.
    @discardableResult
    public func replace(odr: UInt8, mask: STR, _ value: STR) -> Status {
        Status(rawValue: table.pointee.replace(channel, odr, mask.rawValue, value.rawValue))
    }

    /// Asks for one `outputReady` when OBF is clear, or withdraws that.
    @discardableResult
    public func wantOutput(_ wish: OutputWish) -> Status {
        Status(rawValue: table.pointee.want_output(channel, wish.rawValue))
    }

    // MARK: Messages

    /// Answers a request once, now or later: NetFn/LUN, command, completion code, data. `.stale` when it is no longer
    /// wanted.
    @discardableResult
    public func reply(_ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Status {
        guard let base = bytes.baseAddress else { return .invalid }
        return Status(
            rawValue: table.pointee.reply(
                channel, token, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count)))
    }

    /// Says that a request has no answer: the host CPU is left waiting in READ until it begins anew.
    @discardableResult
    public func withhold(_ token: UInt64) -> Status {
        Status(rawValue: table.pointee.reply(channel, token, nil, 0))
    }

    /// Gives a request back, in place of answering it: the channel's next handler is asked, and if none takes it, the host
    /// CPU gets `code`. `.unavailable` from a kcsmuxd that cannot do that.
    @discardableResult
    public func pass(_ token: UInt64, code: UInt8) -> Status {
        guard hasMessages11 else { return .unavailable }
        return Status(rawValue: table.pointee.pass(channel, token, code))
    }

    /// Ends the transfer under way: the host CPU is woken, and begins anew. `.unavailable` from a kcsmuxd that cannot do that.
    @discardableResult
    public func abort() -> Status {
        guard hasMessages11 else { return .unavailable }
        return Status(rawValue: table.pointee.abort(channel))
    }

    private var hasMessages11: Bool { Int(table.pointee.size) >= Int(KCS_HOST_SIZE_1_1) }

    /// Sets or clears this instance's wish for SMS_ATN.
    @discardableResult
    public func setAttention(_ on: Bool) -> Status {
        Status(rawValue: table.pointee.set_attention(channel, on ? 1 : 0))
    }

    // MARK: Time and records

    /// CLOCK_MONOTONIC in nanoseconds.
    public var now: UInt64 { table.pointee.now(channel) }

    /// A line in kcsmuxd's log.
    public func log(_ level: LogLevel, _ text: String) {
        text.withCString { table.pointee.log(channel, level.rawValue, $0) }
    }

    /// Says that this instance cannot go on: the channel restarts as its policy says.
    public func fail(_ text: String) { text.withCString { table.pointee.fail(channel, $0) } }

    /// Adds an event, in words, to the channel's debug capture.
    @discardableResult
    public func annotate(_ text: String, direction: Direction = .none) -> Status {
        Status(
            rawValue: text.withCString {
                table.pointee.annotate(channel, UInt32(KCS_ANNOTATE_EVENT), direction.rawValue, 0, nil, 0, $0)
            })
    }

    /// Adds a packet of a registered link type to the channel's debug capture.
    @discardableResult
    public func annotate(linkType: UInt32, _ direction: Direction, _ bytes: UnsafeRawBufferPointer) -> Status {
        Status(
            rawValue: table.pointee.annotate(
                channel, UInt32(KCS_ANNOTATE_PACKET), direction.rawValue, linkType,
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count), nil))
    }

    // MARK: Resources

    /// A descriptor that the service manager passed to kcsmuxd as CHANNEL.NAME; not to be closed.
    public func socket(_ name: String) -> Int32? {
        var descriptor: Int32 = -1
        let status = name.withCString { table.pointee.socket(channel, $0, &descriptor) }
        return status == KCS_OK ? descriptor : nil
    }

    /// The memory shared with the host CPU, each word of which may change at any time; nil when there is none.
    public func mapWindow() -> UnsafeMutableRawBufferPointer? {
        var window = kcs_window()
        window.size = UInt32(MemoryLayout<kcs_window>.size)
        guard table.pointee.map_window(channel, &window) == KCS_OK, let base = window.base else { return nil }
        return UnsafeMutableRawBufferPointer(start: base, count: Int(clamping: window.length))
    }
}
