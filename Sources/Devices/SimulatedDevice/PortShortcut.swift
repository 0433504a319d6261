// SPDX-License-Identifier: Apache-2.0
//
// What a byte costs a daemon, and nothing more: the common transitions, each tried once. Whatever is not common, or comes
// in between, is left to SimulatedPort, which outlives its shortcut. Unsafe: words of the mapping.
import CLinux
import DriverModel

/// The short way to a simulated device's registers, for whoever has its port.
public struct PortShortcut {
    @usableFromInline let state: UnsafeMutablePointer<UInt64>
    @usableFromInline let counters: UnsafeMutablePointer<UInt64>
    @usableFromInline let scratch: UnsafeMutableRawPointer
    @usableFromInline let ownBell: Int32
    @usableFromInline let hostBell: Int32

    /// The doorbell rang: takes the host CPU's byte out of the driver's buffer. The answer is the device's state after that,
    /// the byte still in `buffer`, and IBF set if there is another byte, which the doorbell does not tell of. Nil: nothing
    /// was taken; it is the port's to look.
    @inlinable @inline(__always)
    public func tryTake() -> DriverState? {
        // One call is enough unless the pipe held more than the buffer, and then it goes on being readable.
        _ = cl_read(ownBell, scratch, 4096)
        let seen = UInt64(littleEndian: cl_load64(state))
        var wanted = DriverState(preserving: seen)
        guard wanted.takeBuffered(), exchange(seen, wanted) else { return nil }
        count(.bmcReads)
        // A byte that waited in IDR behind the buffer raised no interrupt. One that the host writes from now on does.
        return wanted
    }

    /// Writes ODR: 0, `unwritten` or `unrung`. OBF was clear when it was last seen.
    @inlinable @inline(__always)
    public func tryWrite(_ value: UInt8) -> Int32 {
        let seen = UInt64(littleEndian: cl_load64(state))
        var wanted = DriverState(preserving: seen)
        guard wanted.fillClearODR(value), exchange(seen, wanted) else { return Self.unwritten }
        count(.bmcWrites)
        // What is rung does not matter.
        return cl_write(hostBell, scratch, 1) < 0 ? Self.unrung : 0
    }

    /// Nothing was done; it is the port's to do.
    @inlinable public static var unwritten: Int32 { 2 }
    /// ODR was written; `ring` is still to be called.
    @inlinable public static var unrung: Int32 { 3 }

    /// A full pipe is rung enough.
    public func ring() { Doorbell.ring(hostBell) }

    @inlinable @inline(__always)
    func exchange(_ seen: UInt64, _ wanted: DriverState) -> Bool {
        cl_compare_exchange64(state, seen.littleEndian, wanted.rawValue.littleEndian) == seen.littleEndian
    }

    @inlinable @inline(__always)
    func count(_ counter: Counter) { RegisterFile.increase(counters + counter.rawValue) }
}
