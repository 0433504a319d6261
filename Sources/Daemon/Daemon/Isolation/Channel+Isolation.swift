// SPDX-License-Identifier: Apache-2.0
//
// A channel that is served by a process of its own: the daemon opens the device, waits, and has a policy as for any other.
import CKCSPlugin
import Capture
import DaemonConfiguration
import Devices
import Events
import KCS
import LinuxIO

extension Channel {
    /// Is another process to serve it?
    var isIsolated: Bool { plan.configuration.isolation == .process && services.parent == nil }

    /// Gives an open device to a process of its own.
    func serveElsewhere(_ device: OpenDevice) {
        self.device = device
        do throws(SystemError) {
            process = try ChannelProcess.start(self, device)
            recorder?.isWrittenElsewhere = true
            enter(.starting)
        } catch { fail("its process cannot be started: \(error.description)", stays: false) }
    }

    /// The process serves the channel.
    func processRuns() {
        guard state == .starting else { return }
        runningSince = Clock.monotonic
        enter(.running)
        startReason = UInt32(KCS_REASON_RESTART)
    }

    /// The process has ended by itself.
    func processEnded(_ text: String, isCrash: Bool) {
        guard process != nil else { return }
        forgetProcess()
        if isCrash { crash(text) } else { fail(text, stays: false) }
    }

    /// Ends the process, if there is one: as asked, with that reason for its handlers, or at once.
    func endProcess(reason: UInt32) {
        guard let process else { return }
        process.end(reason: reason == UInt32(KCS_REASON_CRASH) ? nil : reason)
        forgetProcess()
    }

    private func forgetProcess() {
        guard let process else { return }
        context.counters = context.counters + process.counters
        if let more = process.transfers { pastTransfers = pastTransfers.map { $0 + more } ?? more }
        servedMessages = process.servesMessages
        recorder?.isWrittenElsewhere = false
        self.process = nil
    }

    /// Keeps the device of a channel that failed, so that the host CPU does not meet what its process left.
    func keep(_ device: OpenDevice) {
        let keeper = DeviceKeeper(device, isOfMessages: servedMessages, context)
        kept = keeper
        keeper.begin()
    }

    /// The device that was kept.
    func takeKept() -> OpenDevice? {
        guard let keeper = kept else { return nil }
        keeper.end()
        kept = nil
        return keeper.device
    }

    /// Lets a device go that was kept.
    func releaseKept() { if let device = takeKept() { release(device) } }

    /// What the channel has counted since the daemon started.
    var counters: ChannelCounters { process.map { context.counters + $0.counters } ?? context.counters }
}

extension OpenDevice {
    /// Has the device no node that could be passed on?
    func isSimulated(_ specification: DeviceSpecification) -> Bool { specification.kind.isSimulated }
}
