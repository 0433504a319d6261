// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the request is handed to plugins from a buffer of its own, because a plugin answers, and so changes the
// transfer machine, while it still reads the request.
import CKCSPlugin
import CLinux
import Capture
import Configuration
import Device
import EventLoop
import KCS
import LinuxIO
import PluginHost

/// Message handlers on a device with registers: runs the KCS transfer, and offers each request to the handlers in their
/// order until one takes it.
final class TransferService {
    private let channel: Unmanaged<Channel>
    private var machine: TransferMachine
    private var device: Device?
    private var isPumping = false
    private let request: UnsafeMutableRawBufferPointer
    private var requestCount = 0
    /// Whose answer is awaited: the handler that is being asked, or that said that its reply comes later.
    private var answering: HandlerSeat?
    private var token: MessageToken?
    private lazy var timer = ServiceTimer(self)

    private static let invalidCommand: UInt8 = 0xC1
    private static let timedOut: UInt8 = 0xC3
    private static let unspecified: UInt8 = 0xFF
    /// How late the kernel may end the loop's waits for a strict transfer, in nanoseconds: its 50 µs by default are as long
    /// as the time between two looks at STR.
    private static let strictSlack: UInt = 5_000

    init(_ channel: Channel, _ plan: ChannelPlan) {
        self.channel = .passUnretained(channel)
        request = .allocate(byteCount: TransferMachine.requestCapacity, alignment: 8)
        let transfer = plan.configuration.transfer
        var configuration = KCS.TransferConfiguration(handshake: transfer.handshake == .strict ? .strict : .fast)
        configuration.timings.reply = transfer.timeout
        for handler in plan.handlers {
            for entry in handler.plugin.requests where entry.shortest >= 2 && entry.shortest <= entry.longest {
                configuration.requestLengths.append(
                    RequestLength(
                        netFn: entry.netFn, command: entry.command, shortest: entry.shortest, longest: entry.longest))
            }
        }
        machine = TransferMachine(configuration)
    }

    deinit { request.deallocate() }

    /// What the transfer machine has counted.
    var counters: TransferCounters { machine.counters }

    // MARK: Events

    /// The device was opened and drained, and its channel is registered with the loop.
    func begin(_ device: Device) {
        self.device = device
        if machine.handshake == .strict { _ = cl_set_timer_slack(Self.strictSlack) }
        machine.started(
            StatusRegister(rawValue: device.lastSTR), staleBytes: device.stale.count, now: Clock.monotonic)
        updateAttention()
        pump()
    }

    /// The device closes: the host CPU finds STATE = ERROR, OBF clear, SMS_ATN as it was.
    func end() {
        machine.stop()
        pump()
        withChannel { $0.loop.cancel(timer) }
        device = nil
        answering = nil
    }

    /// The channel was reset by its operator: what is under way is forgotten.
    func reset() {
        guard let device else { return }
        machine.stop()
        pump()
        begin(device)
    }

    /// The device is readable, or was asked to be looked at again.
    func ready(_ device: Device, _ now: UInt64) {
        device.acknowledge()
        machine.inputReady()
        pump()
    }

    // MARK: What handlers do

    func reply(_ seat: HandlerSeat, _ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        let token = MessageToken(rawValue: token)
        guard token == self.token, seat === answering else {
            withChannel { $0.counters.staleReplies += 1 }
            return KCS_E_STALE
        }
        return answer(token, bytes)
    }

    /// Any handler's wish for SMS_ATN is the channel's.
    func updateAttention() {
        withChannel { machine.setAttention($0.seats.contains { $0.wantsAttention }) }
        if !isPumping && device != nil { pump() }
    }

