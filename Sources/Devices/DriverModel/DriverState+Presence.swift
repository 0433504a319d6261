// SPDX-License-Identifier: Apache-2.0

// A device that is taken away, and given back: an unbound driver, or a bus whose power went.
extension DriverState {
    /// Is there no device behind the ports?
    @inlinable @inline(__always)
    public var isGone: Bool { has(Self.goneBit) }

    /// The device goes. Its opener loses it for good, what was in its registers is lost, and the host's ports float: they
    /// read as FF and take nothing.
    @inlinable public mutating func vanish() {
        rawValue = UInt64(driver.rawValue) << Self.driverShift | Self.goneBit
    }

    /// The device is back, as new. Nobody has it open.
    @inlinable public mutating func comeBack() {
        if isGone { self = DriverState(driver: driver) }
    }
}
