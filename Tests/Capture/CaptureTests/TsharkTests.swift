// SPDX-License-Identifier: Apache-2.0
//
// What a stock tshark makes of the files. Skipped, visibly, where it is not installed.
import CLinux
import Capture
import LinuxIO
import Testing

@Suite(.enabled(if: Program.isInstalled("tshark"), "tshark is not installed"))
struct TsharkTests {
    private func fields(_ bytes: [UInt8], _ names: [String], options: [String] = []) -> [[String]] {
        let folder = TemporaryFolder()
        let path = folder.file("x.pcapng", bytes)
        let (status, output) = Program.run(
            ["tshark", "-r", path, "-T", "fields", "-E", "separator=|"] + options + names.flatMap { ["-e", $0] })
        #expect(status == 0)
        return output.split(separator: "\n", omittingEmptySubsequences: true).map {
            $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func namesDirectionsTimesAndCommentsAreShown() {
        let rows = fields(
            Sample.pcapng(),
            [
                "frame.interface_name", "frame.interface_description", "frame.packet_flags_direction",
                "frame.time_epoch", "frame.comment",
            ])
        #expect(rows.count == 18)
        #expect(
            rows[3] == [
                "ipmi/registers", "KCS registers, raw-kcs /dev/raw-kcs3", "0x00000001", "1700000000.000001500",
                "stale: was there when the device was opened",
            ])
        #expect(rows[6][0...2] == ["ipmi/registers", "KCS registers, raw-kcs /dev/raw-kcs3", "0x00000002"])
        #expect(rows.last?[4] == "handler failed: ipmi-lite: data: no memory")
    }

    @Test func ipmiRequestsAndResponsesAreNamedAndMatched() {
        let rows = fields(
            Sample.pcapng(),
            ["_ws.col.Info", "ipmi.response_in", "ipmi.response_to", "ipmi.response_time"],
            options: ["-2", "-o", "ipmi.dissect_bus_commands:TRUE", "-Y", "frame.interface_name == \"ipmi/ipmi\""])
        #expect(rows.count == 2)
        #expect(rows.first?[0].contains("Req, Get Device ID") == true)
        #expect(rows.last?[0].contains("Rsp, Get Device ID") == true)
        #expect(rows.first?[1].isEmpty == false)
        #expect(rows.last?[2].isEmpty == false)
        #expect(rows.last?[3] == "0.005000000")
    }

    @Test func eventsAreReadableInTheInfoColumn() {
        let rows = fields(Sample.pcapng(), ["frame.interface_name", "_ws.col.Info"])
        let events = rows.filter { $0[0].hasSuffix("/events") }.map { $0[1] }
        #expect(events.contains { $0.contains("device opened, 1 stale bytes") })
        #expect(events.contains { $0.contains("trigger D") })
        #expect(events.contains { $0.contains("3 capture records lost") })
    }

    @Test func mctpIsACookedFrameOfItsProtocol() {
        let rows = fields(Sample.pcapng(), ["frame.interface_name", "sll.ltype", "sll.etype", "sll.hatype"])
        let mctp = rows.filter { $0[0] == "mctp/mctp" }
        #expect(mctp.count == 2)
        #expect(mctp.allSatisfy { $0[1...2].contains("0x00fa") && $0[3] == "290" })
    }

    @Test func everyPacketOfALiveStreamIsRead() {
        let recorder = Sample.ipmi()
        var stream = CaptureStream(recorder, from: .oldest)
        var bytes: [UInt8] = []
        stream.pump(recorder, into: &bytes, limit: 1 << 20)
        ([0x01, 0x02] as [UInt8]).withUnsafeBytes { recorder.message(.fromHost, link: .mctp, $0, at: 7_000_000) }
        stream.pump(recorder, into: &bytes, limit: 1 << 20)
        stream.finish(into: &bytes)
        let rows = fields(bytes, ["frame.interface_name"])
        #expect(rows.count == 14)
        // An interface that the stream described when it was first needed.
        #expect(rows.last == ["ipmi/mctp"])
    }

    @Test func wiresharkPluginNamesTheRegisters() {
        let script = "config/wireshark/kcs.lua"
        let folder = TemporaryFolder()
        let path = folder.file("x.pcapng", Sample.pcapng())
        _ = Program.run(["chmod", "-R", "a+rX", folder.path])
        _ = Program.run(["cp", script, folder.path + "/kcs.lua"])
        // tshark runs no scripts for root.
        let lead = geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let (status, output) = Program.run(
            lead + ["env", "HOME=" + folder.path, "tshark", "-r", path, "-X", "lua_script:" + folder.path + "/kcs.lua"]
                + ["-Y", "kcsreg", "-T", "fields", "-E", "separator=|"]
                + ["kcsreg.kind", "kcsreg.value", "kcsreg.str", "kcsreg.str.cd", "_ws.col.Info"].flatMap { ["-e", $0] })
        #expect(status == 0)
        let rows = output.split(separator: "\n").map(String.init)
        #expect(rows.count == 7)
        #expect(rows.first == "1|0x41|0x02|0|IDR 41 (stale)")
        #expect(rows.dropFirst().first == "1|0x61|0x0a|1|IDR 61 command")
        #expect(rows.last?.hasSuffix("IDR 44 dropped: no handler runs") == true)
    }
}
