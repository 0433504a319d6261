// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import Common
import DaemonConfiguration
import Devices
import Events
import IPMI
import KCS
import LinuxIO
import PluginHost
import Schema

/// Messages on a device with registers: the daemon runs the KCS transfer. Carries out what the transfer machine wants.
final class TransferCarrier: MessageCarrier {
    private let context: ChannelContext
    private let device: RegisterDevice
    private var machine: TransferMachine
    private var hasDoubted = false
    private var strayLimit = RateLimit(burst: 3, interval: 10_000_000_000)

    /// How late the kernel may end the loop's waits for a strict transfer, in nanoseconds: its 50 µs by default are as long
    /// as the time between two looks at STR.
    private static let strictSlack: UInt = 5_000

    init(_ context: ChannelContext, _ device: RegisterDevice, _ plan: ChannelPlan, wantsIdle: Bool) {
        self.context = context
        self.device = device
        machine = TransferMachine(KCS.TransferConfiguration(plan, wantsIdle: wantsIdle))
        super.init()
    }

    override var descriptor: Int32 { device.descriptor }
    override var counters: TransferCounters { machine.counters }
    override var answersRead: UInt64 { machine.counters.completed }

    override func begin(attention: Bool, now: UInt64) throws(Errno) {
        if machine.handshake == .strict { CurrentThread.setTimerSlack(Self.strictSlack) }
        machine.started(StatusRegister(rawValue: device.lastSTR), staleBytes: device.stale.count, now: now)
        machine.setAttention(attention)
    }

    override func deviceReady(_ readiness: Readiness) {
        if !device.events(DeviceEvents(readiness), awaitingOutput: false).isEmpty { machine.inputReady() }
    }

    override func hasDelivered(_ token: MessageToken) -> Bool { machine.hasDelivered(token) }

