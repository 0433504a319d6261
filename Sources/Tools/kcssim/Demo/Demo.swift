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

    @Flag(help: "Leave log, captures and devices behind, in a new folder of $TMPDIR, or else /tmp.")
    var keep = false

    func run() throws {
        let daemon = try DemoDaemon.start(config: config, timeout: timeout)
        var script = DemoScript(daemon, timeout: timeout)
        script.play()
        let status = daemon.stop()
        script.lines.forEach { say($0) }
        let tools = Path.parent(of: CurrentProcess.executable ?? "kcssim")
        if let capture = script.capture {
            say("\nThe last IPMI exchange of the capture, as kcsctl decode shows it:\n")
            DemoCapture.lastExchange(in: capture, tools: tools).forEach { say($0) }
        }
        if status != 0 { say("kcsmuxd ended with status \(status).") }
        let isRight = script.isRight && status == 0
        if keep || !isRight {
            say("\nLog, captures and devices are in \(daemon.folder). To read the capture:")
            say("  kcsctl decode \(daemon.folder)/demo/capture/*.pcapng")
            say("  wireshark \(daemon.folder)/demo/capture/*.pcapng")
        } else {
            TemporaryFolder.remove(daemon.folder)
            say("\nTo open the capture with kcsctl decode or wireshark: kcssim demo --keep")
        }
        guard isRight else { throw ExitCode.failure }
    }
}
