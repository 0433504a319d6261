// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import LinuxIO
import Simulator

/// `kcssim soak DIR… --seed S --for 60s`
struct SoakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Plays a host with faults against running channels, and checks every answer.",
        discussion: """
            Each device is one host of its own; all run at once. A channel may answer bytes, as the plugin echo does, or \
            IPMI messages. What the model of the driver loses by itself, because the host overwrote a byte in IDR or \
            the device was taken away, is counted apart; anything else that is lost, changed or late is a failure. \
            All that the hosts do follows from the seed, each device's position in the list, and the number of its \
            exchange; a failure tells all three, for --seed and --first. kcsmuxd answers a device that vanished after its \
            restart policy's pause, which doubles with each failure: set restart.backoff_max low. Exit status: 0 every \
            answer was right, 1 one was not, with the reason and the seed, 64 wrong usage.
            """)

    @Argument(help: ArgumentHelp("The devices' directories.", valueName: "dir"))
    var directories: [String]

    @Option(help: "What all that is done follows from. (default: one that is printed)")
    var seed: UInt64?

    @Option(
        name: .customLong("for"), help: ArgumentHelp("How long. (default: 60s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var duration: UInt64 = 60_000_000_000

    @Option(
        name: .customLong("as"), help: ArgumentHelp("What answers. (default: found out)", valueName: "echo|ipmi"))
    var kind: SoakKind?

    @Option(
        help: ArgumentHelp(
            "What goes wrong: any of \(SoakFault.names), separated by commas; all, or none. (default: all)",
            valueName: "list"),
        transform: usage(SoakFault.list))
    var faults = Set(SoakFault.allCases)

    @Option(help: ArgumentHelp("The number of the exchange to begin with.", valueName: "number"))
    var first: UInt64 = 0

    @Option(
        help: ArgumentHelp("How long the BMC may take to answer. (default: 5s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var timeout: UInt64 = 5_000_000_000

    @Option(
        help: ArgumentHelp("How often each device vanishes, on the average. (default: 20s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var vanishEvery: UInt64 = 20_000_000_000

    @Option(
        help: ArgumentHelp(
            "How long the BMC may take to open a device that came back. (default: 90s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var reopen: UInt64 = 90_000_000_000

    func run() throws {
        var settings = SoakSettings(seed: seed ?? UInt64.random(in: 0..<1 << 32), duration: duration)
        settings.kind = kind
        settings.faults = faults
        settings.first = first
        settings.timeout = timeout
        settings.vanishEvery = vanishEvery
        settings.reopen = reopen
        let names = SoakFault.allCases.filter(faults.contains).map(\.rawValue).joined(separator: ",")
        say(
            "seed \(settings.seed): \(directories.count) devices for \(Quantity.duration(duration)), faults "
                + (names.isEmpty ? "none" : names))
        let began = Clock.monotonic
        let report = Soak(directories, settings).run { elapsed, counts in
            say("\(elapsed / 1_000_000_000)s: \(counts.work)")
        }
        for (index, directory) in directories.enumerated() {
            say("\(directory): \(report.kinds[index]?.rawValue ?? "nothing"): \(report.counts[index].work)")
        }
        let total = report.total
        say("all: \(total.work), \(UInt64(total.checked) * 1_000_000_000 / max(1, Clock.monotonic - began)) a second")
        say("faults: \(total.faults)")
        say("lost by the driver's model: \(total.losses)")
        guard !report.failures.isEmpty else { return say("lost otherwise: nothing") }
        for failure in report.failures { say("failure: \(failure)") }
        throw HostFailure(
            "\(report.failures[0]); repeat with --seed \(settings.seed), and --first before exchange "
                + "\(report.failures[0].exchange)")
    }
}

extension SoakKind: ExpressibleByArgument {}
