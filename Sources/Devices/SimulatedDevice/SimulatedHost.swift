// SPDX-License-Identifier: Apache-2.0
//
// The host CPU's side of a simulated device: two ports, and the interrupt that ODR raises. As on hardware, nothing tells the
// host that IBF fell: it looks again and again.
import CLinux
import DriverModel
import LinuxIO

/// A simulated device as the host CPU reaches it. One thread uses an object; any number of objects may be open.
public final class SimulatedHost {
    private let registers: RegisterFile
    private let lock: FileDescriptor
    private let bmcBell: FileDescriptor
    private let ownBell: FileDescriptor
    private let sharedWindow: SharedWindow?
    private let scratch: UnsafeMutableRawBufferPointer

    /// What goes wrong with the interrupts that this object raises; nil for nothing.
    public var faults: InterruptFaults?
    /// How many interrupts were lost, delayed, and raised for nothing so far.
    public private(set) var injected = (lost: 0, delayed: 0, spurious: 0)
    /// When a delayed interrupt is due; 0 for none.
    private var interruptDue: UInt64 = 0

    /// Reaches a device, and makes it first where there is none.
    public init(directory: String, creating settings: DeviceSettings = .init()) throws(SystemError) {
        registers = try DeviceDirectory.openRegisters(directory, settings)
        lock = try DeviceDirectory.openLock(directory)
        bmcBell = try DeviceDirectory.openDoorbell(directory, "irq-bmc")
        ownBell = try DeviceDirectory.openDoorbell(directory, "irq-host")
        sharedWindow = try DeviceDirectory.openWindow(directory, size: registers.settings.windowSize)
        scratch = .allocate(byteCount: 4096, alignment: 16)
        closeForDeadOwner()
    }

    deinit { scratch.deallocate() }

    /// What the device was made with.
    public var settings: DeviceSettings { registers.settings }

    /// The window that both sides share; nil when the device has none.
    public var window: UnsafeMutableRawBufferPointer? { sharedWindow?.bytes }

    /// What the device has counted.
    public func counted(_ counter: Counter) -> UInt64 { registers.counted(counter) }

    /// Registers and driver at this moment; more than a host can see.
    public var state: DriverState { registers.state }

    // MARK: Ports

    /// Reads the status port.
    public func readStatus() -> UInt8 {
        if interruptDue != 0 && Clock.monotonic >= interruptDue { nudge() }
        return registers.state.hostReadsStatus()
    }

    /// Reads the data port, whatever OBF says.
    public func readData() -> UInt8 {
        let value = registers.change { $0.hostReadsData() }
        registers.count(.hostReads)
        raiseInterrupt()
        return value
    }

    /// Writes the data or the command port, whatever IBF says. False: a byte that nobody had taken is gone.
    @discardableResult
    public func write(_ value: UInt8, command: Bool = false) -> Bool {
        let effects = registers.change { $0.hostWrites(value, command: command) }
        registers.note(effects)
        registers.count(command ? .hostCommandWrites : .hostDataWrites)
        raiseInterrupt()
        return !effects.contains(.inputOverwritten)
    }

    @inline(__always)
    private func raiseInterrupt() {
        if faults != nil { return raiseFaultyInterrupt() }
        if registers.runInterrupt() { Doorbell.ring(bmcBell.raw) }
    }

    private func raiseFaultyInterrupt() {
        switch faults?.next() ?? .none {
        case .lost:
            injected.lost += 1
            return
        case .delayed(let time):
            injected.delayed += 1
            interruptDue = Clock.monotonic &+ time
            return
        case .spurious:
            ringForNothing()
        case .none: break
        }
        if registers.runInterrupt() { Doorbell.ring(bmcBell.raw) }
    }

    /// Readiness without a reason: the BMC's side is told to look, and there need be nothing to see.
    public func ringForNothing() {
        injected.spurious += 1
        Doorbell.ring(bmcBell.raw)
    }

    // MARK: Presence

    /// Takes the device away, as when its driver is unbound: whoever has it open loses it, and what is in its registers is
    /// lost. The posted driver tells nobody, and the next use of the node stops the kernel; here calls end with `ENODEV`.
    public func vanish() {
        registers.change { $0.vanish() }
        interruptDue = 0
        Doorbell.ring(bmcBell.raw)
    }

    /// Gives it back, as new.
    public func comeBack() {
        registers.change { $0.comeBack() }
    }

    // MARK: Waiting

    /// Readable after the BMC wrote ODR: the host's interrupt.
    public var doorbell: Int32 { ownBell.raw }

    /// Takes what was rung.
    public func drainDoorbell() { Doorbell.drain(ownBell.raw, scratch) }

    /// Writes once IBF is clear. False: it was not before the deadline (`Clock.monotonic`), and nothing is written.
    public func send(_ value: UInt8, command: Bool = false, deadline: UInt64) -> Bool {
        guard wait(for: STRBit.ibf, toBe: 0, deadline: deadline) else { return false }
        write(value, command: command)
        return true
    }

    /// Reads ODR once OBF is set. Nil: it was not before the deadline.
    public func receive(deadline: UInt64) -> UInt8? {
        wait(for: STRBit.obf, toBe: STRBit.obf, deadline: deadline) ? readData() : nil
    }

    /// Waits until the bits of STR under the mask are `value`. False: they were not before the deadline.
    public func wait(for mask: UInt8, toBe value: UInt8, deadline: UInt64) -> Bool {
        var pause: UInt64 = 0
        var sinceRing: UInt64 = 0
        var looks = 0
        while true {
            if readStatus() & mask == value { return true }
            looks += 1
            // A driver of the host's looks a few times before it sleeps; the other side may run on this processor.
            if looks < Self.looksBeforeSleep {
                CurrentThread.yield()
                continue
            }
            let now = Clock.monotonic
            if now >= deadline {
                nudge()
                return readStatus() & mask == value
            }
            pause = min(max(pause * 2, Self.shortestPause), Self.longestPause)
            let slept = min(pause, deadline - now)
            sleep(slept)
            sinceRing += slept
            if sinceRing >= Self.ringPeriod {
                sinceRing = 0
                nudge()
            }
        }
    }

    private static let looksBeforeSleep = 50
    private static let shortestPause: UInt64 = 20_000
    private static let longestPause: UInt64 = 1_000_000
    private static let ringPeriod: UInt64 = 2_000_000

    /// What an earlier host may have died before doing: the interrupt, and ringing for it.
    public func nudge() {
        interruptDue = 0
        closeForDeadOwner()
        _ = registers.runInterrupt()
        let state = registers.state
        if state.isOpen && (state.isReadable || state.isInputFull || state.isWritable) { Doorbell.ring(bmcBell.raw) }
    }

    /// Sleeps until the BMC rings, at most so long. Another host's object may take what was rung.
    private func sleep(_ nanoseconds: UInt64) {
        if Poll.isReadable(ownBell.raw, within: nanoseconds) { drainDoorbell() }
    }

    /// The kernel closes the node of a process that ends. Here the next to come does it: the word is compared with
    /// what it was before the lock was found free, and every open changes it.
    private func closeForDeadOwner() {
        let seen = registers.rawWord
        var state = DriverState(rawValue: seen)
        guard state.isOpen, FileLock.isHeld(lock.raw) == false else { return }
        state.close()
        _ = registers.exchange(seen, for: state.rawValue | seen & RegisterLayout.openCount)
    }
}
