// SPDX-License-Identifier: Apache-2.0
//
// What a device does for each byte: it keeps this in memory of its own, so that a byte's way through the daemon neither
// counts references nor calls through a class. Unsafe: the device owns the memory, and what the pointers refer to.
import DriverModel
import SimulatedDevice

/// IDR and ODR of an open device, for its owner and for whoever borrows them while it is open.
public struct ByteRegisters {
    /// Whose way is short.
    @frozen
    public enum Kind: UInt8 { case node, simulated, none }

    @usableFromInline
    struct Storage {
        @usableFromInline let kind: Kind
        @usableFromInline let node: RawRegisters?
        @usableFromInline let simulated: PortShortcut?
        /// STR as this side knows it: software's bits exactly, the hardware's as last seen. OBF clear means that it was seen
        /// clear, and that ODR has not been written since.
        @usableFromInline var str = STRBit.obf
        var device: Unmanaged<Device>?
    }

    @usableFromInline let storage: UnsafeMutablePointer<Storage>

    init(node: RawRegisters?, simulated: PortShortcut?) {
        storage = .allocate(capacity: 1)
        let kind: Kind = node != nil ? .node : simulated != nil ? .simulated : .none
        storage.initialize(to: Storage(kind: kind, node: node, simulated: simulated))
    }

    /// What is not common is the device's.
    func belong(to device: Device) { storage.pointee.device = .passUnretained(device) }

    func deallocate() { storage.deallocate() }

    /// Which short way there is.
    public var kind: Kind { storage.pointee.kind }

    /// Takes the byte that a node, being readable, tells of: the byte in bits 0 to 7, STR in bits 8 to 15; or minus an error
    /// number, `-EAGAIN` when there was none after all. Only for that kind.
    @inlinable @inline(__always)
    public func takeFromNode() -> Int32 { storage.pointee.node.unsafelyUnwrapped.readBoth() }

    /// Takes the byte that a simulated device, its doorbell rung, tells of: the device's state after that. Nil: nothing was
    /// taken, or it is not that simple; the device has to look. Only for that kind.
    @inlinable @inline(__always)
    public func takeFromSimulated() -> DriverState? { storage.pointee.simulated.unsafelyUnwrapped.tryTake() }

    /// Writes ODR: 0, or minus an error number, `-EBUSY` where OBF is set.
    public func writeODR(_ value: UInt8) -> Int32 {
        let result = tryWriteODR(value)
        if result == Self.unrung { ringLong() }
        return result == Self.unrung ? 0 : result == Self.unwritten ? writeODRLong(value) : result
    }

    /// `writeODR` where that is short: it calls nothing but the system, so that its caller has nothing to save. 0, or minus an
    /// error number, or one of the following two.
    @inlinable @inline(__always)
    public func tryWriteODR(_ value: UInt8) -> Int32 {
        guard storage.pointee.str & STRBit.obf == 0 else { return Self.unwritten }
        storage.pointee.str |= STRBit.obf
        switch storage.pointee.kind {
        case .simulated: return storage.pointee.simulated.unsafelyUnwrapped.tryWrite(value)
        case .node: return storage.pointee.node.unsafelyUnwrapped.writeODR(value)
        case .none: return Self.unwritten
        }
    }

    /// Nothing was written; `writeODRLong` has to be called.
    @inlinable public static var unwritten: Int32 { PortShortcut.unwritten }
    /// ODR was written; `ringLong` has to be called.
    @inlinable public static var unrung: Int32 { PortShortcut.unrung }

    /// Writes ODR after a look whether OBF is clear: 0, or minus an error number.
    public func writeODRLong(_ value: UInt8) -> Int32 {
        storage.pointee.device.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.writeODRLong(value) }
    }

    /// Tells the other side that ODR was written.
    public func ringLong() { storage.pointee.simulated.unsafelyUnwrapped.ring() }

    /// An STR was seen, with a byte or by itself.
    @inlinable @inline(__always)
    public func note(_ seen: UInt8) { storage.pointee.str = seen }
}
