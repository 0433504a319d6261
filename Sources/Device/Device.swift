// SPDX-License-Identifier: Apache-2.0
//
// One class for every kind of device, so that a byte costs a branch and not a witness table.
//
// Two facts save system calls. Only the BMC sets OBF: once an STR was seen with OBF clear, it stays clear until this side
// writes ODR, so ODR can be written without another look. And SMS_ATN, OEM1, OEM2 and STATE are only ever written by this
// side, so a change of some of them needs no read before it.
import DriverModel
import LinuxIO
import SimulatedDevice

/// What a read of IDR gave.
public enum Received {
    /// The host CPU's byte, and STR at that moment, IBF set. C/D is that of a later byte, if two were queued.
    case byte(UInt8, str: UInt8)
    /// No byte.
    case nothing
    /// The device failed.
    case failed(Errno)
}

/// An open KCS device: IDR, ODR and STR. One thread uses it. Register writes answer 0, or minus an error number of the
/// kernel; `EBUSY` where OBF is set.
public final class Device {
    private enum Port {
        case node(RawNode)
        case simulated(SimulatedPort)
    }

    private let port: Port
    /// What the device gives.
    public let capabilities: DeviceCapabilities
    /// The bytes that were there at open, each with its STR: at most two. They are for nobody.
    public private(set) var stale: [(value: UInt8, str: UInt8)] = []
    /// STR as this side knows it: software's bits exactly, the hardware's as last seen.
    private var str: UInt8 = 0
    /// OBF was seen clear, and ODR has not been written since.
    private var isOutputKnownClear = false

    /// Opens a device, and takes out what waits in it.
    public static func open(_ specification: DeviceSpecification) -> Result<Device, OpenFailure> {
        switch specification.kind {
        case .rawKCS:
            switch RawNode.open(specification.path) {
            case .success(let node): return Device(.node(node), specification.capabilities).drained()
            case .failure(let failure): return .failure(failure)
            }
        case .simulated:
            do {
                let settings = DeviceSettings(driver: specification.driver == .deferred ? .deferred : .v2)
                let port = try SimulatedPort(directory: specification.path, creating: settings)
                return Device(.simulated(port), specification.capabilities).drained()
            } catch {
                guard error.errno == .busy else { return .failure(.failed(error.description)) }
                let owner = DeviceDirectory.owner(of: specification.path).map { "process \($0)" }
                return .failure(.busy(owner: owner, isKernelsWord: false))
            }
        }
    }

    private init(_ port: Port, _ capabilities: DeviceCapabilities) {
        self.port = port
        self.capabilities = capabilities
    }

    private func drained() -> Result<Device, OpenFailure> {
        let first = readSTR()
        guard first >= 0 else { return .failure(.failed(SystemError(Errno(rawValue: -first), "pread").description)) }
        // The driver's buffer and IDR: whoever wrote them meant them for a process that is gone.
        while stale.count < 2 && hasInput {
            switch receive() {
            case .byte(let value, let str): stale.append((value, str))
            case .nothing: return .success(self)
            case .failed(let errno): return .failure(.failed(SystemError(errno, "pread").description))
            }
        }
        return .success(self)
    }

    // MARK: Readiness

    /// What the loop waits on.
    public var descriptor: Int32 {
        switch port {
        case .node(let node): return node.descriptor
        case .simulated(let port): return port.doorbell
        }
    }

    /// Does the descriptor say when OBF is clear by being writable? Otherwise it is readable for either.
    public var reportsOutput: Bool {
        if case .node = port { return true }
        return false
    }

    /// Is there a byte to read at this moment? A call of the system for a node: not for the hot path.
    public var hasInput: Bool {
        switch port {
        case .node(let node): return node.isReadable
        case .simulated(let port): return port.isReadable
        }
    }

    /// To be called when the descriptor is readable, before `receive`.
    @inline(__always)
    public func acknowledge() {
        if case .simulated(let port) = port { port.drainDoorbell() }
    }

    /// To be called after `receive`: is there more that the descriptor will not tell of again?
    @inline(__always)
    public var hasUntoldInput: Bool {
        if case .simulated(let port) = port { return port.isReadable }
        return false
    }

