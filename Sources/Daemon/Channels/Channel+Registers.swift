// SPDX-License-Identifier: Apache-2.0
//
// The hot path: readiness of the device, a byte to the handler, what the handler writes. Nothing here allocates or logs,
// but for bytes at level trace. The common case, a handler of bytes that is behind with nothing, goes through `direct`,
// whose references are borrowed: counting them would cost more than all the rest.
import CKCSPlugin
import Capture
import Device
import EventLoop
import LinuxIO
import PluginHost

extension Channel {
    /// Pauses between looks at OBF while a write is pending, in nanoseconds: short at first, and longer for a host CPU
    /// that does not read.
    private static let shortestLook: UInt64 = 2_000_000
    private static let longestLook: UInt64 = 100_000_000
    /// A byte that the host CPU leaves in ODR for so long, while another waits, is a stall.
    private static let stall: UInt64 = 1_000_000_000

    /// To be called when anything has changed that decides how a byte goes.
    func settleInput() {
        direct = nil
        guard let device, let seat = byteSeat, seat.input == KCS_INPUT_AUTO, !isOutputWanted, !isInputHeld,
            device.capabilities.isSuperset(of: .registers)
        else { return }
        direct = DirectInput(
            device: .passUnretained(device), seat: .passUnretained(seat),
            again: device.reportsOutput ? .input : Readiness(rawValue: 0))
    }

    /// There is a byte, and nothing else to think of. `direct` is looked at again after each call that may change it.
    @inline(__always)
    func takeByte(_ direct: DirectInput, _ now: UInt64) {
        marks.enterDevice()
        let received = direct.device._withUnsafeGuaranteedRef { $0.receiveAnnounced() }
        marks.leaveDevice()
        guard case .byte(let value, let str) = received else {
            if case .failed(let errno) = received { deviceFails(errno) }
            return
        }
        note(value, str, now)
        beginCall(.data)
        direct.seat._withUnsafeGuaranteedRef {
            $0.deliver(value, str: str, now: now)
            endCall($0, .data)
        }
        guard let direct = self.direct else { return lookAgain() }
        if direct.device._withUnsafeGuaranteedRef({ $0.hasUntoldInput }) { loop.again(self) }
    }

    @inline(never)
    private func lookAgain() { if let device, device.hasUntoldInput { loop.again(self) } }

    /// The device is ready, or more of it is to be done than the last turn allowed.
    @inline(never)
    func deviceReady(_ events: Readiness, now: UInt64) {
        guard let device else { return }
        if !events.isDisjoint(with: .trouble) { return deviceFails(.inputOutput) }
        if let transfer { return transfer.ready(device, now) }
        guard let seat = byteSeat else { return }
        if isOutputWanted {
            offerOutput(device, seat, now)
            // The handler may have failed in it, and be gone.
            guard byteSeat === seat else { return }
        }
        guard seat.input == KCS_INPUT_AUTO else { return tellInput(device, seat, events, now) }
        guard !isInputHeld else { return }
        if device.reportsOutput {
            // A node: only what epoll said is there may be read.
            guard events.contains(.input) else { return }
        } else {
            device.acknowledge()
        }
        marks.enterDevice()
        let received = device.receive()
        marks.leaveDevice()
        switch received {
        case .byte(let value, let str):
            note(value, str, now)
            beginCall(.data)
            seat.deliver(value, str: str, now: now)
            endCall(seat, .data)
            if let device = self.device, device.hasUntoldInput { loop.again(self) }
        case .nothing: break
        case .failed(let errno): deviceFails(errno)
        }
    }

    @inline(__always)
    private func note(_ value: UInt8, _ str: UInt8, _ now: UInt64) {
        counters.bytesIn &+= 1
        tape?._withUnsafeGuaranteedRef { $0.idrRead(value, str: str, at: recordTime) }
        if log.writes(.trace) { trace(value, str) }
    }

    @inline(never)
    private func trace(_ value: UInt8, _ str: UInt8) {
        log.write(.trace, name, "IDR \(Hex.byte(value)) STR \(Hex.byte(str))")
    }

    @inline(never)
    private func trace(_ value: UInt8) { log.write(.trace, name, "ODR \(Hex.byte(value))") }

    /// Manual input: tells the handler once, and stops looking until it has read.
    private func tellInput(_ device: Device, _ seat: HandlerSeat, _ events: Readiness, _ now: UInt64) {
        if !device.reportsOutput { device.acknowledge() }
        guard !isInputTold, device.reportsOutput ? events.contains(.input) : device.hasInput else { return }
        isInputTold = true
        if device.reportsOutput { wait(for: interest.subtracting(.input)) }
        let str = device.capabilities.contains(.status) ? device.readSTR() : 0
        guard str >= 0 else { return deviceFails(Errno(rawValue: -str)) }
        beginCall(.inputReady)
        seat.tellInputReady(str: UInt8(truncatingIfNeeded: str), now: now)
        endCall(seat, .inputReady)
    }

