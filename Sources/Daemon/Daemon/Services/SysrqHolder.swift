// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import Events
import Schema

/// The sysrq trigger of the configuration, opened only if some action uses it.
final class SysrqHolder {
    private let loop: EventLoop
    private var path: String
    private var sysrq: Sysrq?

    init(_ loop: EventLoop, path: String) {
        self.loop = loop
        self.path = path
    }

    /// Another file's trigger.
    func reconfigure(path: String) {
        guard path != self.path else { return }
        self.path = path
        sysrq = nil
    }

    /// Opens the trigger at start if an action of the plan may need it: later its file may be out of reach.
    func prepare(_ plan: Plan, _ log: Log) {
        guard plan.usesSysrq else { return }
        if let problem = opened().problem { log.write(.warning, nil, "sysrq actions will fail: \(problem)") }
    }

    /// The trigger.
    func opened() -> Sysrq {
        if let sysrq { return sysrq }
        let made = Sysrq(loop, path: path)
        sysrq = made
        return made
    }
}

extension Plan {
    /// Does any action of any handler write to the sysrq trigger?
    var usesSysrq: Bool {
        channels.contains { channel in
            channel.configuration.enabled
                && channel.handlers.contains { handler in
                    handler.options.allActions.contains {
                        if case .sysrq = $0.kind { return true }
                        return false
                    }
                }
        }
    }
}
