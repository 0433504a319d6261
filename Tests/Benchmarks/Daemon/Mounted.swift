// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

/// Devices as files: `kcssim mount`, running.
final class Mounted {
    private let program: Program
    private let place: String
    private nonisolated(unsafe) static var count = 0

    /// Devices 1 to `channels`.
    init(_ workshop: Workshop, channels: Int) throws {
        guard access("/dev/fuse", R_OK | W_OK) == 0 else { throw Obstacle(text: "no /dev/fuse") }
        Mounted.count += 1
        place = "\(workshop.folder.path)/mount\(Mounted.count)"
        program = try Program(
            workshop.simulator,
            ["mount", "\(place)/dev", "--channels", "\(channels)", "--devices", "\(place)/sim"])
        let deadline = Clock.monotonic + 20_000_000_000
        while access(node(channels), R_OK | W_OK) != 0 {
            guard program.isRunning, Clock.monotonic < deadline else {
                throw Obstacle(text: program.log.split(separator: "\n").last.map(String.init) ?? "no mount")
            }
            usleep(1_000)
        }
    }

    deinit {
        program.signal(SIGTERM)
        program.wait()
    }

    /// A device, by its number from 1 on.
    func device(_ channel: Int) -> Device {
        Device(
            yaml: "{type: raw-kcs, path: \(node(channel))}", arguments: ["node", node(channel)],
            directory: "\(place)/sim/kcs\(channel)")
    }

    private func node(_ channel: Int) -> String { "\(place)/dev/raw-kcs\(channel)" }
}
