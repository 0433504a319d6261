// SPDX-License-Identifier: Apache-2.0
//
// Sixteen channels of both kinds on every driver, hosts with every fault, and a daemon that grows no memory and leaks no
// descriptor over it.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension EndToEnd {
    @Suite struct SoakTests {
        private let bench = Bench()
        private static let channels = 16

        /// The host's side is always the workstation's program.
        private var kcssim: String { Path.parent(of: CurrentProcess.executable ?? "") + "/kcssim" }

        @Test func nothingIsLostOrLeakedUnderEveryFault() throws {
            let drivers = ["v2", "deferred", "fixed"]
            let lags: [UInt64] = [0, 20_000_000, .max, 500_000_000]
            var channels: [String] = []
            for index in 0..<Self.channels {
                let driver = drivers[index / 2 % drivers.count]
                _ = try DeviceDirectory.create(
                    "\(bench.path)/c\(index)",
                    DeviceSettings(driver: .init(name: driver) ?? .v2, obeLag: lags[index / 4 % lags.count]))
                channels.append(
                    bench.channel(
                        "c\(index)", index % 2 == 0 ? "echo" : "ipmi-lite",
                        "restart: {backoff: 20ms, backoff_max: 100ms}", device: "driver: \(driver)"))
            }
            try bench.configure(channels.joined(separator: "\n"))
            let daemon = try bench.start(running: Self.channels)
            let descriptors = openDescriptors(daemon)
            let seconds = CurrentProcess.environment("KCSMUX_LONG") == "1" ? 600 : 6
            let soak = try Program(
                kcssim,
                ["soak"] + (0..<Self.channels).map { "\(bench.path)/c\($0)" } + [
                    "--for", "\(seconds)s", "--vanish-every", "\(max(3, seconds / 20))s", "--timeout", "20s",
                ])
            // Buffers have their size, and plugins their first requests behind them, after a while.
            let warm = Clock.monotonic + UInt64(seconds) * 300_000_000
            while soak.isRunning && Clock.monotonic < warm { soak.line("nothing is said here", within: 100) }
            let memory = residentKilobytes(daemon)
            let ending = soak.wait(within: Int32(seconds * 1000 + 120_000))
            let output = soak.standardOutput()
            print(output)
            #expect(ending == .exited(0), "\(output)\(soak.log)\(daemon.log.suffix(4000))")
            #expect(output.contains("lost otherwise: nothing"))
            #expect(!output.contains("vanished 0 times"))
            let grown = residentKilobytes(daemon) - memory
            print("kcsmuxd: \(memory) KiB after warming up, \(grown) KiB more at the end, \(descriptors) descriptors")
            // A page here and there is the allocator's; a leak of a few bytes for each of thousands of events is more.
            #expect(grown <= 1024, "memory grew by \(grown) KiB from \(memory) KiB")
            // The capture of a failure may be on its way to the disk; so may something have been at the start.
            let limit = deadline
            while openDescriptors(daemon) > descriptors && Clock.monotonic < limit {
                _ = daemon.line("nothing is said here", within: 20)
            }
            #expect(openDescriptors(daemon) <= descriptors)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log.suffix(4000))")
        }

        private func openDescriptors(_ daemon: Program) -> Int {
            (try? Syscalls.list("/proc/\(daemon.identifier)/fd"))?.count ?? -1
        }

        private func residentKilobytes(_ daemon: Program) -> Int {
            guard let bytes = try? Syscalls.readFile("/proc/\(daemon.identifier)/status", limit: 65536) else {
                return 0
            }
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return Int(line?.split(separator: " ").dropFirst().first ?? "") ?? 0
        }
    }
}
