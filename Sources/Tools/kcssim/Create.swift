// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import DriverModel
import LinuxIO
import SimulatedDevice
import Simulator

/// `kcssim create DIR`
struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a device.",
        discussion: "A device of the same kind that is there already is left as it is; one of another kind is an error."
    )

    @Argument(help: "The device's directory; made with those above it.")
    var directory: String

    @OptionGroup var kind: DriverOptions

    @Option(
        help: ArgumentHelp("The window that both sides share. (default: 1MiB)", valueName: "size"),
        transform: usage { text throws(CommandWord.Malformed) in
            try CommandWord.size(text, limit: DeviceSettings.largestWindow)
        })
    var window: Int?

    func run() throws {
        let settings = DeviceSettings(driver: kind.driver, obeLag: kind.obeLag, windowSize: window ?? 1 << 20)
        let created = try reporting { () throws(SystemError) in try DeviceDirectory.create(directory, settings) }
        let found = try reporting { () throws(SystemError) in try DeviceDirectory.settings(of: directory) }
        if !created, let found, found != settings {
            throw HostFailure("\(directory) holds another device already: \(describeSettings(found))")
        }
        say("\(directory): \(describeSettings(settings))")
    }
}
