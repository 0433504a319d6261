// SPDX-License-Identifier: Apache-2.0
import DaemonConfiguration
import LinuxIO
import PluginHost
import Schema

/// What the watchdog's thread knows of channels, by their numbers. Sendable because every access holds the lock.
final class ChannelNames: @unchecked Sendable {
    private let lock = Lock()
    private struct Entry {
        let number: Int
        let name: String
        let plugins: String
        /// What a call may take, in nanoseconds.
        let budget: UInt64
    }

    private var entries: [Entry] = []

    func set(_ number: Int, _ plan: ChannelPlan) {
        let plugins = plan.handlers.map { "plugin \($0.plugin.name)" }.joined(separator: ", ")
        lock.lock()
        entries.removeAll { $0.number == number }
        entries.append(
            Entry(
                number: number, name: plan.configuration.name, plugins: plugins,
                budget: plan.configuration.callBudget.nanoseconds))
        lock.unlock()
    }

    /// A number that none of `taken` has.
    func free(beside taken: [Int]) -> Int {
        var number = 0
        while taken.contains(number) { number += 1 }
        return number
    }

    func name(_ number: Int) -> String { entry(number)?.name ?? "channel \(number)" }
    func plugins(_ number: Int) -> String { entry(number)?.plugins ?? "a plugin" }

    func budget(_ number: Int) -> UInt64 { entry(number)?.budget ?? .max }

    /// The least that any channel's calls may take.
    var shortestBudget: UInt64 {
        lock.lock()
        defer { lock.unlock() }
        return entries.reduce(UInt64.max) { min($0, $1.budget) }
    }

    private func entry(_ number: Int) -> Entry? {
        lock.lock()
        defer { lock.unlock() }
        return entries.first { $0.number == number }
    }
}
