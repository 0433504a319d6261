// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension EndToEnd {
    @Suite struct RealtimeTests {
        private let bench = Bench()
        private static let tools = ["/usr/bin/prlimit", "/usr/bin/setpriv"].allSatisfy { (path: String) in
            access(path, X_OK) == 0
        }
        /// May this process do what the keys ask for? Tried in a thread's own scheduling, and put back.
        private static let isPermitted: Bool = {
            var parameter = sched_param(sched_priority: 1)
            guard geteuid() == 0, sched_setscheduler(0, SCHED_FIFO, &parameter) == 0 else { return false }
            parameter.sched_priority = 0
            return sched_setscheduler(0, SCHED_OTHER, &parameter) == 0
        }()

        /// Policy and real-time priority of each thread, in the order of their numbers; the loop's is the first.
        private func threads(_ process: Int32) throws -> [(policy: Int, priority: Int)] {
            try Syscalls.list("/proc/\(process)/task").compactMap { Int32($0) }.sorted().map { thread in
                let text = String(
                    decoding: try Syscalls.readFile("/proc/\(process)/task/\(thread)/stat", limit: 4096), as: UTF8.self)
                let fields = try #require(text.split(separator: ")").last).split(separator: " ")
                // rt_priority and policy are fields 40 and 41; the third is the first behind the name.
                return (Int(fields[38]) ?? -1, Int(fields[37]) ?? -1)
            }
        }

        private func status(_ process: Int32, _ key: String) throws -> String {
            let text = String(decoding: try Syscalls.readFile("/proc/\(process)/status", limit: 1 << 16), as: UTF8.self)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(key):") })
            return String(line.dropFirst(key.utf8.count + 1).drop { $0 == " " || $0 == "\t" })
        }

        @Test(.enabled(if: isPermitted, "real-time scheduling is not permitted here"))
        func keysAreHonouredForTheLoopAndItsWatchdogOnly() throws {
            let trigger =
                "options: {actions: {X: [{exec: [/bin/sh, -c, 'cat /proc/self/stat > \(bench.path)/stat;"
                + " cat /proc/self/status > \(bench.path)/status']}]}}"
            bench.head = "realtime: {policy: fifo, priority: 40, lock_memory: true, cpu: 0}"
            try bench.configure(bench.channel("debug", "debug-trigger", trigger))
            let daemon = try bench.launch()
            #expect(
                daemon.line("notice kcsmuxd: realtime: memory locked, processor 0, SCHED_FIFO 40") != nil,
                "\(daemon.log)")
            #expect(daemon.line("debug: running") != nil, "\(daemon.log)")
            let host = try bench.host("debug")
            #expect(host.send(0x58, deadline: deadline))
            #expect(daemon.line("debug", "exec /bin/sh ok") != nil, "\(daemon.log)")

            let threads = try threads(daemon.identifier)
            #expect(threads.first.map { $0.policy == 1 && $0.priority == 40 } == true, "\(threads)")
            #expect(threads.filter { $0 == (1, 41) }.count == 1, "the watchdog: \(threads)")
            #expect(threads.count { $0.policy == 1 } == 2, "all others are ordinary: \(threads)")
            #expect(try status(daemon.identifier, "Cpus_allowed_list") == "0")
            let locked = try #require(Int(try status(daemon.identifier, "VmLck").split(separator: " ").first ?? ""))
            let size = try #require(Int(try status(daemon.identifier, "VmSize").split(separator: " ").first ?? ""))
            #expect(locked > size / 2, "\(locked) of \(size) kB are locked")

            // A program that an action runs is an ordinary one, and may run on every processor.
            let fields = try #require(bench.folder.read("stat")?.split(separator: ")").last).split(separator: " ")
            #expect(fields[38] == "0" && fields[37] == "0", "\(fields)")
            let own = try status(CurrentProcess.identifier, "Cpus_allowed_list")
            let program = bench.folder.read("status")?.split(separator: "\n")
                .first { $0.hasPrefix("Cpus_allowed_list:") }
            #expect(program == "Cpus_allowed_list:\t\(own)")
        }

        @Test(.enabled(if: tools, "prlimit and setpriv (util-linux) are not installed"))
        func whatIsNotPermittedIsSaidAndChannelsRun() throws {
            bench.head = "realtime: {policy: fifo, priority: 50, lock_memory: true, cpu: 1023}"
            try bench.configure(bench.channel("a"))
            let drop = geteuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set=-sys_nice,-ipc_lock,-sys_resource"] : []
            let daemon = try Program(
                "/usr/bin/prlimit",
                ["--rtprio=0", "--memlock=65536"] + drop + ["\(programs)/kcsmuxd", "--config", bench.file])
            #expect(
                daemon.line(
                    "warning kcsmuxd: realtime: lock_memory: true is not permitted: Operation not permitted;"
                        + " the limit of locked memory is 64KiB; it takes LimitMEMLOCK=infinity or CAP_IPC_LOCK")
                    != nil, "\(daemon.log)")
            #expect(
                daemon.line(
                    "warning kcsmuxd: realtime: cpu: 1023 is not possible: Invalid argument;"
                        + " the machine has no such processor, or not for kcsmuxd") != nil, "\(daemon.log)")
            #expect(
                daemon.line(
                    "warning kcsmuxd: realtime: policy: fifo, priority: 50 is not permitted: Operation not permitted;"
                        + " it takes LimitRTPRIO=50 or more, or CAP_SYS_NICE") != nil, "\(daemon.log)")
            #expect(daemon.line("a: running") != nil, "\(daemon.log)")
            #expect(try bench.host("a").exchange(0x41) == 0x41)
            #expect(try threads(daemon.identifier).allSatisfy { $0.policy == 0 })
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
        }

        @Test func changeTakesEffectAtARestart() throws {
            try bench.configure(bench.channel("a"))
            let daemon = try bench.start()
            bench.head = "realtime: {cpu: 0}"
            try bench.configure(bench.channel("a"))
            daemon.signal(SIGHUP)
            #expect(
                daemon.line("realtime has changed; it takes effect at a restart of kcsmuxd") != nil, "\(daemon.log)")
            #expect(try status(daemon.identifier, "Cpus_allowed_list") == status(getpid(), "Cpus_allowed_list"))
        }
    }
}
