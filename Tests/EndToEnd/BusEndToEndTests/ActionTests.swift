// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension BusEndToEnd {
    /// Actions that OpenBMC's services carry out, and what happens where these do not.
    @Suite struct ActionTests {
        private let bench = BusBench()

        /// kcsmuxd with a channel of debug-trigger, whose actions for X these are. A program's bus is that of the bench.
        private func start(_ actions: String) throws -> Program {
            let device = "\(bench.path)/debug"
            _ = try DeviceDirectory.create(device, DeviceSettings())
            try bench.folder.write("sysrq", "")
            try bench.folder.write(
                "kcsmux.yaml",
                """
                version: 1
                state_directory: \(bench.path)/state
                control: {socket: \(bench.socket)}
                sysrq_path: \(bench.path)/sysrq
                channels:
                  - name: debug
                    device: {type: sim, path: \(device)}
                    plugin: debug-trigger
                    options: {cooldown: 0s, actions: {X: \(actions)}}
                """)
            let daemon = try Program(
                "\(BusBench.programs)/kcsmuxd", ["--config", "\(bench.path)/kcsmux.yaml"],
                environment: ["DBUS_SYSTEM_BUS_ADDRESS": bench.address])
            #expect(daemon.line("debug: running") != nil, "\(daemon.log)")
            return daemon
        }

        /// Writes the trigger, and answers the audit line and how long it took to come.
        private func trigger(_ daemon: Program) throws -> (line: String, time: UInt64) {
            let host = try SimulatedHost(directory: "\(bench.path)/debug")
            let begun = Clock.monotonic
            #expect(host.send(0x58, deadline: begun + 20_000_000_000))
            let line = daemon.line("debug: trigger")
            return (line ?? daemon.log, Clock.monotonic - begun)
        }

        @Test func aDumpIsWaitedForAndTheBMCRebootedAfterIt() throws {
            try bench.startBus()
            let dumps = try bench.startService("dump", "Completed")
            let bmc = try bench.startService("bmc")
            let daemon = try start("[{dump: bmc, timeout: 20s}, {reboot: bmc}]")
            let line = try trigger(daemon).line
            #expect(line.contains("dump bmc ok; reboot bmc ok"), "\(daemon.log)")
            #expect(dumps.line("dump") != nil)
            let call = try #require(bmc.line("State.BMC"))
            #expect(
                call.hasSuffix(
                    "/xyz/openbmc_project/state/bmc0 org.freedesktop.DBus.Properties.Set ssv"
                        + " ['xyz.openbmc_project.State.BMC', 'RequestedBMCTransition',"
                        + " 'xyz.openbmc_project.State.BMC.Transition.Reboot']"), "\(call)")
        }

        @Test(arguments: ["Failed", "Aborted", "Unavailable", "QuotaExceeded", "Disabled"])
        func aDumpThatEndsOtherwiseHasFailed(status: String) throws {
            try bench.startBus()
            try bench.startService("dump", status)
            let daemon = try start("[{dump: bmc, timeout: 20s, else: [{sysrq: b}]}]")
            let (line, time) = try trigger(daemon)
            #expect(line.contains("dump bmc failed (exit status 1); sysrq b ok"), "\(line)")
            #expect(time < 15_000_000_000, "it was not waited for")
            #expect(daemon.log.contains(status), "\(daemon.log)")
            #expect(bench.folder.read("sysrq") == "b")
        }

        enum Trouble: String, CaseIterable, Sendable {
            case noBus, busStands, noService, serviceHangs, dumpNeverEnds, busDies
        }

        @Test(arguments: Trouble.allCases) func theLastResortComesInTimeAndOnce(trouble: Trouble) throws {
            if trouble != .noBus { try bench.startBus() }
            switch trouble {
            case .noBus, .noService, .busStands: break
            case .serviceHangs, .busDies: try bench.startService("dump", "hung")
            case .dumpNeverEnds: try bench.startService("dump", "never")
            }
            let daemon = try start(
                "[{dump: bmc, timeout: 1s, else: [{reboot: bmc, timeout: 1s, else: [{sysrq: b}]}]}]")
            if trouble == .busStands { bench.bus?.signal(SIGSTOP) }
            if trouble == .busDies { bench.bus?.signal(SIGKILL) }
            let (line, time) = try trigger(daemon)
            #expect(line.contains("dump bmc") && line.contains("reboot bmc") && line.contains("sysrq b ok"), "\(line)")
            #expect(time < 15_000_000_000, "\(time) ns")
            #expect(bench.folder.read("sysrq") == "b", "once")
        }

        @Test func withoutAStateManagerSystemdReboots() throws {
            try bench.startBus()
            let systemd = try bench.startService("systemd")
            let daemon = try start("[{reboot: bmc}, {unit: rescue.target}]")
            #expect(try trigger(daemon).line.contains("reboot bmc ok; unit rescue.target ok"), "\(daemon.log)")
            #expect(systemd.line("Manager.StartUnit ss ['reboot.target', 'replace-irreversibly']") != nil)
            #expect(systemd.line("Manager.StartUnit ss ['rescue.target', 'replace']") != nil)
        }

        @Test func anEventHasItsWordsAndData() throws {
            try bench.startBus()
            let bmc = try bench.startService("bmc")
            let daemon = try start(
                "[{event: {message: xyz.Trigger, severity: Critical, data: {CHANNEL: debug, WHY: a=b}}}]")
            #expect(try trigger(daemon).line.contains("event ok"), "\(daemon.log)")
            #expect(
                bmc.line(
                    "Logging.Create.Create ssa{ss} ['xyz.Trigger', 'xyz.openbmc_project.Logging.Entry.Level.Critical',"
                        + " {'CHANNEL': 'debug', 'WHY': 'a=b'}]") != nil, "\(bmc.log)")
        }
    }
}
