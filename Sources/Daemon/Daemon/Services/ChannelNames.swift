// SPDX-License-Identifier: Apache-2.0
import DaemonConfiguration
import LinuxIO
import PluginHost

/// Channels by their numbers, for the watchdog's thread. Sendable because every access holds the lock.
final class ChannelNames: @unchecked Sendable {
    private let lock = Lock()
    private var entries: [(number: Int, name: String, plugins: String)] = []

    func set(_ number: Int, _ plan: ChannelPlan) {
        let plugins = plan.handlers.map { "plugin \($0.plugin.name)" }.joined(separator: ", ")
        lock.lock()
        entries.removeAll { $0.number == number }
        entries.append((number, plan.configuration.name, plugins))
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

    private func entry(_ number: Int) -> (number: Int, name: String, plugins: String)? {
        lock.lock()
        defer { lock.unlock() }
        return entries.first { $0.number == number }
    }
}
