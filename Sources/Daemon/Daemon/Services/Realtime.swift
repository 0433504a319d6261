// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import LinuxIO
import Schema

/// Honours `realtime`: the loop's thread is scheduled ahead of ordinary ones, stays on its processor, and its memory stays.
/// The worker, which writes files, and programs that actions run remain ordinary. What the kernel refuses is said, and
/// kcsmuxd goes on without: a channel that is served late is better than one that is not served.
struct Realtime {
    private let wish: RealtimeConfiguration
    private let log: Log

    init(_ wish: RealtimeConfiguration, _ log: Log) {
        self.wish = wish
        self.log = log
    }

    /// To be called once on the loop's thread, when all that the start needs is loaded.
    func apply() {
        var done: [String] = []
        if wish.lockMemory, lockMemory() { done.append("memory locked") }
        if let processor = wish.cpu, setProcessor(processor) { done.append("processor \(processor)") }
        if let priority = wish.fifoPriority, setPriority(priority) { done.append("SCHED_FIFO \(priority)") }
        if !done.isEmpty { log.write(.notice, nil, "realtime: \(done.joined(separator: ", "))") }
    }

    /// What looks after the loop's thread must run when that does not let go of its processor. On the thread itself.
    static func placeAbove(_ wish: RealtimeConfiguration?) {
        guard let priority = wish?.fifoPriority else { return }
        if Scheduling.setFIFO(priority: min(priority + 1, 99)) != nil { _ = Scheduling.setFIFO(priority: priority) }
    }

    private func lockMemory() -> Bool {
        guard let errno = Scheduling.lockMemory() else { return true }
        let limit = Scheduling.memoryLockLimit.map { Quantity.size($0) } ?? "infinity"
        refuse(
            "lock_memory: true", errno,
            errno == .notPermitted
                ? "the limit of locked memory is \(limit); it takes LimitMEMLOCK=infinity or CAP_IPC_LOCK" : nil)
        return false
    }

    private func setProcessor(_ processor: Int32) -> Bool {
        guard let errno = Scheduling.setProcessor(processor) else { return true }
        refuse(
            "cpu: \(processor)", errno,
            errno == .invalidArgument ? "the machine has no such processor, or not for kcsmuxd" : nil)
        return false
    }

    private func setPriority(_ priority: Int32) -> Bool {
        guard let errno = Scheduling.setFIFO(priority: priority) else { return true }
        refuse(
            "policy: fifo, priority: \(priority)", errno,
            errno == .notPermitted ? "it takes LimitRTPRIO=\(priority) or more, or CAP_SYS_NICE" : nil)
        return false
    }

    private func refuse(_ key: String, _ errno: Errno, _ reason: String?) {
        let rule = errno == .notPermitted ? "not permitted" : "not possible"
        log.write(.warning, nil, "realtime: \(key) is \(rule): \(errno.description)\(reason.map { "; \($0)" } ?? "")")
    }
}
