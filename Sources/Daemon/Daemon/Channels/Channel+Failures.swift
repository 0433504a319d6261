// SPDX-License-Identifier: Apache-2.0
//
// What happens when the device or a handler fails, and the calls into handlers, in which most failures show. Nothing is
// taken away while somebody still uses it: a failure inside a call, a start or a transfer waits for its end.
import CKCSPlugin
import Capture
import DaemonConfiguration
import Devices
import Events
import HotPath
import LinuxIO
import PluginHost
import Schema

extension Channel {
    /// The device or a handler failed: down now, and up again as the policy says. `stays` overrides the policy.
    func fail(_ text: String, stays: Bool) {
        lastError = text
        recorder?.handlerFailed(text, at: recordTime)
        dumpFailure()
        close(reason: UInt32(KCS_REASON_CRASH))
        startReason = UInt32(KCS_REASON_CRASH)
        let restart = plan.configuration.restart
        guard restart.policy == .onFailure, !stays else {
            enter(.failed(text))
            return log.write(.error, name, "failed, and stays down: \(text)")
        }
        // A life that lasted forgives the failures before it.
        if runningSince != 0 && Clock.monotonic &- runningSince > restart.backoffMax { failures = 0 }
        runningSince = 0
        var pause = restart.backoff
        for _ in 0..<min(failures, 64) where pause < restart.backoffMax { pause *= 2 }
        pause = min(pause, restart.backoffMax)
        failures += 1
        enter(.backingOff(until: Clock.monotonic + pause, text))
        log.write(.error, name, "failed, starting again in \(Quantity.duration(pause)): \(text)")
        loop.set(retryTimer, deadline: Clock.monotonic + pause)
    }

    /// Keeps what led to a failure; of failures that follow each other, the first few.
    private func dumpFailure() {
        guard recorder != nil, dumpLimit.admit(Clock.monotonic) != nil else { return }
        let log = self.log
        let name = self.name
        services.captureFailure(name) { outcome in
            switch outcome {
            case .success(let path): log.write(.notice, name, "what led to the failure is in \(path)")
            case .failure(let failure):
                log.write(.warning, name, "what led to the failure was not kept: \(failure.text)")
            }
        }
    }

    /// The device failed under way.
    func noteDeviceFailure(_ errno: Errno) {
        recorder?.deviceFailed(errno, at: recordTime)
        let hint = errno == .interrupted ? " (the call slept although the device had reported readiness)" : ""
        failSoon("device \(plan.device.path): \(errno.description)\(hint)")
    }

    /// A handler says that it cannot go on.
    func handlerFails(_ seat: HandlerSeat, _ text: String) { failSoon("plugin \(seat.plugin.name): \(text)") }

    /// Fails once the handler call, or the transfer, under way has returned: both still use what a failure takes away.
    func failSoon(_ text: String) {
        guard failureInCall == nil, !isClosing else { return }
        failureInCall = text
        finishFailure()
    }

    func finishFailure() {
        guard let text = failureInCall, callDepth == 0, !isStarting, !isClosing else { return }
        failureInCall = nil
        fail(text, stays: false)
    }

    /// Runs `body`, which uses the device and the handlers; what fails meanwhile is dealt with when it has returned.
    func deferringFailures(_ body: () -> Void) {
        callDepth += 1
        body()
        callDepth -= 1
        finishFailure()
    }

    // MARK: Calls into handlers

    func beginCall(_ callback: Activity.Callback) {
        callDepth += 1
        recorder?.enter(callback.literal)
        marks.enter(channel: number, callback)
    }

    func endCall(_ seat: HandlerSeat, _ callback: Activity.Callback) {
        marks.leave()
        recorder?.leave()
        callDepth -= 1
        look(at: seat, callback, since: loop.now, to: Clock.coarse)
        if failureInCall != nil { finishFailure() }
    }

    /// Has a call that ended at `after`, in a turn that began at `now`, taken longer than it may?
    func look(at seat: HandlerSeat, _ callback: Activity.Callback, since now: UInt64, to after: UInt64) {
        let began = max(services.callMark, now)
        guard after > began else { return }
        services.callMark = after
        loop.turnLasts()
        if after - began > plan.configuration.callBudget { reportSlow(seat, callback, after - began) }
    }

    @inline(never)
    private func reportSlow(_ seat: HandlerSeat, _ callback: Activity.Callback, _ took: UInt64) {
        counters.slowCalls += 1
        guard let suppressed = slowLimit.admit(Clock.monotonic) else { return }
        log.write(
            .warning, name,
            "plugin \(seat.plugin.name): \(callback.name) took \(UTCTime.short(took)), its budget is"
                + " \(Quantity.duration(plan.configuration.callBudget))\(suppressedNote(suppressed))")
    }
}
