// SPDX-License-Identifier: Apache-2.0
//
// Two facts save system calls. Only the BMC sets OBF: once an STR was seen with OBF clear, it stays clear until this side
// writes ODR, so ODR can be written without another look. And SMS_ATN, OEM1, OEM2 and STATE are only ever written by this
// side, so a change of some of them needs no read before it.
import KCS
import LinuxIO

/// An open device with IDR, ODR and STR. One thread uses it. A write of ODR fails with `EBUSY`, and nothing is done, where
/// OBF is set; any other error means that the device failed.
public final class RegisterDevice: ByteDevice {
    private let registers: Registers
    /// What the device gives.
    public let capabilities: DeviceCapabilities
    /// The bytes that were there at open: at most two.
    public private(set) var stale: [HostByte] = []
    /// STR as this side knows it: software's bits exactly, the hardware's as last seen. OBF clear means that it was seen
    /// clear, and that ODR has not been written since.
    public private(set) var lastSTR = obf

    /// Takes over registers that were just opened, and takes out what waits in them: the driver's buffer and IDR. Whoever
    /// wrote that meant it for a process that is gone.
    public init(_ registers: Registers, _ capabilities: DeviceCapabilities) throws(Errno) {
        self.registers = registers
        self.capabilities = capabilities
        _ = try readSTR()
        while stale.count < 2 && registers.hasInput, let byte = try receive() { stale.append(byte) }
    }

    /// Takes over registers from a process that opened them, and took these bytes out.
    public init(adopting registers: Registers, _ capabilities: DeviceCapabilities, stale: [HostByte]) throws(Errno) {
        self.registers = registers
        self.capabilities = capabilities
        self.stale = stale
        _ = try readSTR()
    }

    /// What the loop waits on.
    public var descriptor: Int32 { registers.descriptor }

    /// As `Registers.interest`.
    public func interest(input: Bool, output: Bool) -> DeviceEvents {
        registers.interest(input: input, output: output)
    }

    /// As `Registers.events`.
    public func events(_ readiness: DeviceEvents, awaitingOutput: Bool) -> DeviceEvents {
        registers.events(readiness, awaitingOutput: awaitingOutput)
    }

    /// The memory that comes with the registers, as a simulated device's does; nil for others.
    public var window: UnsafeMutableRawBufferPointer? { registers.window }

    // MARK: Reading

    /// Takes the byte out of IDR, only after it was told of; nil where there is none after all.
    public func receive() throws(Errno) -> HostByte? {
        guard let byte = try registers.readIDR() else { return nil }
        lastSTR = byte.str
        return byte
    }

    /// STR, without consuming IDR.
    public func readSTR() throws(Errno) -> UInt8 {
        lastSTR = try registers.readSTR()
        return lastSTR
    }

    /// Is OBF clear? Looks only when that is not known.
    public func isOutputClear() throws(Errno) -> Bool {
        if lastSTR & obf == 0 { return true }
        return try readSTR() & obf == 0
    }

    // MARK: Writing

    /// Writes ODR.
    public func writeODR(_ value: UInt8) throws(Errno) {
        guard try isOutputClear() else { throw .busy }
        lastSTR |= obf
        try registers.writeODR(value)
    }

    /// Changes bits of STR alone. Bit 0 is written as 1, which leaves OBF as it is.
    public func writeSTR(mask: UInt8, _ value: UInt8) throws(Errno) {
        lastSTR = lastSTR & ~mask | value & mask
        try registers.writeSTR(lastSTR | obf)
    }

    /// Changes bits of STR and writes ODR in one step.
    public func write(odr: UInt8, mask: UInt8, _ value: UInt8) throws(Errno) {
        guard try isOutputClear() else { throw .busy }
        lastSTR = lastSTR & ~mask | value & mask | obf
        try registers.write(odr: odr, str: lastSTR)
    }

    /// As `write`, but whatever OBF is: the host CPU's unread byte is discarded.
    public func replace(odr: UInt8, mask: UInt8, _ value: UInt8) throws(Errno) {
        lastSTR = lastSTR & ~mask | value & mask | obf
        try registers.write(odr: odr, str: lastSTR & ~obf)
    }

    /// Clears OBF, and with it the byte that the host CPU has not read, and changes bits of STR.
    public func clearOutput(mask: UInt8, _ value: UInt8) throws(Errno) {
        lastSTR = (lastSTR & ~mask | value & mask) & ~obf
        try registers.writeSTR(lastSTR)
    }

    /// Takes out what the host CPU wrote last, for nobody, and lets the device go: some drivers deliver a byte left behind
    /// to the next opener.
    public func close() {
        var left = 2
        while left > 0 && registers.hasInput, let byte = try? receive() {
            _ = byte
            left -= 1
        }
        registers.close()
    }
}

private let obf = StatusRegister.obf.rawValue