    private func wait(for wanted: Readiness) {
        guard isRegistered, wanted != interest else { return }
        interest = wanted
        loop.update(self, interest: wanted)
    }

    // MARK: Output

    private func offerOutput(_ device: Device, _ seat: HandlerSeat, _ now: UInt64) {
        guard device.armOutput() else { return }
        endOutputWait(device)
        let str = device.lastSTR
        beginCall(.outputReady)
        seat.tellOutputReady(str: str, now: now)
        endCall(seat, .outputReady)
    }

    private func endOutputWait(_ device: Device) {
        isOutputWanted = false
        loop.cancel(outputTimer)
        if device.reportsOutput { wait(for: interest.subtracting(.output)) }
        releaseInput(device)
        if isStalled {
            isStalled = false
            recorder?.obfStallEnded(str: device.lastSTR, at: recordTime)
        }
    }

    /// The timer beside the readiness: news of OBE can be half a second late, or never come.
    func lookAtOutput(_ now: UInt64) {
        guard let device, let seat = byteSeat, isOutputWanted else { return }
        let waited = now &- outputWaitBegan
        if !isStalled && waited > Self.stall {
            isStalled = true
            counters.obfStalls += 1
            recorder?.obfStallBegan(str: device.lastSTR, at: recordTime)
        }
        loop.set(outputTimer, deadline: now + min(max(waited / 2, Self.shortestLook), Self.longestLook))
        offerOutput(device, seat, now)
    }

    private func releaseInput(_ device: Device) {
        guard isInputHeld else { return }
        isInputHeld = false
        // What a simulated device rang meanwhile is not rung again.
        if device.reportsOutput { wait(for: interest.union(.input)) } else { loop.again(self) }
    }

    func handlerWantsOutput(_ seat: HandlerSeat, _ wish: UInt32) -> Int32 {
        guard let device, registersOutOfTurn(seat, .dataOut) != nil else { return KCS_E_UNAVAILABLE }
        guard wish != UInt32(KCS_OUTPUT_NO) else {
            if isOutputWanted { endOutputWait(device) }
            return KCS_OK
        }
        if wish == UInt32(KCS_OUTPUT_HOLD) && !isInputHeld {
            isInputHeld = true
            if device.reportsOutput { wait(for: interest.subtracting(.input)) }
        } else if wish == UInt32(KCS_OUTPUT_ASK) {
            releaseInput(device)
        }
        guard !isOutputWanted else { return KCS_OK }
        isOutputWanted = true
        outputWaitBegan = Clock.monotonic
        if device.armOutput() {
            // Told in the next turn: no callback is made from inside a host call.
            loop.again(self)
        } else {
            if device.reportsOutput { wait(for: interest.union(.output)) }
            loop.set(outputTimer, deadline: outputWaitBegan + Self.shortestLook)
        }
        return KCS_OK
    }

    // MARK: Registers

    func handlerReadsIDR(_ seat: HandlerSeat) -> (status: Int32, value: UInt8, str: UInt8) {
        guard let device, seat === byteSeat, seat.input == KCS_INPUT_MANUAL else { return (KCS_E_UNAVAILABLE, 0, 0) }
        guard isInputTold else { return (KCS_E_EMPTY, 0, 0) }
        marks.enterDevice()
        let received = device.receive()
        marks.leaveDevice()
        isInputTold = false
        if device.reportsOutput { wait(for: interest.union(.input)) } else { loop.again(self) }
        switch received {
        case .byte(let value, let str):
            note(value, str, loop.now)
            return (KCS_OK, value, str)
        case .nothing: return (KCS_E_EMPTY, 0, 0)
        case .failed(let errno):
            deviceFails(errno)
            return (KCS_E_IO, 0, 0)
        }
    }

    /// The device, if this handler may use its registers and it has them. Borrowed: for one access.
    @inline(__always)
    private func registers(_ seat: HandlerSeat, _ needed: DeviceCapabilities) -> Unmanaged<Device>? {
        if let direct, direct.serves(seat) { return direct.device }
        return registersOutOfTurn(seat, needed)
    }

    @inline(never)
    private func registersOutOfTurn(_ seat: HandlerSeat, _ needed: DeviceCapabilities) -> Unmanaged<Device>? {
        guard let device, seat === byteSeat, device.capabilities.isSuperset(of: needed) else { return nil }
        return .passUnretained(device)
    }

