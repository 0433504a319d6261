// SPDX-License-Identifier: Apache-2.0
//
// What fleets read: `kcsctl metrics`, the rules of config/prometheus and the dashboard of config/grafana, as Prometheus' own
// tools and its Python client see them.
import CLinux
import LinuxIO
import TestKit
import Testing

extension EndToEnd {
    @Suite struct MetricsTests {
        private let bench = Bench()
        private static let rules = "\(CCompiler.root)/config/prometheus"
        private static let hasPrometheus = Tools.find("promtool") != nil && Tools.find("prometheus") != nil

        /// Channels on which everything that is a metric happens: requests, a watchdog that runs, a dump, capture files.
        private func start() throws -> Program {
            try bench.configure(
                bench.channel("host", "ipmi-lite", "capture: {mode: file}"), bench.channel("echo"),
                bench.channel("spare", "echo", "enabled: false"))
            let daemon = try bench.start(running: 2)
            #expect(try bench.host("echo").exchange(0x41) == 0x41)
            for request in [
                ["6", "1"], ["0xa", "0x40"], ["6", "0x24", "4", "0", "0", "0", "0", "2"], ["6", "0x22"],
            ] {
                #expect(try Tools.run("kcssim", ["ipmi", "\(bench.path)/host"] + request).ending == .exited(0))
            }
            #expect(try kcsctl("capture", "dump", "host").ending == .exited(0))
            return daemon
        }

        private func kcsctl(_ words: String...) throws -> (ending: Program.Ending, output: String, errors: String) {
            let run = try Program(
                "\(EndToEnd.programs)/kcsctl", ["--socket", "\(bench.path)/control.sock"] + words)
            let output = run.standardOutput()
            return (run.wait(), output, run.log)
        }

        private func metrics(_ words: String...) throws -> String {
            let path = "\(bench.path)/metrics"
            let run = try Program(
                "\(EndToEnd.programs)/kcsctl",
                ["--socket", "\(bench.path)/control.sock", "metrics", "-o", path] + words)
            #expect(run.wait() == .exited(0), "\(run.log)")
            return try #require(bench.folder.read("metrics"))
        }

        /// Runs a program of the system, with a file as its input.
        private func ask(_ program: String, _ words: [String], input: String = "/dev/null") throws -> String {
            let command = ([program] + words).map { "'\($0)'" }.joined(separator: " ")
            let run = try Program("/bin/sh", ["-c", "\(command) <'\(input)' 2>&1"])
            let output = run.standardOutput()
            #expect(run.wait() == .exited(0), "\(command): \(output)")
            return output
        }

        /// A sample's value.
        private func value(_ sample: String, _ text: String) -> String? {
            text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }.map {
                String($0.dropFirst(sample.count + 1))
            }
        }

        @Test func samplesAreWhatHappened() throws {
            let daemon = try start()
            let text = try metrics()
            #expect(text.hasSuffix("\n# EOF\n"))
            #expect(value("kcsmux_channel_received_bytes_total{channel=\"echo\"}", text) == "1")
            #expect(value("kcsmux_channel_state{channel=\"echo\",state=\"running\"}", text) == "1")
            #expect(value("kcsmux_channel_state{channel=\"spare\",state=\"stopped\"}", text) == "1")
            #expect(value("kcsmux_channel_enabled{channel=\"spare\"}", text) == "0")
            #expect(value("kcsmux_transfer_requests_total{channel=\"host\"}", text) == "4")
            #expect(value("kcsmux_transfer_requests_total{channel=\"echo\"}", text) == nil)
            let durations = "kcsmux_request_duration_seconds"
            #expect(value("\(durations)_count{channel=\"host\",class=\"app\"}", text) == "3")
            #expect(value("\(durations)_bucket{channel=\"host\",class=\"storage\",le=\"+Inf\"}", text) == "1")
            #expect(value("kcsmux_fetch_duration_seconds_count{channel=\"host\"}", text) == "4")
            #expect(value("kcsmux_delivery_duration_seconds_count{channel=\"host\"}", text) == "1")
            #expect(value("kcsmux_plugin_echo_echoed_total{channel=\"echo\",plugin=\"echo\"}", text) == "1")
            let left = value("kcsmux_plugin_ipmi_lite_watchdog_seconds{channel=\"host\",plugin=\"ipmi-lite\"}", text)
            #expect(left.flatMap { Double($0) }.map { $0 > 0 && $0 <= 51.2 } == true, "\(left ?? "none")")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
        }

