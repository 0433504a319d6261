// SPDX-License-Identifier: Apache-2.0
//
// What handlers of bytes do to the device, and the device's readiness, whenever the lane is closed: input that is taken by
// hand or held back, output that waits, a failure, a device without a short way.
import CKCSPlugin
import Capture
import Devices
import Events
import HotPath
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
        guard let device, let seat = byteSeat, seat.input == KCS_INPUT_AUTO, !isOutputWanted, !isInputHeld,
            failureInCall == nil, device.registers.kind != .none
        else {
            closeLane()
            byteSeat?.shorten(nil)
            return
        }
        let taker = seat.byteTaker
        openLane(from: device, to: taker.function, taker.instance)
        seat.shorten(ODRShortcut(odrWriter, odrContext))
    }

    /// To be called when anything has changed that decides who is told of bytes.
    func settleNotes() {
        note(on: recorder, isTraced: log.writes(.trace))
        settleInput()
    }

    /// The device is ready, or more of it is to be done than the last turn allowed.
    func serve(_ events: Readiness, now: UInt64) {
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

    private func note(_ value: UInt8, _ str: UInt8, _ now: UInt64) {
        bytesIn &+= 1
        recorder?.idrRead(value, str: str, at: recordTime)
        if log.writes(.trace) { trace(in: value, str: str) }
    }

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
        guard let device, registers(seat, .dataOut) != nil else { return KCS_E_UNAVAILABLE }
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

    /// The device, if this handler may use its registers and it has them.
    private func registers(_ seat: HandlerSeat, _ needed: DeviceCapabilities) -> Device? {
        guard let device, seat === byteSeat, device.capabilities.isSuperset(of: needed) else { return nil }
        return device
    }

    func handlerReadsSTR(_ seat: HandlerSeat) -> Int32 {
        guard let device = registers(seat, .status) else { return KCS_E_UNAVAILABLE }
        let (before, str) = (device.lastSTR, device.readSTR())
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
        let result = device.writeODR(value)
        marks.leaveDevice()
        guard result == 0 else { return refuse(result, .odrWrite, value) }
        bytesOut &+= 1
        recorder?.odrWritten(value, at: recordTime)
        if log.writes(.trace) { trace(out: value) }
        return KCS_OK
    }

    func handlerWritesSTR(_ seat: HandlerSeat, _ mask: UInt8, _ value: UInt8) -> Int32 {
        guard let device = registers(seat, .status) else { return KCS_E_UNAVAILABLE }
        let result = device.writeSTR(mask: mask, value)
        guard result == 0 else { return refuse(result, .strWrite, value) }
        recorder?.strWritten(value, mask: mask, at: recordTime)
        return KCS_OK
    }

    func handlerWritesBoth(_ seat: HandlerSeat, _ odr: UInt8, _ mask: UInt8, _ value: UInt8) -> Int32 {
        guard let device = registers(seat, [.dataOut, .status]) else { return KCS_E_UNAVAILABLE }
        marks.enterDevice()
        let result = device.write(odr: odr, mask: mask, value)
        marks.leaveDevice()
        guard result == 0 else { return refuse(result, .odrAndSTRWrite, odr) }
        bytesOut &+= 1
        recorder?.odrAndSTRWritten(odr: odr, str: value, mask: mask, at: recordTime)
        return KCS_OK
    }

    func handlerReplaces(_ seat: HandlerSeat, _ odr: UInt8, _ mask: UInt8, _ value: UInt8) -> Int32 {
        guard let device = registers(seat, [.dataOut, .status]) else { return KCS_E_UNAVAILABLE }
        marks.enterDevice()
        let result = device.replace(odr: odr, mask: mask, value)
        marks.leaveDevice()
        guard result == 0 else { return refuse(result, .odrAndSTRWrite, odr) }
        bytesOut &+= 1
        counters.replaced &+= 1
        recorder?.replaced(odr: odr, str: value, mask: mask, at: recordTime)
        return KCS_OK
    }

    func refuse(_ result: Int32, _ access: RefusedAccess, _ value: UInt8) -> Int32 {
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

/// Bytes for people.
enum Hex {
    /// "0x4f"
    static func byte(_ value: UInt8) -> String {
        value < 16 ? "0x0\(String(value, radix: 16))" : "0x\(String(value, radix: 16))"
    }
}
