// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import DriverModel
import LinuxIO
import SimulatedDevice
import Simulator

/// `kcssim mount MOUNTPOINT --channels N`
struct Mount: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes devices that any program can open: raw-kcsK, serio_rawK and ipmi-kcsK.",
        discussion: """
            Stays in the foreground, prints "ready" when the files are there, and unmounts on SIGTERM or SIGINT. The \
            three files of a channel behave as the kernel's nodes do, and exclude each other. The host's side of \
            channel K is kcsK in the folder of the devices, for every other command. Needs libfuse3 and /dev/fuse.
            """)

    @Argument(help: "Where the files appear; made where it is missing.")
    var mountpoint: String

    @Option(help: "How many channels.")
    var channels: Int

    @Option(help: ArgumentHelp("The folder of the devices. (default: MOUNTPOINT.devices)", valueName: "dir"))
    var devices: String?

    @OptionGroup var kind: DriverOptions

    @Option(
        help: ArgumentHelp(
            "So many of a thousand polls of a raw node say that there is a byte when there is none.",
            valueName: "count"))
    var spurious: UInt64 = 0

    @Option(help: "What decides which ones.")
    var seed: UInt64 = 0

    func validate() throws {
        if channels < 1 || channels > 1024 { throw ValidationError("--channels \(channels): 1 to 1024") }
        if spurious > 1000 { throw ValidationError("--spurious \(spurious): 0 to 1000") }
    }

    func run() throws {
        let plain = mountpoint.count > 1 && mountpoint.hasSuffix("/") ? String(mountpoint.dropLast()) : mountpoint
        var settings = MountSettings(
            mountpoint: plain, channels: channels, devices: devices ?? plain + ".devices",
            device: DeviceSettings(driver: kind.driver, obeLag: kind.obeLag))
        settings.spurious = spurious
        settings.seed = seed
        let server = try FileServer(settings)
        say("ready")
        server.run()
    }
}
