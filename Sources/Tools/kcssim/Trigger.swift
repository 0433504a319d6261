// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Simulator

/// `kcssim trigger DIR D|R`
struct Trigger: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks the BMC for debug data (D) or a reboot (R).",
        discussion: "Writes 0x44 or 0x52 to the data port, and waits until the BMC's driver has taken it.")

    /// What the host can ask for.
    enum Request: String, ExpressibleByArgument, CaseIterable {
        case debugData = "D"
        case reboot = "R"
    }

    @OptionGroup var device: HostOptions

    @Argument(help: "D: capture debug data. R: reboot.")
    var request: Request

    func run() throws {
        let access = try device.open()
        try access.write(Array(request.rawValue.utf8), command: false)
        try access.waitUntilTaken()
    }
}
