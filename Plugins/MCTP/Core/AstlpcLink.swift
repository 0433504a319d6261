// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// How a write to the BMC's registers went.
public enum RegisterOutcome: Sendable {
    /// Done.
    case done
    /// Not done: the host has not read ODR yet.
    case full
    /// Not done: the device failed, and its owner knows.
    case failed
}

/// The registers that the astlpc binding needs. No method calls back.
public protocol AstlpcRegisters: AnyObject {
    /// Writes ODR, if the host has read it.
    func write(odr: UInt8) -> RegisterOutcome
    /// Writes STR's bits and ODR in one step, if the host has read ODR.
    func write(odr: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome
    /// The same, and discards what the host has not read.
    func replace(odr: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome
    /// Whether `outputReady` is to be called once the host has read ODR.
    func wantOutput(_ on: Bool)
}

/// An endpoint on the astlpc binding: bytes of the host come in, registers and the shared window go out.
public final class AstlpcLink: Link {
    private let registers: AstlpcRegisters
    /// The time between a start and saying so: hosts such as libmctp's initialise anew only when they see BMC-ready fall.
    private struct Pause {
        /// When it ends even if the host has read nothing.
        let end: UInt64
        /// The byte that says it took the place of one that the host had not read, and that the host may have been about to
        /// read with the STR from before: it is said once more.
        var isDoubtful = false
    }

    // Behind a pointer, for which the compiler adds no checks of exclusive access: half of the work for a small packet.
    private let bmc: UnsafeMutablePointer<AstlpcBMC>
    private var wantsOutput = false
    private var pause: Pause?
    /// Nanoseconds that a host has at most to see that the BMC is not ready.
    static let longestPause: UInt64 = 250_000_000
    /// Signals that made no sense, and lengths that could not be.
    public private(set) var protocolErrors: UInt64 = 0
    /// Times that the host wanted a channel and could not have one.
    public private(set) var refusals: UInt64 = 0
    /// Times that the host wrote over what the BMC says in the window.
    public private(set) var repairs: UInt64 = 0

    /// Payload bytes of a packet unless something else is configured. A packet is copied out of the window, checked, copied
    /// to a program's socket and to the capture in one turn of kcsmuxd's loop, at about 12 cycles a byte: on an ARM at 1 GHz
    /// that is 50 µs for this one, in and out 100 µs, which is what other channels may have to wait. It carries a message of
    /// 4 KiB with its header; half a megabyte, which the window allows, would stop all channels for 6 ms.
    public static let usualUnit = 4160

    /// `unit`: payload bytes that a packet may carry at most; nil for what the window allows. Nil if the window is too
    /// small for two buffers of the baseline unit, or `unit` is below it.
    public init?(
        _ user: PacketUser, _ window: Window, _ registers: AstlpcRegisters, unit: Int? = nil,
        versions: AstlpcVersionRange = .all
    ) {
        guard let bmc = AstlpcBMC(window, versions: versions, unit: unit) else { return nil }
        self.bmc = .allocate(capacity: 1)
        self.bmc.initialize(to: bmc)
        self.registers = registers
        super.init(user)
    }

    deinit {
        bmc.deinitialize(count: 1)
        bmc.deallocate()
    }

    /// The version agreed on with the host; nil while there is no channel.
    public var version: AstlpcVersion? { bmc.pointee.version }
    /// Payload bytes that a packet may carry.
    public var unit: Int { bmc.pointee.unit }

    /// The device is there: shows STR without BMC-ready, and with it once the host has read that, or after `longestPause`.
    public func start(now: UInt64) {
        bmc.pointee.stop()
        pause = Pause(end: now &+ Self.longestPause)
        writeRegisters()
    }

    /// When `pauseEnded` is due; nil if it is not.
    public var deadline: UInt64? { pause?.end }

    /// `deadline` has come.
    public func pauseEnded(now: UInt64) {
        guard let pause, now >= pause.end else { return }
        becomeReady(now: now)
    }

    private func becomeReady(now: UInt64) {
        pause = nil
        bmc.pointee.start()
        pump(now: now)
    }

    /// The device goes: tells the host.
    public func stop() {
        pause = nil
        bmc.pointee.stop()
        user.linkBecameInactive()
        writeRegisters()
    }

    /// The host was reset, or an operator wants a fresh start.
    public func reset(now: UInt64) {
        user.linkBecameInactive()
        start(now: now)
    }

    /// The host wrote a byte. While the BMC is not ready it was meant for the one before.
    public func data(_ value: UInt8, now: UInt64) {
        guard pause == nil else { return }
        switch bmc.pointee.hostWrote(value) {
        case .none: break
        case .packet:
            // The host gets its buffer back before anybody looks at what was in it.
            writeRegisters()
            _ = user.received(bmc.pointee.received, now: now)
        case .corrupt: user.receivedCorrupt(UnsafeRawBufferPointer(bmc.pointee.received))
        case .credit: user.packetTaken()
        case .active:
            user.linkBecameActive(now: now)
            user.observer.log(
                .notice, "channel active: version \(bmc.pointee.version!.rawValue), \(bmc.pointee.unit) B a packet")
        case .inactive: user.linkBecameInactive()
        case .refused(let refusal):
            refusals += 1
            user.linkBecameInactive()
            user.observer.log(.warning, "no channel: \(Self.text(refusal))")
        case .badLength(let length):
            protocolErrors += 1
            user.observer.log(.warning, "dropped a packet: its length is \(length), the unit \(unit)")
        case .protocolError(let signal):
            protocolErrors += 1
            user.observer.log(.debug, "ignored signal \(signal) of the host: it makes no sense now")
        }
        pump(now: now)
    }

    /// The host has read ODR.
    public func outputReady(now: UInt64) {
        wantsOutput = false
        guard let pause, bmc.pointee.write == nil else { return pump(now: now) }
        guard pause.isDoubtful else { return becomeReady(now: now) }
        self.pause = Pause(end: pause.end)
        bmc.pointee.stop()
        writeRegisters()
    }

    /// Writes the registers as far as the host has read them, and puts the next packet into the window.
    public override func pump(now: UInt64) {
        writeRegisters()
        guard bmc.pointee.hasCredit else { return }
        let size = user.nextPacketSize(unit: bmc.pointee.unit)
        guard size > 0 else { return }
        let packet = bmc.pointee.packet(size)
        _ = user.nextPacket(unit: bmc.pointee.unit, into: packet)
        bmc.pointee.send(size)
        user.observer.record(UnsafeRawBufferPointer(packet), toHost: true)
        writeRegisters()
    }

    /// Also looks whether the host wrote over what is ours in the window; due now and then even if nothing happens.
    public override func tick(now: UInt64) {
        if bmc.pointee.repair() {
            repairs += 1
            user.observer.log(.warning, "the host wrote over the BMC's part of the control area: repaired")
        }
        super.tick(now: now)
    }

    private func writeRegisters() {
        while let write = bmc.pointee.write {
            var outcome: RegisterOutcome
            switch write {
            case .data(let value): outcome = registers.write(odr: value)
            case .status(let str):
                outcome = registers.write(odr: 0xFF, mask: AstlpcStatus.mask, str: str)
                if case .full = outcome {
                    outcome = registers.replace(odr: 0xFF, mask: AstlpcStatus.mask, str: str)
                    pause?.isDoubtful = true
                }
            }
            switch outcome {
            case .done: bmc.pointee.written()
            case .full:
                if !wantsOutput { registers.wantOutput(true) }
                wantsOutput = true
                return
            case .failed: return
            }
        }
        // In the pause the host is to read the dummy.
        guard wantsOutput != (pause != nil) else { return }
        wantsOutput = pause != nil
        registers.wantOutput(wantsOutput)
    }

    private static func text(_ refusal: AstlpcRefusal) -> String {
        switch refusal {
        case .versions(let bmc, let host):
            "the host speaks versions \(host.minimum) to \(host.current), the BMC \(bmc.minimum) to \(bmc.current)"
        case .layout(let fault, let layout):
            "the host's layout \(text(fault)): receive \(layout.receive.offset)+\(layout.receive.size), "
                + "transmit \(layout.transmit.offset)+\(layout.transmit.size)"
        case .bmcNotReady, .noMagic, .unit, .byBMC: "the window cannot be used"
        }
    }

    private static func text(_ fault: AstlpcLayoutFault) -> String {
        switch fault {
        case .overflow: "exceeds 32 bits"
        case .outsideWindow: "ends outside the window"
        case .tooSmall: "has a buffer below the baseline unit"
        case .overlapsControlArea: "lies over the control area"
        case .overlap: "has buffers that overlap"
        }
    }
}
