// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import Capture
import DaemonConfiguration
import Devices
import Events
import HotPath
import KCS
import LinuxIO
import PluginHost

/// Message handlers on a device with registers: the daemon runs the KCS transfer.
final class TransferService: MessageService {
    private var machine: TransferMachine
    private var device: Device?
    private var isPumping = false
    private lazy var timer = ServiceTimer(self)

    /// How late the kernel may end the loop's waits for a strict transfer, in nanoseconds: its 50 µs by default are as long
    /// as the time between two looks at STR.
    private static let strictSlack: UInt = 5_000

    init(_ channel: Channel, _ plan: ChannelPlan) {
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
        super.init(channel)
    }

    /// What the transfer machine has counted.
    override var counters: TransferCounters { machine.counters }

    // MARK: Events

    /// The device was opened and drained, and its channel is registered with the loop.
    override func begin(_ device: Device) {
        self.device = device
        if machine.handshake == .strict { _ = cl_set_timer_slack(Self.strictSlack) }
        machine.started(
            StatusRegister(rawValue: device.lastSTR), staleBytes: device.stale.count, now: Clock.monotonic)
        updateAttention()
        pump()
    }

    /// The device closes: the host CPU finds STATE = ERROR, OBF clear, SMS_ATN as it was.
    override func end() {
        machine.stop()
        pump()
        withChannel { $0.loop.cancel(timer) }
        device = nil
        forgetRequest()
    }

    /// The channel was reset by its operator: what is under way is forgotten.
    override func reset() {
        guard let device else { return }
        machine.stop()
        pump()
        // The device may have failed in it.
        if self.device != nil { begin(device) }
    }

    /// The device is readable, or was asked to be looked at again.
    override func ready(_ device: Device, _ now: UInt64) {
        device.acknowledge()
        machine.inputReady()
        pump()
    }

    // MARK: What handlers do

    override func hasDelivered(_ token: MessageToken) -> Bool { machine.hasDelivered(token) }

    override func showAttention(_ on: Bool) {
        machine.setAttention(on)
        if !isPumping && device != nil { pump() }
    }

    override func send(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer) -> ReplyOutcome {
        guard let base = bytes.baseAddress else { return .tooLong }
        let span = Span(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        return machine.reply(token, with: span, now: Clock.monotonic)
    }

    override func answered() { if !isPumping { pump() } }

    override func withhold(_ token: MessageToken) { _ = machine.withhold(token, now: Clock.monotonic) }

    // MARK: The transfer

    /// Does what the machine wants until it wants to sleep.
    private func pump() {
        guard !isPumping, let device else { return }
        isPumping = true
        withChannel { channel in
            channel.deferringFailures {
                pump(device)
                isPumping = false
            }
        }
    }

    /// A device call, watched for one that sleeps.
    @inline(__always)
    private func watched<Result>(_ call: () -> Result) -> Result {
        withChannel { channel in
            channel.marks.enterDevice()
            defer { channel.marks.leaveDevice() }
            return call()
        }
    }

    private func pump(_ device: Device) {
        while true {
            let now = Clock.monotonic
            switch machine.next(now: now) {
            case .lookAtStatus:
                let str = device.readSTR()
                guard str >= 0 else { return deviceFails(-str) }
                machine.statusRead(StatusRegister(rawValue: UInt8(truncatingIfNeeded: str)), now: now)
            case .readInput:
                switch watched({ device.receive() }) {
                case .byte(let value, let str):
                    withChannel {
                        $0.bytesIn &+= 1
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
                let result = watched { device.write(odr: output, mask: mask.rawValue, value.rawValue) }
                guard result == 0 else { return deviceFails(-result) }
                withChannel {
                    $0.bytesOut &+= 1
                    $0.recorder?.odrAndSTRWritten(
                        odr: output, str: value.rawValue, mask: mask.rawValue, at: $0.recordTime)
                }
            case .replace(let output, let mask, let value):
                let result = watched { device.replace(odr: output, mask: mask.rawValue, value.rawValue) }
                guard result == 0 else { return deviceFails(-result) }
                withChannel {
                    $0.bytesOut &+= 1
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
            case .deliver(let token):
                let count = machine.request.withUnsafeBytes { source in
                    request.copyMemory(from: source)
                    return source.count
                }
                offer(token, count, now)
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
            guard channel.isRegistered else { return }
            if wanted != channel.interest {
                channel.interest = wanted
                channel.loop.update(channel, interest: wanted)
            }
            // What a simulated device rang while nobody listened is not rung again.
            if input && device.hasUntoldInput { channel.loop.again(channel) }
        }
    }

    fileprivate func timerFired() { pump() }
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
