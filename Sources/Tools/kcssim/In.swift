// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import Simulator

/// `kcssim in DIR data|status`
struct In: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reads the data or status port.",
        discussion: "Data is read once OBF is set, and printed as 0x..; status is read at once, and explained.")

    /// Where the host can read.
    enum Port: String, ExpressibleByArgument, CaseIterable { case data, status }

    @OptionGroup var device: HostOptions

    @Argument(help: "The port: data or status.")
    var port: Port

    @Option(help: "How many bytes to read from the data port.")
    var count = 1

    func validate() throws {
        if count < 1 { throw ValidationError("--count \(count): at least 1") }
        if count > 1 && port == .status { throw ValidationError("--count is for the data port") }
    }

    func run() throws {
        let access = try device.open()
        switch port {
        case .data: for _ in 0..<count { say(Hex.number(try access.read())) }
        case .status:
            let status = access.host.readStatus()
            say("\(Hex.number(status)) \(describeStatus(status))")
        }
    }
}