    func handlerReadsSTR(_ seat: HandlerSeat) -> Int32 {
        guard let device = registers(seat, .status) else { return KCS_E_UNAVAILABLE }
        let (before, str) = device._withUnsafeGuaranteedRef { ($0.lastSTR, $0.readSTR()) }
        guard str >= 0 else {
            deviceFails(Errno(rawValue: -str))
            return KCS_E_IO
        }
        if UInt8(truncatingIfNeeded: str) != before {
            recorder?.strRead(UInt8(truncatingIfNeeded: str), at: recordTime)
        }
        return str
    }

    func handlerWritesODR(_ seat: HandlerSeat, _ value: UInt8) -> Int32 {
        guard let device = registers(seat, .dataOut) else { return KCS_E_UNAVAILABLE }
        marks.enterDevice()
        let result = device._withUnsafeGuaranteedRef { $0.writeODR(value) }
        marks.leaveDevice()
        guard result == 0 else { return refuse(result, .odrWrite, value) }
        counters.bytesOut &+= 1
        tape?._withUnsafeGuaranteedRef { $0.odrWritten(value, at: recordTime) }
        if log.writes(.trace) { trace(value) }
        return KCS_OK
    }

    func handlerWritesSTR(_ seat: HandlerSeat, _ mask: UInt8, _ value: UInt8) -> Int32 {
        guard let device = registers(seat, .status) else { return KCS_E_UNAVAILABLE }
        let result = device._withUnsafeGuaranteedRef { $0.writeSTR(mask: mask, value) }
        guard result == 0 else { return refuse(result, .strWrite, value) }
        recorder?.strWritten(value, mask: mask, at: recordTime)
        return KCS_OK
    }

    func handlerWritesBoth(_ seat: HandlerSeat, _ odr: UInt8, _ mask: UInt8, _ value: UInt8) -> Int32 {
        guard let device = registers(seat, [.dataOut, .status]) else { return KCS_E_UNAVAILABLE }
        marks.enterDevice()
        let result = device._withUnsafeGuaranteedRef { $0.write(odr: odr, mask: mask, value) }
        marks.leaveDevice()
        guard result == 0 else { return refuse(result, .odrAndSTRWrite, odr) }
        counters.bytesOut &+= 1
        recorder?.odrAndSTRWritten(odr: odr, str: value, mask: mask, at: recordTime)
        return KCS_OK
    }

    func handlerReplaces(_ seat: HandlerSeat, _ odr: UInt8, _ mask: UInt8, _ value: UInt8) -> Int32 {
        guard let device = registers(seat, [.dataOut, .status]) else { return KCS_E_UNAVAILABLE }
        marks.enterDevice()
        let result = device._withUnsafeGuaranteedRef { $0.replace(odr: odr, mask: mask, value) }
        marks.leaveDevice()
        guard result == 0 else { return refuse(result, .odrAndSTRWrite, odr) }
        counters.bytesOut &+= 1
        counters.replaced &+= 1
        recorder?.replaced(odr: odr, str: value, mask: mask, at: recordTime)
        return KCS_OK
    }

    @inline(never)
    private func refuse(_ result: Int32, _ access: RefusedAccess, _ value: UInt8) -> Int32 {
        guard -result == Errno.busy.rawValue else {
            deviceFails(Errno(rawValue: -result))
            return KCS_E_IO
        }
        counters.refused &+= 1
        recorder?.refused(access, value: value, reason: .outputFull, at: recordTime)
        return KCS_E_BUSY
    }

    func handlerAnnotates(
        _ seat: HandlerSeat, _ kind: UInt32, _ direction: UInt32, _ linkType: UInt32, _ bytes: UnsafeRawBufferPointer,
        _ text: String?
    ) -> Int32 {
        guard kind <= UInt32(KCS_ANNOTATE_PACKET), direction <= UInt32(KCS_DIRECTION_OUT), linkType <= 0xFFFF else {
            return seat.misused("annotate() of kind \(kind), direction \(direction), link type \(linkType)")
        }
        let way: Direction = direction == 0 ? .none : direction == 1 ? .fromHost : .toHost
        recorder?.annotation(
            kind: UInt16(kind), way, link: LinkType(rawValue: UInt16(linkType)), bytes, text: text ?? "", at: recordTime
        )
        return KCS_OK
    }
}

/// What a byte needs on its way, both borrowed from the channel that keeps them.
struct DirectInput {
    let device: Unmanaged<Device>
    let seat: Unmanaged<HandlerSeat>
    /// What readiness, besides input, asks for a look: none, where a look costs nothing that could sleep.
    let again: Readiness

    /// Is it this handler's way?
    @inline(__always)
    func serves(_ other: HandlerSeat) -> Bool { seat.toOpaque() == Unmanaged.passUnretained(other).toOpaque() }
}

/// Bytes for people.
enum Hex {
    /// "0x4f"
    static func byte(_ value: UInt8) -> String {
        value < 16 ? "0x0\(String(value, radix: 16))" : "0x\(String(value, radix: 16))"
    }
}
