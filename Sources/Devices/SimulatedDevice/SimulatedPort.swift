// SPDX-License-Identifier: Apache-2.0
//
// The BMC's side of a simulated device: what a process has that opened the driver's node. It reaches the registers without
// a system call; system calls are for doorbells alone, one to take what the host rang and one to ring after ODR.
//
// The interrupt runs on whichever side notices it. The host runs it after its write, as the hardware would; this side runs
// it again before it looks, so that a host killed in between loses nothing.
import CLinux
import DriverModel
import LinuxIO

/// A simulated device, opened by the BMC's side. One thread uses it.
public final class SimulatedPort {
    private let registers: RegisterFile
    private let lock: FileDescriptor
    private let ownBell: FileDescriptor
    private let hostBell: FileDescriptor
    private let timer: ObeTimer?
    private let sharedWindow: SharedWindow?
    private let scratch: UnsafeMutableRawBufferPointer
    private var isOpen = true

    /// Opens a device, and makes it first where there is none. `EBUSY` while another opener has it: a device is open
    /// once. What a killed owner left open is closed first, as the kernel does when a process ends.
    ///
    /// `driver` is the one that this opener comes through, if not the one that the device was made with: the kernel
    /// has several for one channel.
    public init(
        directory: String, creating settings: DeviceSettings = .init(), through driver: Driver? = nil
    ) throws(SystemError) {
        registers = try DeviceDirectory.openRegisters(directory, settings)
        lock = try DeviceDirectory.openLock(directory)
        if let errno = FileLock.takeVisible(lock.raw).errno {
            let taken = errno == .wouldBlock || errno == .permissionDenied
            throw SystemError(taken ? .busy : errno, "open", directory)
        }
        ownBell = try DeviceDirectory.openDoorbell(directory, "irq-bmc")
        hostBell = try DeviceDirectory.openDoorbell(directory, "irq-host")
        let lag = registers.settings.obeLag
        timer = lag == 0 || lag == .max ? nil : try ObeTimer(period: lag, beside: ownBell.raw)
        sharedWindow = try DeviceDirectory.openWindow(directory, size: registers.settings.windowSize)
        scratch = .allocate(byteCount: 4096, alignment: 16)
        Self.sign(lock.raw)
        guard openDriver(driver ?? registers.settings.driver) else {
            isOpen = false
            throw SystemError(.noDevice, "open", directory)
        }
        // What waits already was rung for somebody else, if at all.
        rearm()
    }

    /// Takes a device over from the process that holds it open, and keeps it so. One of the two uses it at a time.
    public init(adopting directory: String) throws(SystemError) {
        registers = try DeviceDirectory.openRegisters(directory, .init())
        lock = try DeviceDirectory.openLock(directory)
        ownBell = try DeviceDirectory.openDoorbell(directory, "irq-bmc")
        hostBell = try DeviceDirectory.openDoorbell(directory, "irq-host")
        let lag = registers.settings.obeLag
        timer = lag == 0 || lag == .max ? nil : try ObeTimer(period: lag, beside: ownBell.raw)
        sharedWindow = try DeviceDirectory.openWindow(directory, size: registers.settings.windowSize)
        scratch = .allocate(byteCount: 4096, alignment: 16)
        isOpen = false
        rearm()
    }

    deinit {
        close()
        scratch.deallocate()
    }

    /// The owner's number, for those who find the device busy.
    private static func sign(_ lock: Int32) {
        let text = Array("\(CurrentProcess.identifier)\n".utf8)
        if text.withUnsafeBytes({ Syscalls.writeAll(lock, $0, at: 0) }).errno == nil {
            _ = Syscalls.truncate(lock, to: Int64(text.count))
        }
    }

    /// False: the device is gone.
    private func openDriver(_ driver: Driver) -> Bool {
        while true {
            let seen = registers.rawWord
            var state = DriverState(rawValue: seen)
            state.close()
            state.use(driver)
            guard state.open() else { return false }
            let opens = (seen & RegisterLayout.openCount) &+ RegisterLayout.oneOpen
            if registers.exchange(seen, for: state.rawValue | opens) { return true }
        }
    }

    /// Closes the device, for others to open; the descriptors go with the object. Reads and writes must not follow.
    public func close() {
        if !isOpen { return }
        isOpen = false
        registers.change { $0.close() }
        FileLock.dropVisible(lock.raw)
    }

    /// What the device was made with.
    public var settings: DeviceSettings { registers.settings }

    /// The window that both sides share; nil when the device has none.
    public var window: UnsafeMutableRawBufferPointer? { sharedWindow?.bytes }

    /// What the device has counted.
    public func counted(_ counter: Counter) -> UInt64 { registers.counted(counter) }

    // MARK: Readiness

    /// Readable when the driver woke somebody: the descriptor to wait on. It says "look", not what there is to see.
    public var doorbell: Int32 { timer?.descriptor ?? ownBell.raw }

    /// Takes what was rung, and runs the interrupts that are due. Look at `isReadable` and `isWritable` afterwards.
    public func drainDoorbell() {
        Doorbell.drain(ownBell.raw, scratch)
        if let timer, timer.takeExpiry() {
            _ = registers.runInterrupt(timer: true)
            if registers.state.wantsOutput { timer.start() }
        }
        _ = registers.runInterrupt()
    }

    /// Rings the own doorbell while a byte waits. A node of the kernel stays readable until it is read; call this
    /// where a byte is left for later and the wish to be told stays.
    public func rearm() {
        if isReadable { Doorbell.ring(ownBell.raw) }
    }

