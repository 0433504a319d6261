// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import LinuxIO
import Simulator

/// `kcssim watch DIR`
struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints every change of STR and ODR that a host can see, until interrupted.",
        discussion: """
            The first line is how things are. Watching disturbs nothing. When accesses follow each other faster than \
            this program polls, a line says how many there were.
            """)

    @OptionGroup var device: HostOptions

    func run() throws {
        let access = try device.open()
        var watcher = Watcher(access.host, now: Clock.monotonic)
        say(Watcher.heading)
        watcher.run(until: { false }, line: say)
    }
}
