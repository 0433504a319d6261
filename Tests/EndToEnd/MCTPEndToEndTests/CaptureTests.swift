// SPDX-License-Identifier: Apache-2.0
import MCTP
import TestKit
import Testing

extension MCTPEndToEnd {
    /// From the handler, by the daemon's capture, to what reads it: one of the two frames packets, and only one.
    @Suite struct CaptureTests {
        /// A capture of one Get Endpoint ID and its answer.
        private func capture(_ bench: Bench) throws -> String {
            let client = try bench.client()
            #expect(try client.endpointID() == EID(8))
            let path = "\(bench.folder.path)/mctp.pcapng"
            let dump = try Tools.run(
                "kcsctl", ["--socket", "\(bench.folder.path)/control.sock", "capture", "dump", "mctp", "-o", path])
            #expect(dump.ending == .exited(0), "\(dump.errors)")
            return path
        }

        @Test func decodeReadsThePacketsOfTheHandler() throws {
            let bench = try Bench("astlpc")
            let decoded = try Tools.run("kcsctl", ["decode", try capture(bench)])
            #expect(decoded.ending == .exited(0))
            #expect(decoded.output.contains("Get Endpoint ID"))
            #expect(!decoded.output.contains("header version"))
            bench.stop()
        }

        @Test(.enabled(if: Tools.find("tshark") != nil, "tshark is not installed"))
        func tsharkReadsThePacketsOfTheHandler() throws {
            let bench = try Bench("astlpc")
            let fields = ["frame.interface_name", "sll.hatype", "data.data"].flatMap { ["-e", $0] }
            let tshark = try Program(
                try #require(Tools.find("tshark")),
                ["-r", try capture(bench), "-T", "fields", "-E", "separator=|"] + fields)
            let rows = tshark.standardOutput().split(separator: "\n").filter { $0.hasPrefix("mctp/mctp|") }
            #expect(tshark.wait() == .exited(0), "\(tshark.log)")
            // Hardware type MCTP, and behind its one header the packet: version, destination, source, flags, message.
            #expect(rows.count == 2, "\(rows)")
            #expect(rows.first?.hasPrefix("mctp/mctp|290|01 00 09".filter { $0 != " " }) == true, "\(rows)")
            #expect(rows.last?.hasPrefix("mctp/mctp|290|01 09 08".filter { $0 != " " }) == true, "\(rows)")
            bench.stop()
        }
    }
}
