// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// The controller itself, and the watchdog timer (IPMI 2.0 §20, §27).
extension ManagementController {
    @inline(__always)
    func getDeviceID(_ response: inout Response) -> CompletionCode {
        response.append(deviceID)
        return .ok
    }

    /// A reset runs the configured actions, if there are any, and puts the volatile state back; what waits in stores
    /// stays.
    func reset(_ action: PlatformAction, _ now: UInt64) -> CompletionCode {
        watchdog.stop()
        globalEnables = 0x08
        receiveQueue = []
        eventBuffer = nil
        preTimeoutFlag = false
        selReservation = 0
        sdrReservation = 0
        partialAdd = nil
        bootSetInProgress = 0
        systemInfoSetInProgress = 0
        eventReceiver = (0x20, 0)
        updateAttention()
        arm()
        say(.notice, "\(action.name) asked for by the host")
        if actions.has(action) { emit(.run(action)) }
        return .ok
    }

    func getSelfTestResults(_ response: inout Response) -> CompletionCode {
        // 57: a device is at fault; bit 7 of the detail is the event log.
        response.append(storeTrouble == .ok ? 0x55 : 0x57)
        response.append(storeTrouble == .ok ? 0x00 : 0x80)
        return .ok
    }

    func setACPIPowerState(_ request: Request) -> CompletionCode {
        let system = request[0]
        let device = request[1]
        if system & 0x80 != 0 {
            switch system & 0x7F {
            case 0x00...0x0A, 0x20, 0x21, 0x2A, 0x7F: break
            default: return .invalidField
            }
        }
        if device & 0x80 != 0 {
            switch device & 0x7F {
            case 0x00...0x03, 0x2A, 0x7F: break
            default: return .invalidField
            }
        }
        // 7F: no change.
        if system & 0x80 != 0, system & 0x7F != 0x7F { acpi.system = system & 0x7F }
        if device & 0x80 != 0, device & 0x7F != 0x7F { acpi.device = device & 0x7F }
        return .ok
    }

    func getACPIPowerState(_ response: inout Response) -> CompletionCode {
        response.append(acpi.system)
        response.append(acpi.device)
        return .ok
    }

    func getGUID(_ response: inout Response) -> CompletionCode {
        response.append(guid)
        return .ok
    }

    func resetWatchdog(_ now: UInt64) -> CompletionCode {
        guard watchdog.reset(now: now) else { return .commandSpecific80 }
        arm()
        return .ok
    }

    func setWatchdog(_ request: Request, _ now: UInt64) -> CompletionCode {
        // What nothing is there to do is refused now, not when it would be needed. An SMI never is.
        if let action = watchdogAction(request[1] & 7), !actions.has(action) { return .invalidField }
        let interrupt = request[1] >> 4 & 7
        guard interrupt != 1, interrupt != 2 || actions.has(.diagnostic) else { return .invalidField }
        let done = watchdog.set(
            use: request[0], actions: request[1], preTimeout: request[2], clear: request[3],
            countdown: request.uint16(at: 4), now: now)
        guard done else { return .invalidField }
        preTimeoutFlag = false
        updateAttention()
        arm()
        return .ok
    }

    func getWatchdog(_ response: inout Response, _ now: UInt64) -> CompletionCode {
        response.append(watchdog.use | (watchdog.running ? 0x40 : 0))
        response.append(watchdog.actions)
        response.append(watchdog.preTimeout)
        response.append(watchdog.expirationFlags)
        response.append(uint16: watchdog.initial)
        response.append(uint16: watchdog.present(now: now))
        return .ok
    }

    /// What the watchdog's time brings: message flag, event, actions.
    func handle(_ event: Watchdog.Event, now: UInt64) {
        let offset: UInt8
        var interrupt: UInt8 = 0
        switch event {
        case .postponed:
            let seconds = Int(watchdog.present(now: now)) / 10
            return say(.notice, "watchdog: the host could not be heard, the timer has \(seconds) s")
        case .preTimeout(let kind):
            offset = 8
            interrupt = kind
            preTimeoutFlag = true
            updateAttention()
            say(.notice, "watchdog: the pre-timeout interval began")
            if kind == 2 { emit(.run(.diagnostic)) }
        case .expired(let action):
            offset = action
            watchdogExpiries += 1
            say(.warning, "watchdog: the timer expired, action \(action)")
            expire(action)
            if action & 1 != 0 { clearBootFlags(unless: 0x04, now) }
        }
        guard watchdog.logs, let sensor = watchdogSensor else { return }
        report(
            event: SELRecord(
                generator: 0x0020, revision: 0x04, sensorType: 0x23, sensor: sensor, direction: 0x6F,
                data: (0xC0 | offset, interrupt << 4 | watchdog.timerUse, 0xFF)), now: now)
    }

    private func watchdogAction(_ code: UInt8) -> PlatformAction? {
        switch code {
        case 1: .watchdogReset
        case 2: .watchdogPowerOff
        case 3: .watchdogPowerCycle
        default: nil
        }
    }

    private func expire(_ code: UInt8) {
        guard let action = watchdogAction(code) else { return }
        restartCause = 0x04
        guard actions.has(action) else {
            say(.error, "\(action.name): no actions are configured")
            return
        }
        if action == .watchdogPowerOff { powerOn = false }
        emit(.run(action))
    }
}
