// SPDX-License-Identifier: Apache-2.0
//
// One KCS device and the raw-KCS driver in front of it, as one 64-bit word: the registers, the driver's buffer, its event
// masks. A transition is one call, and takes place as a whole. Between calls any other party may move, which is all the
// concurrency that the hardware has: host, interrupt, and one process of the BMC.
//
//   bits  0…7   IDR                      bit 32  the driver's buffer holds a byte
//   bits  8…15  ODR                      bit 33  the driver has seen OBF clear since a writer went to sleep
//   bits 16…23  STR                      bit 34  the driver wants IBF events      bit 36  the hardware raises them
//   bits 24…31  the driver's buffer      bit 35  the driver wants OBE events      bit 37  the hardware raises them
//   bits 40…41  which driver             bit 38  a process has the device open
//                                        bit 39  there is no device at all
//
// The driver and the hardware each have an event mask because the kernel's core changes the hardware's at open and close
// without telling the driver: its storms come from there.

/// Registers and driver of one KCS device.
public struct DriverState: RawRepresentable, Hashable, Sendable {
    /// The word, as the table above lays it out.
    public var rawValue: UInt64

    /// A word as it is. Bits without a meaning are dropped.
    @inlinable @inline(__always)
    public init(rawValue: UInt64) { self.rawValue = rawValue & Self.meaningful }

    /// A word as it is, bits without a meaning too: they are somebody else's, and every transition leaves them alone.
    @inlinable @inline(__always)
    public init(preserving word: UInt64) { rawValue = word }

    /// A device whose driver was just loaded, never opened: the driver wants IBF events already, as the patch does.
    @inlinable public init(driver: Driver) {
        rawValue = UInt64(driver.rawValue) << Self.driverShift | Self.inputWanted | Self.inputEnabled
    }

    @inlinable static var idrShift: UInt64 { 0 }
    @inlinable static var odrShift: UInt64 { 8 }
    @inlinable static var strShift: UInt64 { 16 }
    @inlinable static var bufferShift: UInt64 { 24 }
    @inlinable static var driverShift: UInt64 { 40 }

    @inlinable static var readableBit: UInt64 { 1 << 32 }
    @inlinable static var writableBit: UInt64 { 1 << 33 }
    @inlinable static var inputWanted: UInt64 { 1 << 34 }
    @inlinable static var outputWanted: UInt64 { 1 << 35 }
    @inlinable static var inputEnabled: UInt64 { 1 << 36 }
    @inlinable static var outputEnabled: UInt64 { 1 << 37 }
    @inlinable static var openBit: UInt64 { 1 << 38 }
    @inlinable static var goneBit: UInt64 { 1 << 39 }
    @inlinable static var meaningful: UInt64 { 0x0000_03FF_FFFF_FFFF }

    @inlinable @inline(__always)
    func byte(_ shift: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: rawValue >> shift) }

    @inlinable @inline(__always)
    mutating func setByte(_ shift: UInt64, _ value: UInt8) {
        rawValue = rawValue & ~(0xFF << shift) | UInt64(value) << shift
    }

    @inlinable @inline(__always)
    func has(_ bits: UInt64) -> Bool { rawValue & bits != 0 }

    @inlinable @inline(__always)
    mutating func set(_ bits: UInt64, _ on: Bool) { rawValue = on ? rawValue | bits : rawValue & ~bits }

    /// Which driver this is. A code that means none reads as `v2`.
    @inlinable
    public var driver: Driver { Driver(rawValue: UInt8(truncatingIfNeeded: rawValue >> Self.driverShift) & 3) ?? .v2 }

    /// What the host wrote last.
    @inlinable public var idr: UInt8 { byte(Self.idrShift) }
    /// What the BMC wrote last.
    @inlinable public var odr: UInt8 { byte(Self.odrShift) }
    /// STR in the hardware, as the host reads it.
    @inlinable public var str: UInt8 { byte(Self.strShift) }
    /// The byte that the interrupt took, of meaning while `isReadable`.
    @inlinable public var buffer: UInt8 { byte(Self.bufferShift) }
    /// Does the driver's buffer hold a byte?
    @inlinable public var isReadable: Bool { has(Self.readableBit) }
    /// Has the driver seen OBF clear since a writer went to sleep?
    @inlinable public var isWritable: Bool { has(Self.writableBit) }
    /// Has a process the device open?
    @inlinable public var isOpen: Bool { has(Self.openBit) }
    /// Does the driver want IBF events? Not while its buffer is full: that is its back-pressure.
    @inlinable public var wantsInput: Bool { has(Self.inputWanted) }
    /// Does the driver want OBE events?
    @inlinable public var wantsOutput: Bool { has(Self.outputWanted) }

    /// OBF, as a question.
    @inlinable public var isOutputFull: Bool { str & STRBit.obf != 0 }
    /// IBF, as a question.
    @inlinable public var isInputFull: Bool { str & STRBit.ibf != 0 }

    /// Is the interrupt line raised for IBF?
    @inlinable public var inputPending: Bool { has(Self.inputEnabled) && isInputFull }

    /// Is the interrupt line raised for OBE? Where the hardware has no such interrupt, a timer stands in for it, and
    /// this is what it will find when it looks.
    @inlinable public var outputPending: Bool { has(Self.outputEnabled) && !isOutputFull }

    /// Sets bits of STR, clears others.
    @inlinable @inline(__always)
    mutating func changeSTR(set: UInt8, clear: UInt8) {
        rawValue = rawValue & ~(UInt64(clear) << Self.strShift) | UInt64(set) << Self.strShift
    }

    /// Both masks at once, as the driver's one helper does it.
    @inlinable @inline(__always)
    mutating func setInputEvents(_ on: Bool) { set(Self.inputWanted | Self.inputEnabled, on) }

    @inlinable @inline(__always)
    mutating func setOutputEvents(_ on: Bool) { set(Self.outputWanted | Self.outputEnabled, on) }
}

/// What a transition did besides changing the word.
public struct Effects: OptionSet, Hashable, Sendable {
    /// The marks.
    public let rawValue: UInt16
    /// Marks as they are.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Those who sleep on the driver were woken: readers, writers, poll and epoll.
    @inlinable public static var woke: Effects { Effects(rawValue: 1 << 0) }
    /// The interrupt line is raised and the handler did nothing about it: the kernel calls it again and again, and in
    /// the end disables the line.
    @inlinable public static var storm: Effects { Effects(rawValue: 1 << 1) }
    /// The handler found its buffer full when it took IDR: "Storm brewing!" in the kernel's log, and a byte is gone.
    @inlinable public static var bufferOverwritten: Effects { Effects(rawValue: 1 << 2) }
    /// The host wrote while IBF was set: the byte in IDR is gone.
    @inlinable public static var inputOverwritten: Effects { Effects(rawValue: 1 << 3) }
    /// STR was written with bit 0 clear: a warning in the kernel's log, every time.
    @inlinable public static var warned: Effects { Effects(rawValue: 1 << 4) }
    /// A byte in ODR that the host had not read is gone.
    @inlinable public static var outputLost: Effects { Effects(rawValue: 1 << 5) }
    /// ODR was written: the host's interrupt.
    @inlinable public static var outputFilled: Effects { Effects(rawValue: 1 << 6) }
}
