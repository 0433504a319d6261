// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import LinuxIO
import PluginHost

/// The descriptors that a handler watches.
struct TrialWatches {
    private var watches: [Watch] = []

    struct Watch {
        let handle: UInt32
        let descriptor: Int32
        /// `KCS_WATCH_*`.
        var events: UInt32
        let context: UnsafeMutableRawPointer?
        let ready: HandlerInstance.WatchCallback
    }

    mutating func open(_ watch: Watch) { watches.append(watch) }

    /// False: there is no such watch.
    mutating func set(_ handle: UInt32, _ events: UInt32) -> Bool {
        guard let index = watches.firstIndex(where: { $0.handle == handle }) else { return false }
        watches[index].events = events
        return true
    }

    /// False: there is no such watch.
    mutating func close(_ handle: UInt32) -> Bool {
        guard let index = watches.firstIndex(where: { $0.handle == handle }) else { return false }
        watches.remove(at: index)
        return true
    }

    mutating func closeAll() { watches = [] }

    func isOpen(_ handle: UInt32) -> Bool { watches.contains { $0.handle == handle } }

    /// Those whose descriptors are, or become, ready within `milliseconds`, and for what (`KCS_WATCH_*`).
    func ready(within milliseconds: Int32) -> [(watch: Watch, events: UInt32)] {
        guard !watches.isEmpty else { return [] }
        var requests = watches.map { watch in
            var events: Int32 = 0
            if watch.events & UInt32(KCS_WATCH_READ) != 0 { events |= POLLIN }
            if watch.events & UInt32(KCS_WATCH_WRITE) != 0 { events |= POLLOUT }
            return pollfd(fd: watch.events == 0 ? -1 : watch.descriptor, events: Int16(events), revents: 0)
        }
        let deadline = Clock.monotonic + UInt64(max(milliseconds, 0)) * 1_000_000
        guard Poll.wait(&requests, until: deadline) > 0 else { return [] }
        var found: [(watch: Watch, events: UInt32)] = []
        for (watch, request) in zip(watches, requests) where request.revents != 0 {
            let bits = Int32(request.revents)
            var events: UInt32 = 0
            if bits & POLLIN != 0 { events |= UInt32(KCS_WATCH_READ) }
            if bits & POLLOUT != 0 { events |= UInt32(KCS_WATCH_WRITE) }
            if bits & (POLLERR | POLLHUP | POLLNVAL) != 0 { events |= UInt32(KCS_WATCH_HANGUP) }
            found.append((watch, events))
        }
        return found
    }
}
