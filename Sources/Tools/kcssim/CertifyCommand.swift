// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Conformance
import LinuxIO
import SimulatedDevice
import Simulator

/// `kcssim certify DEVICE…`
struct CertifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certify",
        abstract: "Checks a BMC that serves IPMI or MCTP over KCS against the standards, as its host.",
        discussion: """
            Checked are the state machine, its error and abort phases, what hosts do in the middle of a transfer, the \
            commands that every controller has, and MCTP's control protocol. Each check has a name and the standard's \
            paragraph, which stands beside what is wrong. It writes nothing that a BMC keeps. Exit status: 0 all rules that \
            apply are kept, 1 one is broken, 64 wrong usage.

            A device is the directory of a simulated one (with kcssim mount, DIR/kcsK), or, as root on x86, the machine's own \
            ports: port:0xca2, or port:0xca8+4 where the command port is four behind.
            """)

    @Argument(help: "Devices: directories, or port:DATA[+SPACING].")
    var devices: [String]

    @Option(help: ArgumentHelp("Write the verdicts as JUnit, too.", valueName: "file"))
    var junit: String?

    @Option(
        help: ArgumentHelp("How long the BMC may take for each byte and answer. (default: 5s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var timeout: UInt64 = 5_000_000_000

    @Option(help: ArgumentHelp("Make this check alone; several may be named.", valueName: "name"))
    var only: [String] = []

    func validate() throws {
        for name in only where !Certification.names.contains(name) {
            throw ValidationError("there is no check \(name), such as \(Certification.names[0])")
        }
    }

    func run() throws {
        var all: [Certification] = []
        for device in devices {
            say("\(device):")
            let host = StrictHost(try Self.ports(device), timeout: timeout)
            let one = Certification(device, host, only: only) { say(Certification.text($0)) }
            say("\(one.verdicts.count - one.failures - one.skipped) ok, \(one.failures) failed, \(one.skipped) skipped")
            all.append(one)
        }
        if let junit { try ReplayCommand.write(Certification.junit(all), to: junit) }
        let failures = all.reduce(0) { $0 + $1.failures }
        guard failures == 0 else { throw HostFailure("\(failures) \(failures == 1 ? "rule is" : "rules are") broken") }
    }

    private static func ports(_ device: String) throws -> any HostPorts {
        guard device.hasPrefix("port:") else {
            return SimulatedPorts(try reporting { () throws(SystemError) in try SimulatedHost(directory: device) })
        }
        let parts = device.dropFirst(5).split(separator: "+", omittingEmptySubsequences: false)
        func number(_ text: Substring) -> UInt16? {
            text.hasPrefix("0x") ? UInt16(text.dropFirst(2), radix: 16) : UInt16(text)
        }
        guard parts.count <= 2, let data = parts.first.flatMap(number),
            let spacing = parts.count == 2 ? number(parts[1]) : 1,
            spacing >= 1, UInt32(data) + UInt32(spacing) <= 0xFFFF
        else { throw ValidationError("\(device): not port:DATA or port:DATA+SPACING, such as port:0xca2") }
        return try MachinePorts(data: data, spacing: spacing)
    }
}