    private func answer(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard let base = bytes.baseAddress else { return KCS_E_INVALID }
        let span = Span(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        switch machine.reply(token, with: span, now: Clock.monotonic) {
        case .accepted: break
        case .stale:
            withChannel { $0.counters.staleReplies += 1 }
            return KCS_E_STALE
        case .tooLong: return KCS_E_INVALID
        }
        answering = nil
        self.token = nil
        withChannel { $0.recorder?.message(.toHost, link: .ipmi, bytes, at: $0.recordTime) }
        if !isPumping { pump() }
        return KCS_OK
    }

    // MARK: The transfer

    /// Does what the machine wants until it wants to sleep.
    private func pump() {
        guard !isPumping, let device else { return }
        isPumping = true
        defer { isPumping = false }
        while true {
            let now = Clock.monotonic
            switch machine.next(now: now) {
            case .lookAtStatus:
                let str = device.readSTR()
                guard str >= 0 else { return deviceFails(-str) }
                machine.statusRead(StatusRegister(rawValue: UInt8(truncatingIfNeeded: str)), now: now)
            case .readInput:
                switch device.receive() {
                case .byte(let value, let str):
                    withChannel {
                        $0.counters.bytesIn &+= 1
                        $0.recorder?.idrRead(value, str: str, at: $0.recordTime)
                    }
                    machine.inputRead(value, status: StatusRegister(rawValue: str), now: now)
                case .nothing: return deviceFails(EIO)
                case .failed(let errno): return deviceFails(errno.rawValue)
                }
            case .writeStatus(let mask, let value):
                let result = device.writeSTR(mask: mask.rawValue, value.rawValue)
                guard result == 0 else { return deviceFails(-result) }
                withChannel { $0.recorder?.strWritten(value.rawValue, mask: mask.rawValue, at: $0.recordTime) }
            case .writeBoth(let output, let mask, let value):
                let result = device.write(odr: output, mask: mask.rawValue, value.rawValue)
                guard result == 0 else { return deviceFails(-result) }
                withChannel {
                    $0.counters.bytesOut &+= 1
                    $0.recorder?.odrAndSTRWritten(
                        odr: output, str: value.rawValue, mask: mask.rawValue, at: $0.recordTime)
                }
            case .replace(let output, let mask, let value):
                let result = device.replace(odr: output, mask: mask.rawValue, value.rawValue)
                guard result == 0 else { return deviceFails(-result) }
                withChannel {
                    $0.counters.bytesOut &+= 1
                    $0.counters.replaced &+= 1
                    $0.recorder?.replaced(odr: output, str: value.rawValue, mask: mask.rawValue, at: $0.recordTime)
                }
            case .dropOutput(let mask, let value):
                let result = device.clearOutput(mask: mask.rawValue, value.rawValue)
                guard result == 0 else { return deviceFails(-result) }
                withChannel {
                    $0.counters.replaced &+= 1
                    $0.recorder?.strWritten(value.rawValue, mask: mask.rawValue | 1, at: $0.recordTime)
                }
            case .deliver(let token): offer(token, now)
            case .ended(let token, let end): withdraw(token, end)
            case .sleep(let deadline, let input): return sleep(device, deadline, input)
            case .stopped: return
            }
        }
    }

    private func deviceFails(_ number: Int32) {
        withChannel { $0.deviceFails(Errno(rawValue: number)) }
    }

    private func sleep(_ device: Device, _ deadline: UInt64?, _ input: Bool) {
        withChannel { channel in
            if let deadline { channel.loop.set(timer, deadline: deadline) } else { channel.loop.cancel(timer) }
            let wanted: Readiness = input ? .input : []
            guard channel.isRegistered, wanted != channel.interest else { return }
            channel.interest = wanted
            channel.loop.update(channel, interest: wanted)
            // What a simulated device rang while nobody listened is not rung again.
            if input && device.hasUntoldInput { channel.loop.again(channel) }
        }
    }

    fileprivate func timerFired() { pump() }

    // MARK: Requests

    private func offer(_ token: MessageToken, _ now: UInt64) {
        requestCount = machine.request.withUnsafeBytes { source in
            request.copyMemory(from: source)
            return source.count
        }
        let bytes = UnsafeRawBufferPointer(rebasing: request[..<requestCount])
        self.token = token
        withChannel { channel in
            channel.recorder?.message(.fromHost, link: .ipmi, bytes, at: channel.recordTime)
            for seat in channel.seats where seat.input == KCS_INPUT_MESSAGES {
                answering = seat
                channel.beginCall(.message)
                let disposition = seat.offer(token.rawValue, bytes, now: now)
                channel.endCall(seat, .message)
                // A reply makes it this handler's, whatever it says.
                guard self.token == token else { return }
                switch disposition {
                case KCS_PENDING: return
                case KCS_HANDLED:
                    answering = nil
                    self.token = nil
                    _ = machine.withhold(token, now: Clock.monotonic)
                    return
                case KCS_DECLINED: continue
                default:
                    complete(token, Self.unspecified)
                    return channel.failSoon("plugin \(seat.plugin.name): message answered \(disposition)")
                }
            }
            complete(token, Self.invalidCommand)
        }
    }

    /// Answers for the handlers, with a completion code alone.
    private func complete(_ token: MessageToken, _ code: UInt8) {
        let response: [UInt8] = [request[0] | 0x04, requestCount > 1 ? request[1] : 0, code]
        _ = response.withUnsafeBytes { answer(token, $0) }
    }

    private func withdraw(_ token: MessageToken, _ end: MessageEnd) {
        guard token == self.token else { return }
        withChannel { channel in
            if end == .expired, let seat = answering {
                let response: [UInt8] = [request[0] | 0x04, request[1], Self.timedOut]
                response.withUnsafeBytes {
                    channel.recorder?.message(.toHost, link: .ipmi, $0, at: channel.recordTime)
                }
                channel.log.write(
                    .warning, channel.name,
                    "plugin \(seat.plugin.name): NetFn \(Hex.byte(request[0] >> 2)) command \(Hex.byte(request[1]))"
                        + " was not answered in time; the host CPU got completion code C3")
            }
        }
        self.token = nil
        answering = nil
    }

    @inline(__always)
    private func withChannel<Result>(_ body: (Channel) -> Result) -> Result { channel._withUnsafeGuaranteedRef(body) }
}

/// The machine's deadline.
private final class ServiceTimer: LoopTimer {
    private let service: Unmanaged<TransferService>

    init(_ service: TransferService) {
        self.service = .passUnretained(service)
        super.init()
    }

    // Retained for the call: a failure in it ends the service.
    override func fire(now: UInt64) { service.takeUnretainedValue().timerFired() }
}

extension Channel {
    func handlerReplies(_ seat: HandlerSeat, _ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard let transfer else { return KCS_E_UNAVAILABLE }
        return transfer.reply(seat, token, bytes)
    }

    func handlerSetsAttention(_ seat: HandlerSeat, _ on: Bool) -> Int32 {
        seat.wantsAttention = on
        transfer?.updateAttention()
        return KCS_OK
    }
}
