// SPDX-License-Identifier: Apache-2.0
//
// One class for every kind of device, so that a byte costs a branch and not a witness table.
//
// Two facts save system calls. Only the BMC sets OBF: once an STR was seen with OBF clear, it stays clear until this side
// writes ODR, so ODR can be written without another look. And SMS_ATN, OEM1, OEM2 and STATE are only ever written by this
// side, so a change of some of them needs no read before it.
import CLinux
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

/// An open KCS device: IDR, ODR and STR, or what of them its driver gives. One thread uses it. Register writes answer 0, or
/// minus an error number of the kernel: `EBUSY` where OBF is set, `EOPNOTSUPP` where the device has no such register.
public final class Device {
    private enum Port {
        case node(RawNode)
        case simulated(SimulatedPort)
        case serio(SerioNode)
        case ipmi(IPMINode)
    }

    private let port: Port
    /// IDR and ODR, for whoever is to have the short way to them; valid for as long as this object lives.
    public let registers: ByteRegisters
    /// What the device gives.
    public let capabilities: DeviceCapabilities
    /// The bytes that were there at open, each with its STR: at most two, or what the driver's queue holds. They are for
    /// nobody.
    public private(set) var stale: [(value: UInt8, str: UInt8)] = []
    private var str: UInt8 {
        get { registers.storage.pointee.str }
        set { registers.storage.pointee.str = newValue }
    }
    private var isOutputKnownClear: Bool {
        get { str & STRBit.obf == 0 }
        set { str = newValue ? str & ~STRBit.obf : str | STRBit.obf }
    }