    /// Rings the own doorbell, for something that was there before anybody asked for it.
    func ringOwnDoorbell() { Doorbell.ring(ownBell.raw) }

    /// EPOLLIN: would `readData` have a byte? Also where the device is gone, which `isGone` tells.
    public var isReadable: Bool {
        _ = registers.runInterrupt()
        let state = registers.state
        return state.isReadable || state.isInputFull || !state.isOpen
    }

    /// Was the device taken away since it was opened? It stays so, even when it comes back: it is to be opened again.
    public var isGone: Bool { !registers.state.isOpen }

    /// EPOLLOUT: is OBF clear? If not, the doorbell tells when it is, as late as the device's OBE does.
    public var isWritable: Bool {
        let ready = registers.change { $0.poll() }.contains(.output)
        if !ready { timer?.start() }
        return ready
    }

    // MARK: Fast calls

    /// pread(2) of two bytes at offset 0: the host's byte, and STR with IBF set. Nil where the call would sleep.
    public func readData() -> (value: UInt8, str: UInt8)? {
        _ = registers.runInterrupt()
        let action = registers.change { state -> ReadAction in
            // Not `read` with O_NONBLOCK, which the posted driver gets wrong.
            guard state.isReadable || state.isInputFull, state.isOpen else { return .sleep }
            return state.read(offset: 0, count: 1)
        }
        guard case .data(let value) = action else { return nil }
        let str = statusAfterData
        registers.count(.bmcReads)
        _ = registers.runInterrupt()
        return (value, str)
    }

    /// The driver samples STR after it took the byte: by then the host may have written the next.
    @inline(__always)
    private var statusAfterData: UInt8 { registers.state.str | STRBit.ibf }

    /// pread(2) of STR.
    public func readStatus() -> UInt8 {
        _ = registers.runInterrupt()
        return registers.state.readStatus()
    }

    /// pwrite(2) of STR. Bit 0 clear drops the byte that the host has not read.
    public func writeStatus(_ value: UInt8) {
        registers.note(registers.change { $0.isOpen ? $0.writeStatus(value) : [] })
        registers.count(.statusWrites)
    }

    /// pwrite(2) of ODR. False where the call would sleep, and then nothing is changed.
    public func writeData(_ value: UInt8) -> Bool {
        let (action, effects) = registers.change {
            $0.isOpen ? $0.writeData(value, nonBlocking: true) : (.again, [])
        }
        return finish(action, effects) == .written(1)
    }

    /// pwrite(2) of both, STR first. False where ODR would sleep, and then STR is changed nevertheless. With bit 0 of
    /// `str` clear it never sleeps, and replaces the byte that the host has not read.
    public func writeBoth(odr: UInt8, str: UInt8) -> Bool {
        writeStatus(str)
        return writeData(odr)
    }

    // MARK: System calls as the driver carries them out

    /// pread(2), with the driver's own notion of O_NONBLOCK.
    public func read(offset: Int, count: Int, nonBlocking: Bool = false) -> ReadAction {
        _ = registers.runInterrupt()
        return finish(registers.change { $0.read(offset: offset, count: count, nonBlocking: nonBlocking) })
    }

    /// A sleeping read goes on; to be called when the doorbell rang.
    public func resumeRead(count: Int) -> ReadAction {
        _ = registers.runInterrupt()
        return finish(registers.change { $0.resumeRead(count: count) })
    }

    /// pwrite(2): `first` goes to `offset`, `second` to the one after it.
    public func write(
        offset: Int, count: Int, first: UInt8 = 0, second: UInt8 = 0, nonBlocking: Bool = false
    ) -> WriteAction {
        // STR takes effect first, and for a moment alone.
        if offset == 0 && count == 2 {
            writeStatus(second)
            let action = write(offset: 0, count: 1, first: first, nonBlocking: nonBlocking)
            return action == .written(1) ? .written(2) : action
        }
        let (action, effects) = registers.change {
            $0.write(offset: offset, count: count, first: first, second: second, nonBlocking: nonBlocking)
        }
        if offset == 1 {
            registers.note(effects)
            if action == .written(1) { registers.count(.statusWrites) }
            return action
        }
        if action == .sleep { timer?.start() }
        return finish(action, effects)
    }

    /// A sleeping write goes on; to be called when the doorbell rang. `count` is what the call was given.
    public func resumeWrite(_ odr: UInt8, count: Int = 1) -> WriteAction {
        _ = registers.runInterrupt()
        let (action, effects) = registers.change { $0.resumeWrite(odr, count: count) }
        return finish(action, effects)
    }

    /// A signal ended a sleeping write.
    public func abandonWrite() -> WriteAction { registers.change { $0.abandonWrite() } }

    /// poll(2). Arms the OBE event whenever OBF is set, as the driver does.
    public func poll() -> Readiness {
        _ = registers.runInterrupt()
        let readiness = registers.change { $0.poll() }
        if !readiness.contains(.output) { timer?.start() }
        return readiness
    }

    private func finish(_ action: ReadAction) -> ReadAction {
        var action = action
        switch action {
        case .data: break
        case .both(let value, _): action = .both(data: value, status: statusAfterData)
        case .nothing, .status, .again, .invalid, .sleep: return action
        }
        registers.count(.bmcReads)
        _ = registers.runInterrupt()
        return action
    }

    @inline(__always)
    private func finish(_ action: WriteAction, _ effects: Effects) -> WriteAction {
        registers.note(effects)
        if effects.contains(.outputFilled) {
            registers.count(.bmcWrites)
            Doorbell.ring(hostBell.raw)
        }
        return action
    }
}
