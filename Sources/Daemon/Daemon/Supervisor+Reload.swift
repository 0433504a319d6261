// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Capture
import DaemonConfiguration
import LinuxIO
import PluginHost

/// A changed file is taken over; what it does not change is not touched.
extension Supervisor {
    /// Takes a changed file over; what it does not change is not touched.
    func reload() -> ReloadReport {
        notifier.reloading()
        let outcome = PlanReader.read(path, kinds, loader)
        let report = ReloadReport(path, outcome)
        if let new = outcome.plan { takeOver(new, report) } else { keepLoading() }
        report.write(to: log)
        notifier.ready(summary)
        return report
    }

    /// The plugins are looked for where the plan in force says.
    func keepLoading() {
        loader.reconfigure(
            folders: PluginLoader.searchPath(plan.configuration.pluginPath),
            trust: plan.configuration.pluginTrust == .strict ? .strict : .any)
    }

    func takeOver(_ new: Plan, _ report: ReloadReport) {
        for channel in channels where !new.channels.contains(where: { $0.configuration.name == channel.name }) {
            channel.stop(reason: UInt32(KCS_REASON_STOP))
            closeCaptures(channel)
            report.removed.append(channel.name)
        }
        let old = channels
        let before = plan.configuration
        plan = new
        captures.adopt(new.configuration)
        sysrq.reconfigure(path: new.configuration.sysrqPath)
        sysrq.prepare(new, log)
        warnOfWhatNeedsARestart(before, new.configuration, report)
        let taken = takeOver(new.channels, from: old, report)
        channels = taken.map { $0.channel }
        // All that stop have stopped: devices may change hands.
        for (channel, isChanged) in taken where isChanged && channel.isEnabled {
            channel.start(reason: UInt32(KCS_REASON_RELOAD))
        }
        for plugin in loader.changedOnDisk { report.pluginsChangedOnDisk.append(plugin.file.path) }
        if new.configuration.control != before.control {
            if let failure = openControl() {
                report.notes.append("the control socket stays as it was: \(failure.text)")
            } else {
                report.notes.append("the control socket is \(new.configuration.control.socket)")
            }
        }
    }

    /// The channels of a new file, none of the changed ones running.
    func takeOver(
        _ plans: [ChannelPlan], from old: [Channel], _ report: ReloadReport
    ) -> [(channel: Channel, isChanged: Bool)] {
        var numbers = old.map { $0.number }
        var taken: [(channel: Channel, isChanged: Bool)] = []
        for new in plans {
            guard let channel = old.first(where: { $0.name == new.configuration.name }) else {
                report.added.append(new.configuration.name)
                let number = names.free(beside: numbers)
                numbers.append(number)
                taken.append((makeChannel(new, number: number), true))
                continue
            }
            if channel.plan.configuration == new.configuration && channel.plan.hasSamePlugins(as: new) {
                report.unchanged += 1
                taken.append((channel, false))
                continue
            }
            if channel.plan.configuration.with(log: new.configuration.log) == new.configuration
                && channel.plan.hasSamePlugins(as: new)
            {
                channel.adoptLog(new)
                report.notes.append("\(channel.name) has another log")
                report.unchanged += 1
                taken.append((channel, false))
                continue
            }
            report.changed.append(channel.name)
            replan(channel, new)
            taken.append((channel, true))
        }
        return taken
    }

    func replan(_ channel: Channel, _ new: ChannelPlan) {
        channel.stop(reason: UInt32(KCS_REASON_RELOAD))
        names.set(channel.number, new)
        if channel.plan.configuration.capture == new.configuration.capture
            && channel.plan.configuration.isolation == new.configuration.isolation
        {
            channel.adopt(new, recorder: channel.recorder)
        } else {
            closeCaptures(channel)
            channel.adopt(new, recorder: makeRecorder(new, channel.number))
            openCaptureFile(channel)
        }
        channel.recorder?.setPlugin(new.handlers.map { $0.plugin.name }.joined(separator: ", "))
    }

    func warnOfWhatNeedsARestart(_ old: Configuration, _ new: Configuration, _ report: ReloadReport) {
        for (key, isSame) in [
            // Locks, the note of a crash and what plugins keep stay together.
            ("state_directory", old.stateDirectory == new.stateDirectory),
            ("hang_timeout", old.hangTimeout == new.hangTimeout), ("realtime", old.realtime == new.realtime),
        ] where !isSame { report.notes.append("\(key) has changed; it takes effect at a restart of kcsmuxd") }
    }
}
