// SPDX-License-Identifier: Apache-2.0

// The host CPU's side: four accesses, each of which the hardware carries out whatever IBF and OBF say. Where the device is
// gone nothing answers: ports read as FF.
extension DriverState {
    /// The host writes the data port: IDR, IBF set, C/D clear.
    @inlinable @inline(__always)
    public mutating func hostWritesData(_ value: UInt8) -> Effects { hostWrites(value, command: false) }

    /// The host writes the command port: IDR, IBF set, C/D set.
    @inlinable @inline(__always)
    public mutating func hostWritesCommand(_ value: UInt8) -> Effects { hostWrites(value, command: true) }

    /// The host writes either port.
    @inlinable @inline(__always)
    public mutating func hostWrites(_ value: UInt8, command: Bool) -> Effects {
        if isGone { return [] }
        let effects: Effects = isInputFull ? .inputOverwritten : []
        setByte(Self.idrShift, value)
        changeSTR(set: command ? STRBit.ibf | STRBit.commandData : STRBit.ibf, clear: STRBit.commandData)
        return effects
    }

    /// The host reads the data port: ODR, OBF clear. An ODR that was read before is read again.
    @inlinable @inline(__always)
    public mutating func hostReadsData() -> UInt8 {
        if isGone { return 0xFF }
        changeSTR(set: 0, clear: STRBit.obf)
        return odr
    }

    /// The host reads the status port.
    @inlinable @inline(__always)
    public func hostReadsStatus() -> UInt8 { isGone ? 0xFF : str }
}
