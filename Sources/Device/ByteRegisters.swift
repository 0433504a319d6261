// SPDX-License-Identifier: Apache-2.0
//
// What a device does for each byte: it keeps this in memory of its own, so that a byte's way through the daemon neither
// counts references nor calls through a class. Unsafe: the device owns the memory, and what the pointers refer to.
import DriverModel
import SimulatedDevice

/// IDR and ODR of an open device, for its owner and for whoever borrows them while it is open.
public struct ByteRegisters {
    /// Whose way is short.
    @usableFromInline
    enum Kind: UInt8 { case node, simulated, other }

    @usableFromInline
    struct Storage {
        @usableFromInline let kind: Kind
        @usableFromInline let node: RawRegisters?
        @usableFromInline let simulated: PortShortcut?
        /// STR as this side knows it: software's bits exactly, the hardware's as last seen.
        @usableFromInline var str: UInt8 = 0
        /// OBF was seen clear, and ODR has not been written since.
        @usableFromInline var isOutputKnownClear = false
        var device: Unmanaged<Device>?
    }

    @usableFromInline let storage: UnsafeMutablePointer<Storage>

    init(node: RawRegisters?, simulated: PortShortcut?) {
        storage = .allocate(capacity: 1)
        let kind: Kind = node != nil ? .node : simulated != nil ? .simulated : .other
        storage.initialize(to: Storage(kind: kind, node: node, simulated: simulated))
    }

    /// What is not common is the device's.
    func belong(to device: Device) { storage.pointee.device = .passUnretained(device) }

    func deallocate() { storage.deallocate() }

    /// Takes the byte that the descriptor, being readable, tells of: the byte in bits 0 to 7, STR, IBF set, in bits 8 to
    /// 15, and in bit 16 whether there is another that the descriptor will not tell of. Else minus an error number:
    /// `-EAGAIN` when there was none after all.
    @inlinable @inline(__always)
    public func takeAnnounced() -> Int32 {
        let taken: Int32
        switch storage.pointee.kind {
        case .simulated: taken = storage.pointee.simulated.unsafelyUnwrapped.takeAnnounced()
        case .node: taken = storage.pointee.node.unsafelyUnwrapped.readBoth()
        case .other: return takeOtherwise()
        }
        if taken >= 0 { note(UInt8(truncatingIfNeeded: taken >> 8)) }
        return taken
    }

    /// Writes ODR: 0, or minus an error number, `-EBUSY` where OBF is set.
    @inlinable @inline(__always)
    public func writeODR(_ value: UInt8) -> Int32 {
        guard storage.pointee.isOutputKnownClear else { return writeAfterLook(value) }
        storage.pointee.isOutputKnownClear = false
        switch storage.pointee.kind {
        case .simulated: return storage.pointee.simulated.unsafelyUnwrapped.write(value)
        case .node: return storage.pointee.node.unsafelyUnwrapped.writeODR(value)
        case .other: return writeOtherwise(value)
        }
    }

    /// An STR was seen.
    @inlinable @inline(__always)
    func note(_ seen: UInt8) {
        storage.pointee.str = seen
        if seen & STRBit.obf == 0 { storage.pointee.isOutputKnownClear = true }
    }

    @usableFromInline @inline(never)
    func writeAfterLook(_ value: UInt8) -> Int32 {
        storage.pointee.device.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.writeAfterLook(value) }
    }

    @usableFromInline @inline(never)
    func writeOtherwise(_ value: UInt8) -> Int32 {
        storage.pointee.device.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.writeOtherwise(value) }
    }

    @usableFromInline @inline(never)
    func takeOtherwise() -> Int32 {
        storage.pointee.device.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.takeOtherwise() }
    }
}