    /// Asks to be told when OBF is clear; true when it is already.
    public func armOutput() -> Bool {
        switch port {
        case .node: return isOutputClear
        case .simulated(let port):
            guard port.isWritable else { return false }
            isOutputKnownClear = true
            return true
        }
    }

    // MARK: Registers

    /// Takes the byte out of IDR; only after the descriptor was readable.
    @inline(__always)
    public func receive() -> Received {
        switch port {
        case .node(let node):
            let received = node.readBoth()
            if case .byte(_, let str) = received { note(str) }
            return received
        case .simulated(let port):
            guard let (value, str) = port.readData() else { return .nothing }
            note(str)
            return .byte(value, str: str)
        }
    }

    /// STR, without consuming IDR; or minus an error number.
    public func readSTR() -> Int32 {
        let result: Int32
        switch port {
        case .node(let node): result = node.readSTR()
        case .simulated(let port): result = Int32(port.readStatus())
        }
        if result >= 0 { note(UInt8(truncatingIfNeeded: result)) }
        return result
    }

    /// STR as it was last seen or written.
    public var lastSTR: UInt8 { str }

    /// Is OBF clear? Looks only when it is not known.
    public var isOutputClear: Bool { isOutputKnownClear || (readSTR() >= 0 && isOutputKnownClear) }

    /// Writes ODR; `-EBUSY` where OBF is set.
    @inline(__always)
    public func writeODR(_ value: UInt8) -> Int32 {
        guard isOutputClear else { return -Errno.busy.rawValue }
        isOutputKnownClear = false
        switch port {
        case .node(let node): return node.writeODR(value)
        case .simulated(let port): return port.writeData(value) ? 0 : -Errno.busy.rawValue
        }
    }

    /// Changes bits of STR alone. Bit 0 is written as 1, which leaves OBF as it is.
    public func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        let written = changed(mask, value) | STRBit.obf
        switch port {
        case .node(let node): return node.writeSTR(written)
        case .simulated(let port):
            port.writeStatus(written)
            return 0
        }
    }

    /// Changes bits of STR and writes ODR in one step; `-EBUSY`, and nothing done, where OBF is set.
    public func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        guard isOutputClear else { return -Errno.busy.rawValue }
        isOutputKnownClear = false
        return writeBoth(odr, changed(mask, value) | STRBit.obf)
    }

    /// As `write`, but whatever OBF is: the host CPU's unread byte is discarded.
    public func replace(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        isOutputKnownClear = false
        return writeBoth(odr, changed(mask, value) & ~STRBit.obf)
    }

    /// Clears OBF, and with it the byte that the host CPU has not read, and changes bits of STR.
    public func clearOutput(mask: UInt8, _ value: UInt8) -> Int32 {
        let written = changed(mask, value) & ~STRBit.obf
        isOutputKnownClear = true
        switch port {
        case .node(let node): return node.writeSTR(written)
        case .simulated(let port):
            port.writeStatus(written)
            return 0
        }
    }

    /// The memory that a simulated device shares; nil for others.
    public var simulatedWindow: UnsafeMutableRawBufferPointer? {
        if case .simulated(let port) = port { return port.window }
        return nil
    }

    /// Takes out what the host CPU wrote last, for nobody: some drivers deliver a byte left behind to the next opener.
    public func close() {
        var left = 2
        while left > 0 && hasInput {
            left -= 1
            guard case .byte = receive() else { break }
        }
        if case .simulated(let port) = port { port.close() }
    }

    @inline(__always)
    private func note(_ seen: UInt8) {
        str = seen
        if seen & STRBit.obf == 0 { isOutputKnownClear = true }
    }

    @inline(__always)
    private func changed(_ mask: UInt8, _ value: UInt8) -> UInt8 {
        str = str & ~mask | value & mask
        return str
    }

    private func writeBoth(_ odr: UInt8, _ str: UInt8) -> Int32 {
        switch port {
        case .node(let node): return node.writeBoth(odr: odr, str: str)
        case .simulated(let port): return port.writeBoth(odr: odr, str: str) ? 0 : -Errno.busy.rawValue
        }
    }
}