        @Test func bucketsOfAHistogramNeverFallAndEndInItsCount() throws {
            _ = try start()
            for line in try metrics().split(separator: "# TYPE ").filter({ $0.contains(" histogram\n") }) {
                let name = line.prefix { $0 != " " }
                let counts = line.split(separator: "\n").filter { $0.hasPrefix("\(name)_bucket{channel=\"host\"") }
                    .compactMap { Int($0.split(separator: " ").last ?? "") }
                #expect(counts.count % 15 == 0 && !counts.isEmpty, "\(name)")
                for start in stride(from: 0, to: counts.count, by: 15) {
                    let one = counts[start..<(start + 15)]
                    #expect(zip(one, one.dropFirst()).allSatisfy { $0 <= $1 }, "\(name): \(one)")
                    #expect(line.contains("_count{") && line.contains(" \(one.last!)\n"))
                }
            }
        }

        @Test(.enabled(if: hasPrometheus, "prometheus is not installed"))
        func promtoolHasNothingToSayOfThem() throws {
            _ = try start()
            let text = try metrics("--format", "prometheus")
            #expect(text.contains("# TYPE kcsmux_transfer_requests_total counter\n"))
            #expect(try ask("promtool", ["check", "metrics"], input: "\(bench.path)/metrics") == "")
        }

        @Test func anOpenMetricsParserTakesAllOfThem() throws {
            _ = try start()
            _ = try metrics()
            let script = """
                import sys
                try: from prometheus_client.openmetrics import parser
                except ImportError: print("absent"); sys.exit()
                families = list(parser.text_string_to_metric_families(open(sys.argv[1]).read()))
                print(len(families), sum(len(family.samples) for family in families))
                """
            // Debian's own Python has Debian's packages.
            let said = try ask("/usr/bin/python3", ["-c", script, "\(bench.path)/metrics"])
            if said.hasPrefix("absent") { return print("skipped: python3-prometheus-client is not installed") }
            let counts = said.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { Int($0) }
            #expect(counts.count == 2 && counts[0] > 40 && counts[1] > 100, "\(said)")
        }

        @Test(arguments: [
            "prometheus/kcsmux.rules.yml", "prometheus/kcsmux.rules.test.yml", "grafana/kcsmux-channels.json",
        ])
        func everyMetricThatRulesAndDashboardNameIsThere(file: String) throws {
            _ = try start()
            let text = try metrics()
            let read = try Syscalls.readFile("\(CCompiler.root)/config/\(file)", limit: 1 << 20)
            let words = String(decoding: read, as: UTF8.self).split { !($0.isLetter || $0.isNumber || $0 == "_") }
            let named = Set(words.filter { $0.hasPrefix("kcsmux_") })
            #expect(named.count > 10)
            for name in named {
                let family = name.replacing("_total", with: "").replacing("_bucket", with: "")
                #expect(
                    text.contains("# TYPE \(family) ") && (text.contains("\n\(name){") || text.contains("\n\(name) ")),
                    "\(name)")
            }
        }

        @Test(.enabled(if: hasPrometheus, "prometheus is not installed"))
        func eachRuleFiresOnWhatItIsForAndOnNothingElse() throws {
            _ = try ask("promtool", ["check", "rules", "\(Self.rules)/kcsmux.rules.yml"])
            let said = try ask("promtool", ["test", "rules", "\(Self.rules)/kcsmux.rules.test.yml"])
            #expect(said.contains("SUCCESS"), "\(said)")
        }

        @Test func aScrapeOverHTTPSaysWhetherThereIsADaemon() throws {
            let daemon = try start()
            let request = try bench.folder.write("request", "GET /metrics HTTP/1.1\r\nHost: bmc\r\n\r\n")
            let command = ["--socket", "\(bench.path)/control.sock", "metrics", "--http"]
            let answer = try ask("\(EndToEnd.programs)/kcsctl", command, input: request)
            let parts = answer.replacing("\r\n", with: "\n").split(separator: "\n\n", maxSplits: 1)
            #expect(parts.count == 2 && parts[0].hasPrefix("HTTP/1.1 200 OK\n"), "\(parts.first ?? "")")
            #expect(parts[0].contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"))
            #expect(parts[0].contains("Content-Length: \(parts[1].utf8.count)\n"))
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            let run = try Program(
                "/bin/sh", ["-c", "'\(EndToEnd.programs)/kcsctl' \(command.joined(separator: " ")) <\(request)"])
            let refusal = run.standardOutput()
            #expect(run.wait() == .exited(69) && refusal.hasPrefix("HTTP/1.1 503 "), "\(refusal)")
        }
    }
}
