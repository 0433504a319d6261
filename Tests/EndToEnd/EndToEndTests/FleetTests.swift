// SPDX-License-Identifier: Apache-2.0
//
// A fleet of three, and the real Prometheus that watches it: scrapes over the unit that a socket starts (as systemd's own tool for
// that runs it), and the alerts of config/prometheus.
import CLinux
import LinuxIO
import TestKit
import Testing

extension EndToEnd {
    @Suite struct FleetTests {
        private static let tools = ["prometheus", "promtool", "systemd-socket-activate", "python3"]
        private static let isWhole = tools.allSatisfy { Tools.find($0) != nil }
        private let folder = TestFolder()

        /// A BMC: kcsmuxd, and what answers scrapes.
        private struct Machine {
            let bench: Bench
            let daemon: Program
            let scrapes: Program
            let address: String
        }

        private func ports(_ count: Int) throws -> [String] {
            let script = """
                import socket
                sockets = [socket.socket() for _ in range(\(count))]
                for one in sockets: one.bind(("127.0.0.1", 0))
                print(*[one.getsockname()[1] for one in sockets])
                """
            let run = try Program(try #require(Tools.find("python3")), ["-c", script])
            let output = run.standardOutput()
            #expect(run.wait() == .exited(0))
            return output.split { $0 == " " || $0 == "\n" }.map(String.init)
        }

        private func machine(_ port: String) throws -> Machine {
            let bench = Bench()
            try bench.configure(bench.channel("host", "ipmi-lite", "options: {sel: {capacity: 4}}"))
            let daemon = try bench.start()
            let scrapes = try Program(
                try #require(Tools.find("systemd-socket-activate")),
                [
                    "--listen", "127.0.0.1:\(port)", "--accept", "--inetd", "-E",
                    "KCSCTL_SOCKET=\(bench.path)/control.sock", "\(EndToEnd.programs)/kcsctl", "metrics", "--http",
                ])
            return Machine(bench: bench, daemon: daemon, scrapes: scrapes, address: "127.0.0.1:\(port)")
        }

        private func prometheus(_ port: String, _ machines: [Machine]) throws -> Program {
            let rules = try Syscalls.readFile("\(CCompiler.root)/config/prometheus/kcsmux.rules.yml", limit: 1 << 20)
            // The test does not wait for minutes.
            let lines = String(decoding: rules, as: UTF8.self).split(separator: "\n").filter { !$0.contains(" for: ") }
            try folder.write("rules.yml", lines.joined(separator: "\n") + "\n")
            let file = try folder.write(
                "prometheus.yml",
                """
                global: {scrape_interval: 1s, evaluation_interval: 1s}
                rule_files: [rules.yml]
                scrape_configs:
                  - job_name: kcsmux
                    static_configs: [{targets: ["\(machines.map { $0.address }.joined(separator: "\", \""))"]}]

                """)
            return try Program(
                try #require(Tools.find("prometheus")),
                [
                    "--config.file=\(file)", "--storage.tsdb.path=\(folder.path)/data",
                    "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
                ])
        }

        /// Asks until the answer is as it should be.
        private func comes(_ port: String, _ query: String, _ condition: (String) -> Bool) throws -> String? {
            let end = Clock.monotonic + 60_000_000_000
            while Clock.monotonic < end {
                let run = try Program(
                    try #require(Tools.find("promtool")), ["query", "instant", "http://127.0.0.1:\(port)", query])
                let answer = run.standardOutput()
                if run.wait() == .exited(0), condition(answer) { return answer }
            }
            return nil
        }

        @Test(.enabled(if: isWhole, "prometheus or systemd-socket-activate is not installed"))
        func alertsFireForTheOneMachineThatTheyAreAbout() throws {
            let ports = try ports(4)
            let machines = try ports.dropFirst().map { try machine($0) }
            let server = try prometheus(ports[0], machines)
            func firing(_ alert: String, on machine: Int) throws -> Bool {
                try comes(ports[0], "ALERTS{alertstate=\"firing\",alertname=\"\(alert)\"}") { answer in
                    answer.split(separator: "\n").count == 1
                        && answer.contains("instance=\"\(machines[machine].address)\"")
                } != nil
            }
            #expect(
                try comes(ports[0], "count(kcsmux_channel_state{state=\"running\"} == 1)") { $0.contains("=> 3 @") }
                    != nil, "\(server.log)")
            // Before the first scrape there are no metrics, which is an alert of its own.
            #expect(try comes(ports[0], "ALERTS") { answer in answer.allSatisfy { $0 == "\n" } } != nil)

            let stop = try Program(
                "\(EndToEnd.programs)/kcsctl",
                ["--socket", "\(machines[1].bench.path)/control.sock", "stop", "host"])
            #expect(stop.wait() == .exited(0))
            #expect(try firing("KcsChannelDown", on: 1))

            let record = ["0", "0", "2", "0", "0", "0", "0", "0x20", "0", "4", "1", "1", "1", "0", "0", "0"]
            for _ in 0..<4 {
                let add = ["ipmi", "\(machines[2].bench.path)/host", "0xa", "0x44"] + record
                #expect(try Tools.run("kcssim", add).ending == .exited(0))
            }
            #expect(try firing("KcsEventLogFull", on: 2))
            for program in machines.map({ $0.scrapes }) + [server] { program.signal(SIGTERM) }
        }
    }
}
