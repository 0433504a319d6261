// SPDX-License-Identifier: Apache-2.0
import DaemonConfiguration
import Devices
import Events
import HotPath
import KCS
import LinuxIO

/// Message handlers on a device whose driver runs the KCS transfer: whole requests are read, whole answers written.
///
/// The driver says nothing when the host CPU gives up: the next request, or a refused answer, tells.
final class KernelTransferService: MessageService {
    private let timeout: UInt64
    private var device: Device?
    private var lastToken: UInt64 = 0
    private var counted = TransferCounters()
    private lazy var timer = ReplyTimer(self)

    init(_ channel: Channel, _ plan: ChannelPlan) {
        timeout = plan.configuration.transfer.timeout
        super.init(channel)
    }

    override var counters: TransferCounters { counted }

    // MARK: Events

    override func begin(_ device: Device) {
        self.device = device
        updateAttention()
    }

    /// The host CPU finds STATE = ERROR, with the driver's status byte to read; SMS_ATN stays.
    override func end() {
        withChannel { $0.loop.cancel(timer) }
        if let token { withdraw(token, .stopped) }
        _ = device?.forceAbort()
        device = nil
    }

    override func reset() {
        withChannel { $0.loop.cancel(timer) }
        if let token { withdraw(token, .stopped) }
        if let device { check(device.forceAbort()) }
    }

    override func ready(_ device: Device, _ now: UInt64) {
        withChannel { $0.deferringFailures { take(device, now) } }
    }

    private func take(_ device: Device, _ now: UInt64) {
        let count = device.readMessage(into: request)
        // The host CPU gave it up before it was read, or there was none.
        if count == -Errno.wouldBlock.rawValue { return }
        guard count >= 0 else { return check(count) }
        if let token {
            counted.aborted += 1
            withdraw(token, .aborted)
        }
        // NetFn/LUN and command; the drivers take no shorter one.
        guard count >= 2 else { return check(device.forceAbort()) }
        lastToken += 1
        counted.delivered += 1
        withChannel { $0.loop.set(timer, deadline: Clock.monotonic + timeout) }
        offer(MessageToken(rawValue: lastToken), Int(count), now)
    }

    fileprivate func replyIsLate() {
        guard let device, let token else { return }
        withChannel { channel in
            channel.deferringFailures {
                let result = shortResponse(Self.timedOut).withUnsafeBytes { device.writeMessage($0) }
                if result == -Errno.invalidArgument.rawValue {
                    counted.aborted += 1
                    return withdraw(token, .aborted)
                }
                counted.expired += 1
                withdraw(token, .expired)
                check(result)
            }
        }
    }

    // MARK: What handlers do

    override func hasDelivered(_ token: MessageToken) -> Bool { token.rawValue > 0 && token.rawValue <= lastToken }

    override func showAttention(_ on: Bool) {
        if let device { check(device.setAttention(on)) }
    }

    override func send(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer) -> ReplyOutcome {
        guard let device else { return .stale }
        if bytes.count > TransferMachine.responseCapacity { return .tooLong }
        let result: Int32
        if bytes.count < 3 {
            // As for a device with registers, and no less than the drivers take.
            var filled = shortResponse(0xFF)
            for (index, byte) in bytes.enumerated() { filled[index] = byte }
            result = filled.withUnsafeBytes { device.writeMessage($0) }
        } else {
            result = device.writeMessage(bytes)
        }
        switch result {
        case 0: return .accepted
        case -Errno.invalidArgument.rawValue:
            // The host CPU no longer waits.
            counted.stale += 1
            withdraw(token, .aborted)
        default: check(result)
        }
        return .stale
    }

    override func answered() {
        counted.completed += 1
        withChannel { $0.loop.cancel(timer) }
    }

    override func withhold(_ token: MessageToken) { withChannel { $0.loop.cancel(timer) } }

    private func check(_ result: Int32) {
        if result < 0 { withChannel { $0.deviceFails(Errno(rawValue: -result)) } }
    }
}

/// The time that a handler has for its answer.
private final class ReplyTimer: LoopTimer {
    private let service: Unmanaged<KernelTransferService>

    init(_ service: KernelTransferService) {
        self.service = .passUnretained(service)
        super.init()
    }

    // Retained for the call: a failure in it ends the service.
    override func fire(now: UInt64) { service.takeUnretainedValue().replyIsLate() }
}