    override func reply(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer, now: UInt64) throws(Errno)
        -> ReplyOutcome
    {
        guard let base = bytes.baseAddress else { return .tooLong }
        let span = Span(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        return machine.reply(token, with: span, now: now)
    }

    override func withhold(_ token: MessageToken, now: UInt64) { _ = machine.withhold(token, now: now) }
    override func setAttention(_ on: Bool) throws(Errno) { machine.setAttention(on) }

    override func reset(now: UInt64) throws(Errno) {
        let attention = StatusRegister(rawValue: device.lastSTR).contains(.smsAttention)
        try stop(now)
        try begin(attention: attention, now: now)
    }

    override func end(now: UInt64) { do throws(Errno) { try stop(now) } catch { context.deviceFailed(error) } }

    private func stop(_ now: UInt64) throws(Errno) {
        machine.stop()
        while true {
            let action = machine.next(now: now)
            if case .stopped = action { return }
            try perform(action, now)
        }
    }

    // MARK: The transfer

    override func next(into buffer: UnsafeMutableRawBufferPointer, now: UInt64) throws(Errno) -> CarrierEvent {
        while true {
            let action = machine.next(now: now)
            switch action {
            case .deliver(let token):
                let count = machine.request.withUnsafeBytes { source in
                    buffer.copyMemory(from: source)
                    return source.count
                }
                return .request(token, count)
            case .ended(let token, let end): return .ended(token, end)
            case .sleep(let deadline, let input):
                return .waiting(until: deadline, Readiness(device.interest(input: input, output: false)))
            case .stopped: return .waiting(until: nil, [])
            default: try perform(action, now)
            }
        }
    }

    private func perform(_ action: TransferAction, _ now: UInt64) throws(Errno) {
        switch action {
        case .lookAtStatus: machine.statusRead(StatusRegister(rawValue: try device.readSTR()), now: now)
        case .readInput:
            context.activity.enterDevice()
            defer { context.activity.leaveDevice() }
            guard let byte = try device.receive() else { throw .inputOutput }
            context.counters.bytesIn &+= 1
            let strays = machine.counters.strays
            let isSecret = machine.isReceiving && Confidential.start(of: machine.request) != nil
            // C/D of STR may be that of the next byte; the machine knows.
            let isCommand = machine.inputRead(byte.value, status: StatusRegister(rawValue: byte.str), now: now)
            let port: HostPort = isCommand.map { $0 ? .command : .data } ?? .unknown
            // A password is in no capture, a byte that cannot be one is.
            context.recorder?.idrRead(
                isSecret && port != .command ? 0 : byte.value, str: byte.str, port: port, at: context.recordTime)
            if machine.counters.strays != strays { noteStray(byte.value) }
            if !hasDoubted, let doubt = machine.driverDoubt { note(doubt) }
        case .writeStatus(let mask, let value):
            try device.writeSTR(mask: mask.rawValue, value.rawValue)
            context.recorder?.strWritten(value.rawValue, mask: mask.rawValue, at: context.recordTime)
        case .writeBoth(let output, let mask, let value):
            context.activity.enterDevice()
            defer { context.activity.leaveDevice() }
            try device.write(odr: output, mask: mask.rawValue, value.rawValue)
            context.counters.bytesOut &+= 1
            context.recorder?.odrAndSTRWritten(
                odr: output, str: value.rawValue, mask: mask.rawValue, at: context.recordTime)
        case .replace(let output, let mask, let value):
            context.activity.enterDevice()
            defer { context.activity.leaveDevice() }
            try device.replace(odr: output, mask: mask.rawValue, value.rawValue)
            context.counters.bytesOut &+= 1
            context.counters.replaced &+= 1
            context.recorder?.replaced(odr: output, str: value.rawValue, mask: mask.rawValue, at: context.recordTime)
        case .dropOutput(let mask, let value):
            try device.clearOutput(mask: mask.rawValue, value.rawValue)
            context.counters.replaced &+= 1
            context.recorder?.strWritten(value.rawValue, mask: mask.rawValue | 1, at: context.recordTime)
        case .deliver, .ended, .sleep, .stopped: break
        }
    }
}

extension TransferCarrier {
    private func note(_ doubt: DriverDoubt) {
        hasDoubted = true
        let text =
            switch doubt {
            case .keepsInput:
                "the device keeps IBF set until a byte is read, which takes 50ms for each as it is configured:"
                    + " its 'driver' seems to be deferred"
            case .takesInput:
                "hosts give up in the middle of requests, as they do where the driver takes IDR by itself:"
                    + " 'driver' seems to be v2, for which 'handshake' is not fast"
            }
        context.log.write(.warning, context.name, text)
    }

    private func noteStray(_ value: UInt8) {
        guard let suppressed = strayLimit.admit(context.loop.now) else { return }
        context.log.write(
            .warning, context.name,
            "the host CPU wrote data byte \(Hex.number(value)) while no transfer was under way; it was read away"
                + suppressedNote(suppressed))
    }
}

extension KCS.TransferConfiguration {
    /// As a channel's file, the plugins' tables of request lengths and the handlers that started say.
    init(_ plan: ChannelPlan, wantsIdle: Bool) {
        let transfer = plan.configuration.transfer
        self.init(handshake: transfer.handshake == .strict ? .strict : .fast)
        timings.reply = transfer.timeout.nanoseconds
        switch transfer.rest {
        case .auto: rest = wantsIdle ? .idle : .write
        case .write: rest = .write
        case .idle: rest = .idle
        }
        for handler in plan.handlers {
            for entry in handler.plugin.requests where entry.shortest >= 2 && entry.shortest <= entry.longest {
                requestLengths.append(
                    RequestLength(
                        netFn: entry.netFn, command: entry.command, shortest: entry.shortest, longest: entry.longest,
                        count: entry.count.map { RequestLength.CountByte(offset: $0.offset, added: $0.added) }))
            }
        }
    }
}
