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

    // MARK: What config/wireshark adds

    /// What tshark says, on both outputs, with kcs.lua and the profile of this package.
    private func shown(_ bytes: [UInt8], _ names: [String], options: [String] = []) -> [String] {
        let folder = TemporaryFolder()
        let path = folder.file("x.pcapng", bytes)
        let profiles = folder.path + "/.config/wireshark/profiles"
        _ = Program.run(["mkdir", "-p", profiles])
        _ = Program.run(["cp", "-r", "config/wireshark/profile/KCS", profiles])
        _ = Program.run(["cp", "config/wireshark/kcs.lua", folder.path])
        _ = Program.run(["chmod", "-R", "a+rX", folder.path])
        // tshark runs no scripts for root.
        let lead = geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let (status, output) = Program.run(
            ["sh", "-c", "exec \"$@\" 2>&1", "sh"] + lead
                + ["env", "HOME=" + folder.path, "XDG_CONFIG_HOME=" + folder.path + "/.config", "COLORTERM=truecolor"]
                + ["tshark", "-r", path, "-C", "KCS", "-X", "lua_script:" + folder.path + "/kcs.lua"] + options
                + (names.isEmpty ? [] : ["-T", "fields", "-E", "separator=|"]) + names.flatMap { ["-e", $0] })
        #expect(status == 0, "\(output)")
        return output.split(separator: "\n").map(String.init)
    }

    @Test func wiresharkPluginNamesTheRegisters() {
        let rows = shown(
            Sample.pcapng(), ["kcsreg.kind", "kcsreg.value", "kcsreg.str", "kcsreg.str.cd", "_ws.col.Info"],
            options: ["-Y", "kcsreg"])
        #expect(rows.count == 7)
        #expect(rows.first == "1|0x41|0x02|0|IDR 41 (stale)")
        #expect(rows.dropFirst().first == "1|0x61|0x0a|1|IDR 61 command")
        #expect(rows.last?.hasSuffix("IDR 44 dropped: no handler runs") == true)
    }

    @Test func sourceAndDestinationAreThoseOfTheByte() {
        let rows = shown(
            Sample.pcapng(),
            ["frame.interface_name", "_ws.col.Source", "_ws.col.Destination", "kcsreg.direction", "frame.p2p_dir"],
            options: ["-Y", "!(frame.interface_name contains \"/events\")"])
        let (fromHost, toHost) = ("HOST|BMC", "BMC|HOST")
        #expect(
            rows.filter { $0.hasPrefix("ipmi/") } == [
                "ipmi/registers|\(fromHost)|1|1", "ipmi/registers|\(fromHost)|1|1", "ipmi/registers|\(toHost)|2|0",
                "ipmi/registers|\(toHost)|2|0", "ipmi/ipmi|\(fromHost)||1", "ipmi/ipmi|\(toHost)||0",
                "ipmi/registers|\(toHost)|2|0", "ipmi/registers|\(toHost)|2|0", "ipmi/registers|\(fromHost)|1|1",
            ], "\(rows)")
        // From Wireshark 4.2 on, the endpoints' numbers stand in the place of the sides.
        let mctp = rows.filter { $0.hasPrefix("mctp/mctp|") }.map { $0.split(separator: "|") }
        #expect(mctp.count == 2 && mctp.allSatisfy { $0.count == 4 && $0[1] != $0[2] }, "\(rows)")
    }

    /// A transfer that fails, where the daemon runs it; and the same bytes where it does not.
    private func transfer(port: (HostPort) -> HostPort) -> [UInt8] {
        let recorder = Recorder(RecorderIdentity(channel: "ipmi", description: "", number: 1), events: 64)
        recorder.wallOffset(Sample.wall, at: 0)
        recorder.idrRead(0x61, str: 0x0A, port: port(.command), at: 1)
        recorder.odrAndSTRWritten(odr: 0, str: 0x81, mask: 0xC1, at: 2)
        recorder.idrRead(0x60, str: 0x02, port: port(.data), at: 3)
        recorder.odrAndSTRWritten(odr: 0, str: 0xC1, mask: 0xC1, at: 4)
        recorder.idrRead(0x60, str: 0x0A, port: port(.command), at: 5)
        recorder.strWritten(0xC4, mask: 0x04, at: 6)
        return CaptureDump.pcapng([recorder.snapshot()])
    }

    @Test func statesAndControlCodesAreNamedWhereTransfersRun() {
        let names = ["_ws.col.Info", "kcsreg.expert.error_state", "kcsreg.expert.abort"]
        let rows = shown(transfer { $0 }, names, options: ["-Y", "kcsreg"]).map { $0.split(separator: "|") }
        #expect(
            rows.map { $0.first } == [
                "IDR 61 command, WRITE_START", "ODR 00, STR 81 mask C1, WRITE", "IDR 60 data",
                "ODR 00, STR C1 mask C1, ERROR", "IDR 60 command, GET_STATUS/ABORT", "STR C4 mask 04",
            ])
        #expect(rows.map { $0.count } == [1, 1, 1, 2, 2, 1])
        let others = shown(transfer { _ in .asStatusSays }, names, options: ["-Y", "kcsreg"])
        #expect(others.count == 6 && others.allSatisfy { $0.hasSuffix("||") && !$0.contains(", ERROR") }, "\(others)")
    }

    @Test func profileIsTakenWithoutAWordAndShowsTheChannel() throws {
        let rows = shown(Sample.pcapng(), [], options: ["--color"])
        // A warning would be a line more.
        #expect(rows.count == 18, "\(rows)")
        #expect(try #require(rows.first { $0.contains("Req, Get Device ID") }).contains(" ipmi/ipmi "))
    }

    @Test func profileColoursWhatWentWrong() {
        let recorder = Recorder(RecorderIdentity(channel: "x", description: "", number: 1), events: 64)
        recorder.wallOffset(Sample.wall, at: 0)
        ([0x18, 0x99] as [UInt8]).withUnsafeBytes { recorder.message(.fromHost, link: .ipmi, $0, at: 1) }
        ([0x1C, 0x99, 0xC1] as [UInt8]).withUnsafeBytes { recorder.message(.toHost, link: .ipmi, $0, at: 2) }
        let files = [Sample.pcapng(), transfer { $0 }, CaptureDump.pcapng([recorder.snapshot()])]
        let rows = files.flatMap { shown($0, ["_ws.col.Info", "frame.coloring_rule.name"], options: ["--color"]) }
        func name(_ info: String) -> String? {
            rows.first { $0.contains(info) }?.split(separator: "|").last.map(String.init)
        }
        let bad = "KCS: ERROR state, abort, or a failure"
        for info in [", ERROR", "ABORT", "handler failed", "records lost"] { #expect(name(info) == bad, "\(info)") }
        #expect(name("Rsp, Unknown") == "IPMI: completion code other than 00", "\(rows)")
        #expect(name("Rsp, Get Device ID") == "Messages")
        for info in ["stale)", "refused", "replaced", "dropped"] {
            #expect(name(info) == "KCS: refused, dropped, replaced, stale, or not read by the host", "\(info)")
        }
        #expect(name("device opened") == "Events of a channel")
        #expect(name("WRITE_START") == "KCS: written by the host")
        #expect(name("81 mask C1, WRITE") == "KCS: written by the BMC")
    }
}
