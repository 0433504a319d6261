// SPDX-License-Identifier: Apache-2.0
//
// What a byte costs a daemon, and nothing more: the common transitions, each tried once. Whatever is not common, or comes
// in between, is left to SimulatedPort. Unsafe: words of the mapping, and the port, which outlives its shortcut.
import CLinux
import DriverModel

/// The short way to a simulated device's registers, for whoever has its port. Results are at least 0, or minus an error
/// number.
public struct PortShortcut {
    @usableFromInline let state: UnsafeMutablePointer<UInt64>
    @usableFromInline let counters: UnsafeMutablePointer<UInt64>
    @usableFromInline let scratch: UnsafeMutableRawPointer
    @usableFromInline let ownBell: Int32
    @usableFromInline let hostBell: Int32
    @usableFromInline let port: Unmanaged<SimulatedPort>

    /// The doorbell rang: takes the host CPU's byte, in bits 0 to 7, and the STR that came with it, in bits 8 to 15. Bit 16
    /// says that there is another, which the doorbell does not tell of. `-EAGAIN`: there is none.
    @inlinable @inline(__always)
    public func takeAnnounced() -> Int32 {
        // One call is enough unless the pipe held more than the buffer, and then it goes on being readable.
        _ = cl_read(ownBell, scratch, 4096)
        let seen = UInt64(littleEndian: cl_load64(state))
        var wanted = DriverState(preserving: seen)
        guard let value = wanted.takeBuffered(), exchange(seen, wanted) else { return Self.takeOtherwise(port) }
        count(.bmcReads)
        // A byte that waited in IDR behind the buffer raised no interrupt. One that the host writes from now on does.
        let another: Int32 = wanted.isInputFull ? 1 << 16 : 0
        return Int32(value) | Int32(wanted.str | STRBit.ibf) << 8 | another
    }

    /// Writes ODR: 0, or `-EBUSY` where OBF is set.
    @inlinable @inline(__always)
    public func write(_ value: UInt8) -> Int32 {
        let seen = UInt64(littleEndian: cl_load64(state))
        var wanted = DriverState(preserving: seen)
        guard wanted.fillClearODR(value), exchange(seen, wanted) else { return Self.writeOtherwise(port, value) }
        count(.bmcWrites)
        // What is rung does not matter. A full pipe is rung enough.
        if cl_write(hostBell, scratch, 1) < 0 { Self.ring(hostBell) }
        return 0
    }

    @inlinable @inline(__always)
    func exchange(_ seen: UInt64, _ wanted: DriverState) -> Bool {
        cl_compare_exchange64(state, seen.littleEndian, wanted.rawValue.littleEndian) == seen.littleEndian
    }

    @inlinable @inline(__always)
    func count(_ counter: Counter) { RegisterFile.increase(counters + counter.rawValue) }

    // Not methods of the value, which would have to be put together in memory for them.

    @usableFromInline @inline(never)
    static func takeOtherwise(_ port: Unmanaged<SimulatedPort>) -> Int32 {
        port._withUnsafeGuaranteedRef { port in
            if let (value, str) = port.readData() {
                return Int32(value) | Int32(str) << 8 | (port.isReadable ? 1 << 16 : 0)
            }
            return port.isGone ? -ENODEV : -EAGAIN
        }
    }

    @usableFromInline @inline(never)
    static func writeOtherwise(_ port: Unmanaged<SimulatedPort>, _ value: UInt8) -> Int32 {
        port._withUnsafeGuaranteedRef { port in
            let isDone = port.writeData(value)
            return port.isGone ? -ENODEV : isDone ? 0 : -EBUSY
        }
    }

    @usableFromInline @inline(never)
    static func ring(_ bell: Int32) { Doorbell.ring(bell) }
}
