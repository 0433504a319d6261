// SPDX-License-Identifier: Apache-2.0
//
// Requests and responses as views of a caller's memory: nothing is copied or allocated for a message. This is the
// module's one file with pointers; every access outside it goes through the checks here. What every command does is called,
// and not inlined: there are hundreds of such places, and the plugin has a limit of size.

/// A request as it crosses the interface: NetFn and LUN, command, data (IPMI 2.0 §9.2).
///
/// A view: valid while the caller keeps the bytes.
@safe
public struct Request {
    private let bytes: UnsafeRawBufferPointer

    /// A view of a whole message; nil with fewer than two bytes.
    @inline(__always)
    public init?(_ message: UnsafeRawBufferPointer) {
        guard message.count >= 2 else { return nil }
        unsafe bytes = message
    }

    /// The network function.
    @inline(__always)
    public var netFn: NetFn { unsafe NetFn(rawValue: bytes[0] >> 2) }

    /// The logical unit.
    @inline(__always)
    public var lun: LUN { unsafe LUN(rawValue: bytes[0] & 3) }

    /// The command.
    @inline(__always)
    public var command: Command { unsafe Command(rawValue: bytes[1]) }

    /// Number of data bytes after the command.
    @inline(__always)
    public var count: Int { unsafe bytes.count - 2 }

    /// Data byte `index`; asking past the end is the caller's mistake and traps.
    @inline(__always)
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "no such byte in the request")
        return unsafe bytes[index + 2]
    }

    /// Data bytes `index` and `index + 1`, least significant first.
    @inline(never)
    public func uint16(at index: Int) -> UInt16 { UInt16(self[index]) | UInt16(self[index + 1]) << 8 }

    /// Data bytes `index` to `index + 3`, least significant first.
    @inline(never)
    public func uint32(at index: Int) -> UInt32 {
        UInt32(uint16(at: index)) | UInt32(uint16(at: index + 2)) << 16
    }

    /// A copy of the data from `index` on.
    public func data(from index: Int) -> [UInt8] {
        precondition(index >= 0 && index <= count, "no such byte in the request")
        return unsafe [UInt8](UnsafeRawBufferPointer(rebasing: bytes[(index + 2)...]))
    }

    /// A copy of the whole message.
    public var message: [UInt8] { unsafe [UInt8](bytes) }
}

/// A response being written into the caller's buffer: NetFn and LUN, command, completion code, data.
///
/// Writing past the buffer's end stores nothing and sets `overflowed`.
@safe
public struct Response {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    /// Number of bytes written, header included; 0 before `begin`.
    public private(set) var count: Int
    /// True after more was appended than fits.
    public private(set) var overflowed: Bool

    /// The size that every caller's buffer has at least: header and completion code.
    public static let minimumCapacity = 3

    /// A response to be written to `buffer`.
    @inline(__always)
    public init(_ buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count >= Response.minimumCapacity, "a response needs three bytes")
        // The precondition makes the buffer non-empty, so it has a base address.
        unsafe base = unsafe buffer.baseAddress.unsafelyUnwrapped
        capacity = buffer.count
        count = 0
        overflowed = false
    }

    /// Writes the header that answers `request`, with completion code 00.
    @inline(__always)
    public mutating func begin(_ request: Request) {
        begin(netFn: request.netFn, lun: request.lun, command: request.command)
    }

    /// Writes the header of the response to a request with these fields, with completion code 00.
    @inline(__always)
    public mutating func begin(netFn: NetFn, lun: LUN, command: Command) {
        unsafe base.storeBytes(of: netFn.response.rawValue << 2 | lun.rawValue, as: UInt8.self)
        unsafe base.storeBytes(of: command.rawValue, toByteOffset: 1, as: UInt8.self)
        unsafe base.storeBytes(of: 0, toByteOffset: 2, as: UInt8.self)
        count = 3
        overflowed = false
    }

    /// Ends the response with `code`: a code other than 00 takes the data with it, a response that did not fit
    /// becomes CA.
    @inline(__always)
    public mutating func finish(_ code: CompletionCode) {
        precondition(count >= 3, "finish before begin")
        if code == .ok && !overflowed { return }
        count = 3
        unsafe base.storeBytes(
            of: code == .ok ? CompletionCode.cannotReturnBytes.rawValue : code.rawValue, toByteOffset: 2,
            as: UInt8.self)
    }

    /// Ends the response with a code of which its command says that the data is there all the same.
    public mutating func finishWithData(_ code: CompletionCode) {
        finish(.ok)
        if completionCode == .ok { unsafe base.storeBytes(of: code.rawValue, toByteOffset: 2, as: UInt8.self) }
    }

    /// Data bytes that still fit.
    public var room: Int { capacity - count }

    /// Appends one byte.
    @inline(never)
    public mutating func append(_ byte: UInt8) {
        guard count < capacity else {
            overflowed = true
            return
        }
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Appends two bytes, least significant first.
    @inline(never)
    public mutating func append(uint16 value: UInt16) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
    }

    /// Appends four bytes, least significant first.
    @inline(never)
    public mutating func append(uint32 value: UInt32) {
        append(uint16: UInt16(truncatingIfNeeded: value))
        append(uint16: UInt16(truncatingIfNeeded: value >> 16))
    }

    /// Appends `bytes[range]`; the range lies inside the array.
    @inline(never)
    public mutating func append(_ bytes: [UInt8], _ range: Range<Int>) {
        guard range.count <= capacity - count else {
            overflowed = true
            return
        }
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "range outside the bytes")
        guard !range.isEmpty else { return }
        unsafe bytes.withUnsafeBytes {
            // A non-empty range inside the array: source and destination both have these bytes.
            unsafe (base + count).copyMemory(
                from: $0.baseAddress.unsafelyUnwrapped + range.lowerBound, byteCount: range.count)
        }
        count += range.count
    }

    /// Appends all of `bytes`.
    @inline(never)
    public mutating func append(_ bytes: [UInt8]) { append(bytes, 0..<bytes.count) }

    /// A copy of what has been written.
    public var message: [UInt8] { unsafe [UInt8](UnsafeRawBufferPointer(start: base, count: count)) }

    /// The completion code as it stands.
    public var completionCode: CompletionCode {
        precondition(count >= 3, "no response yet")
        return unsafe CompletionCode(rawValue: base.load(fromByteOffset: 2, as: UInt8.self))
    }
}
