// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import LinuxIO
import SimulatedDevice
import Simulator

/// `kcssim watch DIR`
struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints every change of STR and ODR that a host can see, until interrupted.",
        discussion: """
            The first line is how things are. Watching disturbs nothing. When accesses follow each other faster than \
            this program polls, a line says how many there were.
            """)

    @Argument(help: "The device's directory.")
    var directory: String

    func run() throws {
        let host = try reporting { () throws(SystemError) in try SimulatedHost(directory: directory) }
        var watcher = Watcher(host, now: Clock.monotonic)
        say(Watcher.heading)
        watcher.run(until: { false }, line: say)
    }
}
