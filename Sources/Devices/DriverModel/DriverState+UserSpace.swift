// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the process on the BMC. A call that the kernel would put to sleep answers `sleep`; the caller makes
// the matching `resume…` call when something woke it, or the `abandon…` call when a signal did.

/// How a read of the device ended.
public enum ReadAction: Hashable, Sendable {
    /// Nothing was asked for: a count of 0.
    case nothing
    /// One byte from offset 0: the host's.
    case data(UInt8)
    /// One byte from offset 1: STR.
    case status(UInt8)
    /// Two bytes from offset 0: the host's, then STR with IBF set. The driver samples STR after it took the byte. To let
    /// the host move in between, read one byte and then `str`.
    case both(data: UInt8, status: UInt8)
    /// `EAGAIN`
    case again
    /// `EINVAL`
    case invalid
    /// The process sleeps until the driver wakes it.
    case sleep
}

/// How a write to the device ended.
public enum WriteAction: Hashable, Sendable {
    /// So many bytes were taken; all that were given.
    case written(Int)
    /// `EAGAIN`. The STR half of a two-byte write was carried out nevertheless.
    case again
    /// `EINVAL`
    case invalid
    /// The process sleeps until the driver wakes it. The STR half of a two-byte write was carried out.
    case sleep
    /// `EINTR`. The STR half of a two-byte write was carried out nevertheless.
    case interrupted
}

/// What poll(2) reports.
public struct Readiness: OptionSet, Hashable, Sendable {
    /// The marks.
    public let rawValue: UInt8
    /// Marks as they are.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// EPOLLIN: a byte in the driver's buffer, or IBF.
    @inlinable public static var input: Readiness { Readiness(rawValue: 1) }
    /// EPOLLOUT: OBF is clear.
    @inlinable public static var output: Readiness { Readiness(rawValue: 2) }
}

extension DriverState {
    /// open(2). False is `EBUSY`: one process at a time; or `ENODEV`, where the device is gone.
    @inlinable public mutating func open() -> Bool {
        if isOpen || isGone { return false }
        set(Self.openBit, true)
        // The core enables IBF in the hardware; the posted driver's own mask stays as it was at the last close, and a
        // byte that waits behind a full buffer storms. The deferred driver would storm for every byte left unread.
        set(driver == .deferred ? Self.inputEnabled | Self.inputWanted : Self.inputEnabled, true)
        return true
    }

    /// The next opener comes through this driver. What another one had in its buffer stays with that one.
    @inlinable public mutating func use(_ next: Driver) {
        guard next != driver else { return }
        rawValue = rawValue & ~(3 << Self.driverShift) | UInt64(next.rawValue) << Self.driverShift
        set(Self.readableBit, false)
        set(Self.inputWanted, true)
    }

    /// close(2), or the end of the process. The driver's buffer and its own event mask stay as they are.
    @inlinable public mutating func close() {
        guard isOpen else { return }
        set(Self.openBit | Self.inputEnabled | Self.outputEnabled, false)
    }

    /// poll(2) and epoll: arms the OBE event whenever OBF is set, whatever the caller is interested in.
    @inlinable public mutating func poll() -> Readiness {
        var readiness: Readiness = prepareOutput() ? .output : []
        if isReadable || isInputFull { readiness.insert(.input) }
        return readiness
    }

    /// pread(2). No more than the two bytes of the device can be asked for.
    @inlinable public mutating func read(offset: Int, count: Int, nonBlocking: Bool = false) -> ReadAction {
        if count == 0 { return .nothing }
        guard count > 0, count <= 2, offset >= 0, offset <= 1, offset + count <= 2 else { return .invalid }
        if offset == 1 { return .status(readStatus()) }
        // The posted patch tests IBF where it means "no data": a byte in the buffer is not looked at.
        switch driver {
        case .v2: if nonBlocking && isInputFull { return .again }
        case .fixed, .deferred: if nonBlocking && !isReadable && !isInputFull { return .again }
        }
        guard isReadable || isInputFull else { return .sleep }
        return finishRead(count)
    }

