// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import LinuxIO
import Simulator

/// `kcssim demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs kcsmuxd on simulated channels, and shows what every handler does.",
        discussion: """
            Starts the kcsmuxd beside this program on config/demo.yaml in a new folder, plays the host CPU on each channel, \
            and prints what happened. Exits 0 only if everything that it shows was right.
            """)

    @Option(help: "The configuration. (default: config/demo.yaml of the source tree)")
    var config: String?

    @Option(
        help: ArgumentHelp("How long each step may take. (default: 10s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var timeout: UInt64 = 10_000_000_000

    func run() throws {
        let daemon = try DemoDaemon.start(config: config, timeout: timeout)
        var script = DemoScript(daemon, timeout: timeout)
        script.play()
        let status = daemon.stop()
        print(script.table)
        print("Log, captures and devices are in \(daemon.folder).")
        if let capture = script.capture {
            let tools = Path.parent(of: CurrentProcess.executable ?? "kcssim")
            print("Read the capture with\n    \(tools)/kcsctl decode \(capture)\n    wireshark \(capture)")
        }
        if status != 0 { print("kcsmuxd ended with status \(status).") }
        guard script.isRight && status == 0 else { throw ExitCode.failure }
    }
}
