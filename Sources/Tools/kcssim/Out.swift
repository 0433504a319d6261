// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Simulator

/// `kcssim out DIR data|command BYTE…`
struct Out: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes bytes to the data or command port.",
        discussion: """
            Each byte is written once IBF is clear. Whether the BMC takes the last one is not waited for.
            """)

    /// Where the host can write.
    enum Port: String, ExpressibleByArgument, CaseIterable { case data, command }

    @OptionGroup var device: HostOptions

    @Argument(help: "The port: data or command.")
    var port: Port

    @Argument(help: ArgumentHelp("The bytes.", valueName: "byte"), transform: usage(CommandWord.byte))
    var bytes: [UInt8]

    @Flag(help: "Write whatever IBF says, as a host that does not keep to the protocol.")
    var ignoreIbf = false

    func run() throws {
        let access = try device.open()
        if ignoreIbf {
            for byte in bytes { access.host.write(byte, command: port == .command) }
        } else {
            try access.write(bytes, command: port == .command)
        }
    }
}