    /// The driver woke a sleeping read at offset 0: it goes on, or sleeps again. The patch as posted looks at its
    /// buffer alone, for it sampled STR before it went to sleep.
    @inlinable public mutating func resumeRead(count: Int) -> ReadAction {
        precondition(count == 1 || count == 2, "only reads of one or two bytes sleep")
        guard isReadable || (driver == .deferred && isInputFull) else { return .sleep }
        return finishRead(count)
    }

    /// pread(2) of one byte at offset 1: STR, with IBF set while the driver's buffer holds a byte.
    @inlinable @inline(__always)
    public func readStatus() -> UInt8 { isReadable ? str | STRBit.ibf : str }

    @inlinable mutating func finishRead(_ count: Int) -> ReadAction {
        setInputEvents(true)
        if !isReadable { takeIDR() }
        set(Self.readableBit, false)
        return count == 1 ? .data(buffer) : .both(data: buffer, status: str | STRBit.ibf)
    }

    /// pwrite(2) of one byte at offset 1: STR. The bits of the hardware stay; bit 0 clear clears OBF.
    @inlinable public mutating func writeStatus(_ value: UInt8) -> Effects {
        var effects: Effects = []
        if value & STRBit.obf == 0 {
            effects.insert(.warned)
            if isOutputFull { effects.insert(.outputLost) }
        }
        let kept = STRBit.ibf | STRBit.commandData | (value & STRBit.obf)
        changeSTR(set: value & STRBit.writable, clear: ~kept)
        return effects
    }

    /// pwrite(2) of one byte at offset 0: ODR, once OBF is clear.
    @inlinable
    public mutating func writeData(_ value: UInt8, nonBlocking: Bool = false) -> (action: WriteAction, effects: Effects)
    {
        if isOutputFull {
            if nonBlocking { return (.again, []) }
            set(Self.writableBit, prepareOutput())
            // OBF cannot clear between two lines of one transition: the writer always sleeps.
            return (.sleep, [])
        }
        return (.written(1), fillODR(value))
    }

    /// pwrite(2) of two bytes at offset 0: STR first, then ODR as `writeData` does it.
    @inlinable public mutating func writeBoth(
        odr: UInt8, str: UInt8, nonBlocking: Bool = false
    ) -> (action: WriteAction, effects: Effects) {
        let status = writeStatus(str)
        let data = writeData(odr, nonBlocking: nonBlocking)
        let action: WriteAction = data.action == .written(1) ? .written(2) : data.action
        return (action, status.union(data.effects))
    }

    /// pwrite(2) of up to two bytes, `first` the one at `offset`; what a file server passes on.
    @inlinable public mutating func write(
        offset: Int, count: Int, first: UInt8 = 0, second: UInt8 = 0, nonBlocking: Bool = false
    ) -> (action: WriteAction, effects: Effects) {
        if count == 0 { return (.written(0), []) }
        guard count > 0, count <= 2, offset >= 0, offset <= 1, offset + count <= 2 else { return (.invalid, []) }
        if offset == 1 { return (.written(1), writeStatus(first)) }
        if count == 1 { return writeData(first, nonBlocking: nonBlocking) }
        return writeBoth(odr: first, str: second, nonBlocking: nonBlocking)
    }

    /// The driver woke a sleeping write: ODR is written when an OBE event was what woke it, else it sleeps again.
    /// `count` is what the sleeping call was given.
    @inlinable
    public mutating func resumeWrite(_ odr: UInt8, count: Int = 1) -> (action: WriteAction, effects: Effects) {
        guard isWritable else { return (.sleep, []) }
        return (.written(count), fillODR(odr))
    }

    /// A signal woke a sleeping write: `EINTR`, and the OBE event is no longer wanted.
    @inlinable public mutating func abandonWrite() -> WriteAction {
        setOutputEvents(false)
        return .interrupted
    }

    @inlinable @inline(__always)
    mutating func fillODR(_ value: UInt8) -> Effects {
        let effects: Effects = isOutputFull ? [.outputFilled, .outputLost] : .outputFilled
        setByte(Self.odrShift, value)
        changeSTR(set: STRBit.obf, clear: 0)
        return effects
    }

    /// Wants the OBE event, unless OBF is clear already. True when it is.
    @inlinable mutating func prepareOutput() -> Bool {
        let ready = !isOutputFull
        setOutputEvents(!ready)
        return ready
    }
}
