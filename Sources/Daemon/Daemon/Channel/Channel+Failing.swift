// SPDX-License-Identifier: Apache-2.0
//
// What happens when the device or a handler fails.
import CKCSPlugin
import Capture
import Common
import DaemonConfiguration
import Events
import LinuxIO
import PluginHost
import Schema

extension Channel {
    /// A part of it has said that it cannot go on.
    func failAsReported() { if let failure = context.failure, device != nil { fail(failure, stays: false) } }

    /// A handler has ended the process that served the channel: its own, or the daemon in the life before.
    func crash(_ text: String, atBoot: Bool = false) {
        let count = services.crashes.note(name, plugins, atOnce: atBoot)
        let limit = plan.configuration.restart.giveUp
        guard limit == 0 || count < limit else { return fail("\(text); \(Self.gaveUp(count))", stays: true) }
        fail(text, stays: false, crashes: count)
    }

    /// What its crashes are counted for.
    var plugins: String { plan.handlers.map { $0.plugin.name }.joined(separator: ",") }

    /// Crashes in the last hour.
    var crashes: Int { services.crashes.count(name, plugins) }

    /// Why it is not to be started by itself; nil if nothing is in the way.
    var crashedTooOften: String? {
        let (count, limit) = (crashes, plan.configuration.restart.giveUp)
        return limit > 0 && count >= limit ? Self.gaveUp(count) : nil
    }

    private static func gaveUp(_ count: Int) -> String {
        "it has crashed \(count) times in an hour, and stays down until it is started by hand"
    }

    /// The device or a handler failed: down now, and up again as the policy says. `stays` overrides the policy.
    func fail(_ text: String, stays: Bool, crashes: Int = 0) {
        // The daemon has the policy, and this process has done its part.
        if let parent = services.parent {
            close(reason: UInt32(KCS_REASON_CRASH))
            parent.fail(text)
            return loop.mailbox.post { [loop] in loop.stop() }
        }
        lastError = text
        endProcess(reason: UInt32(KCS_REASON_CRASH))
        recorder?.handlerFailed(text, at: context.recordTime)
        dumpFailure()
        close(reason: UInt32(KCS_REASON_CRASH))
        startReason = UInt32(KCS_REASON_CRASH)
        let restart = plan.configuration.restart
        guard restart.policy == .onFailure, !stays else {
            enter(.failed(text))
            return log.write(.error, name, "failed, and stays down: \(text)", JournalFields(event: .channelFailed))
        }
        // A life that lasted forgives the failures before it.
        if runningSince != 0 && Clock.monotonic &- runningSince > restart.backoffMax.nanoseconds { failures = 0 }
        runningSince = 0
        // Those of earlier starts of the daemon count, too.
        failures = max(failures, crashes - 1)
        var pause = restart.backoff.nanoseconds
        for _ in 0..<min(failures, 64) where pause < restart.backoffMax.nanoseconds { pause *= 2 }
        pause = min(pause, restart.backoffMax.nanoseconds)
        failures += 1
        enter(.backingOff(until: Clock.monotonic + pause, text))
        log.write(
            .error, name, "failed, starting again in \(TimeSpan(nanoseconds: pause).text): \(text)",
            JournalFields(event: .channelFailed))
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
}