    /// Opens a device, and takes out what waits in it.
    public static func open(_ specification: DeviceSpecification) -> Result<Device, OpenFailure> {
        switch specification.kind {
        case .rawKCS: return openNode(specification) { .node(RawNode($0)) }
        case .serioRaw: return openNode(specification) { .serio(SerioNode($0)) }
        case .ipmiKCS: return openNode(specification, O_NONBLOCK) { .ipmi(IPMINode($0)) }
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

    private static func openNode(
        _ specification: DeviceSpecification, _ flags: Int32 = 0, _ port: (OpenNode) -> Port
    ) -> Result<Device, OpenFailure> {
        switch OpenNode.open(specification.path, flags) {
        case .success(let node): return Device(port(node), specification.capabilities).drained()
        case .failure(let failure): return .failure(failure)
        }
    }

    private init(_ port: Port, _ capabilities: DeviceCapabilities) {
        self.port = port
        self.capabilities = capabilities
        switch port {
        case .node(let node): registers = ByteRegisters(node: node.registers, simulated: nil)
        case .simulated(let port): registers = ByteRegisters(node: nil, simulated: port.shortcut)
        case .serio, .ipmi: registers = ByteRegisters(node: nil, simulated: nil)
        }
        registers.belong(to: self)
    }

    deinit { registers.deallocate() }

    private func drained() -> Result<Device, OpenFailure> {
        switch port {
        case .node, .simulated: return withoutStaleBytes(2)
        // The driver's queue: it is filled without an opener too.
        case .serio: return withoutStaleBytes(SerioNode.capacity)
        case .ipmi(let node):
            // Whatever the host CPU began was meant for a process that is gone. It sees an error, and begins anew.
            let result = node.forceAbort()
            return result == 0
                ? .success(self) : .failure(.failed(SystemError(Errno(rawValue: -result), "ioctl").description))
        }
    }

    private func withoutStaleBytes(_ limit: Int) -> Result<Device, OpenFailure> {
        let first = capabilities.contains(.status) ? readSTR() : 0
        guard first >= 0 else { return .failure(.failed(SystemError(Errno(rawValue: -first), "pread").description)) }
        // The driver's buffer and IDR: whoever wrote them meant them for a process that is gone.
        while stale.count < limit && hasInput {
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
        case .serio(let node): return node.descriptor
        case .ipmi(let node): return node.descriptor
        }
    }

    /// Does the descriptor say when OBF is clear by being writable? Otherwise it is readable for either.
    public var reportsOutput: Bool {
        if case .simulated = port { return false }
        return true
    }

    /// Is there a byte to read at this moment? A call of the system for a node: not for the hot path.
    public var hasInput: Bool {
        switch port {
        case .node(let node): return node.isReadable
        case .simulated(let port): return port.isReadable
        case .serio(let node): return node.isReadable
        case .ipmi(let node): return node.isReadable
        }
    }

    /// To be called when the descriptor is readable, before `receive`.
    public func acknowledge() { if case .simulated(let port) = port { port.drainDoorbell() } }

    /// To be called after `receive`: is there more that the descriptor will not tell of again?
    public var hasUntoldInput: Bool {
        if case .simulated(let port) = port { return port.isReadable }
        return false
    }

    /// Asks to be told when OBF is clear; true when it is already.
    public func armOutput() -> Bool {
        switch port {
        case .node, .serio, .ipmi: return isOutputClear
        case .simulated(let port):
            guard port.isWritable else { return false }
            isOutputKnownClear = true
            return true
        }
    }

    // MARK: Registers

    /// Takes the byte out of IDR; only after the descriptor was readable.
    public func receive() -> Received {
        switch port {
        case .node(let node): return received(node.registers.readBoth())
        case .simulated(let port):
            guard let (value, str) = port.readData() else { return port.isGone ? .failed(.noDevice) : .nothing }
            return received(Int32(value) | Int32(str) << 8)
        case .serio(let node): return node.receive()
        case .ipmi: return .nothing
        }
    }

    private func received(_ taken: Int32) -> Received {
        guard taken >= 0 else { return .failed(Errno(rawValue: -taken)) }
        let str = UInt8(truncatingIfNeeded: taken >> 8)
        note(str)
        return .byte(UInt8(truncatingIfNeeded: taken), str: str)
    }

    /// STR, without consuming IDR; or minus an error number.
    public func readSTR() -> Int32 {
        let result: Int32
        switch port {
        case .node(let node): result = node.registers.readSTR()
        case .simulated(let port):
            let str = port.readStatus()
            result = port.isGone ? -ENODEV : Int32(str)
        case .serio, .ipmi: return Self.unsupported
        }
        if result >= 0 { note(UInt8(truncatingIfNeeded: result)) }
        return result
    }

    /// STR as it was last seen or written.
    public var lastSTR: UInt8 { str }

    /// Is OBF clear? Looks only when it is not known.
    public var isOutputClear: Bool { outputRefusal == 0 }

    /// Why ODR can't be written: minus an error number, `-EBUSY` where OBF is set; 0 when it can. Looks only when OBF is not
    /// known to be clear.
    private var outputRefusal: Int32 {
        if isOutputKnownClear { return 0 }
        let str = readSTR()
        return str < 0 ? str : isOutputKnownClear ? 0 : -Errno.busy.rawValue
    }

    /// Writes ODR; `-EBUSY` where OBF is set.
    public func writeODR(_ value: UInt8) -> Int32 { registers.writeODR(value) }

    /// `writeODR` where it is not known that OBF is clear, or that is not short.
    func writeODRLong(_ value: UInt8) -> Int32 {
        let refusal = outputRefusal
        guard refusal == 0 else { return refusal }
        isOutputKnownClear = false
        switch port {
        case .node(let node): return node.registers.writeODR(value)
        case .simulated(let port): return Self.outcome(port, port.writeData(value))
        case .serio, .ipmi: return Self.unsupported
        }
    }

    /// Changes bits of STR alone. Bit 0 is written as 1, which leaves OBF as it is.
    public func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        let written = changed(mask, value) | STRBit.obf
        switch port {
        case .node(let node): return node.registers.writeSTR(written)
        case .simulated(let port):
            port.writeStatus(written)
            return Self.outcome(port, true)
        case .serio, .ipmi: return Self.unsupported
        }
    }

    /// Changes bits of STR and writes ODR in one step; `-EBUSY`, and nothing done, where OBF is set.
    public func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        let refusal = outputRefusal
        guard refusal == 0 else { return refusal }
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
        case .node(let node): return node.registers.writeSTR(written)
        case .simulated(let port):
            port.writeStatus(written)
            return Self.outcome(port, true)
        case .serio, .ipmi: return Self.unsupported
        }
    }

    /// The memory that a simulated device shares; nil for others.
    public var simulatedWindow: UnsafeMutableRawBufferPointer? {
        if case .simulated(let port) = port { return port.window }
        return nil
    }

    static let unsupported = -EOPNOTSUPP

    /// What a write to a simulated device answers.
    @inline(__always)
    private static func outcome(_ port: SimulatedPort, _ isDone: Bool) -> Int32 {
        port.isGone ? -ENODEV : isDone ? 0 : -Errno.busy.rawValue
    }

    // MARK: Messages

    /// Does the driver run the KCS transfer? If so, there are whole messages here, and no registers.
    public var carriesMessages: Bool {
        if case .ipmi = port { return true }
        return false
    }

    /// Reads one request: its length, or minus an error number, `EAGAIN` when there is none.
    public func readMessage(into buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        guard case .ipmi(let node) = port else { return Self.unsupported }
        return node.readMessage(into: buffer)
    }

    /// Writes the answer to the request that was read last, of 3 to 1000 bytes: 0, or minus an error number, `EINVAL`
    /// when the host CPU no longer waits for it.
    public func writeMessage(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard case .ipmi(let node) = port else { return Self.unsupported }
        return node.writeMessage(bytes)
    }

    /// Sets or clears SMS_ATN on a device of messages: 0, or minus an error number.
    public func setAttention(_ on: Bool) -> Int32 {
        guard case .ipmi(let node) = port else { return Self.unsupported }
        return node.setAttention(on)
    }

    /// Ends a transfer that is under way on a device of messages, with STATE = ERROR: 0, or minus an error number.
    public func forceAbort() -> Int32 {
        guard case .ipmi(let node) = port else { return Self.unsupported }
        return node.forceAbort()
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

    private func note(_ seen: UInt8) { registers.note(seen) }

    private func changed(_ mask: UInt8, _ value: UInt8) -> UInt8 {
        str = str & ~mask | value & mask
        return str
    }

    private func writeBoth(_ odr: UInt8, _ str: UInt8) -> Int32 {
        switch port {
        case .node(let node): return node.registers.writeBoth(odr: odr, str: str)
        case .simulated(let port): return Self.outcome(port, port.writeBoth(odr: odr, str: str))
        case .serio, .ipmi: return Self.unsupported
        }
    }
}
