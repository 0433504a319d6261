// SPDX-License-Identifier: Apache-2.0
//
// What a transcript may say, and what is said about one that is wrong or that a plugin does not keep.
import LinuxIO
import PluginHost
import PluginTrial
import TestKit
import Testing

@Suite struct TranscriptTests {
    private func fault(_ text: String) -> String? {
        do {
            _ = try Transcript(Array(text.utf8), file: "f")
            return nil
        } catch { return error.description }
    }

    @Test(arguments: [
        ("", "f: error: nothing happens in it"),
        ("> start\nodr 1", "f:2: error: a line begins with >, < or #, not with 'o'"),
        ("\n# x\n> data 256", "f:3: error: '256' is not a byte: 0 to 255, or 0x00 to 0xff"),
        ("> wait 5", "f:1: error: '5' is not a duration, such as 500us, 10ms or 30s"),
        ("> request 1", "f:1: error: a request is NetFn/LUN, command and data: 2 to 1000 bytes"),
        ("> start now", "f:1: error: 'start now' is not 'start [REASON] [stale 0|1|2]'"),
        ("> ran signal", "f:1: error: 'ran signal' is not 'ran STATUS', 'ran signal NUMBER' or 'ran timed-out'"),
        ("> actions fine", "f:1: error: 'fine' is none of ok, failed, timed-out"),
    ])
    func wrongLineIsNamed(text: String, message: String) { #expect(fault(text) == message) }

    @Test func headIsYAML() throws {
        #expect(fault("device: raw\n> start")?.hasPrefix("f:1:9: error: ") == true)
        #expect(fault("devices: sim\n> start")?.contains("unknown key 'devices'") == true)
        let transcript = try Transcript(Array("device: serio-raw\nwindow: 4KiB\n> start".utf8), file: "f")
        #expect(transcript.device.name == "serio-raw")
        #expect(transcript.window == 4096)
    }

    // MARK: Against the echo plugin

    private func play(_ text: String, _ ignored: [String] = []) throws -> (record: [String], difference: Difference) {
        let plugin = try PluginLoader(folders: [Tools.products], trust: .any).load("echo").get()
        let transcript = try Transcript(Array(text.utf8), file: "f")
        let monitor = try #require(CallMonitor(limit: 5_000_000_000))
        let trial = try Trial(plugin, transcript, stateFolder: "/nowhere", monitor)
        let record = trial.play()
        return (record.map { $0.text }, Difference(transcript, record, ignoring: ignored))
    }

    @Test func whatIsDoneAsWantedDiffersInNothing() throws {
        let (record, difference) = try play("options: {xor: 1}\n> data 2 0x03\n< odr 3\n< odr 0x2\n> command 1")
        #expect(record == ["> data 2 0x03", "< odr 0x03", "< odr 0x02", "> command 1"])
        #expect(difference.isEmpty)
        #expect(difference.lines(file: "f", plugin: "p") == [])
    }

    @Test func whatDiffersIsShownInItsPlace() throws {
        let (_, difference) = try play("> start\n< input auto\n> data 1\n< odr 0x02\n> data 2\n< odr 0x02\n< odr 0x09")
        #expect(difference.firstLine == 4)
        #expect(
            difference.lines(file: "f", plugin: "p") == [
                "--- f", "+++ p", "@@ line 1 @@", " > start", " < input auto", " > data 1", "-< odr 0x02",
                "+< odr 0x01",
                " > data 2", " < odr 0x02", "-< odr 0x09",
            ])
    }

    @Test func starStandsForTheRestAndIgnoredLinesDoNotCount() throws {
        #expect(try play("> data 1\n< odr *").difference.isEmpty)
        #expect(!(try play("> data 1\n< str *").difference.isEmpty))
        #expect(!(try play("> stats").difference.isEmpty))
        #expect(try play("> stats", ["stat"]).difference.isEmpty)
    }

    @Test func hostThatDoesNotReadHoldsBytesBack() throws {
        let (record, _) = try play("> reading off\n> data 1 2 3\n> read\n> read\n> read\n> read")
        #expect(
            record == [
                "> reading off", "> data 1 2 3", "< odr 0x01", "> read", "< odr 0x02", "> read", "< odr 0x03", "> read",
                "> read", "< OBF is clear: there is nothing to read",
            ])
    }

    @Test func livesFollowEachOther() throws {
        let (record, _) = try play("> start\n> stop\n> data 1\n> start restart stale 2\n> data 4\n> reset")
        #expect(
            record == [
                "> start", "< input auto", "> stop", "> data 1", "< it does not run", "> start restart stale 2",
                "< input auto", "> data 4", "< odr 0x04", "> reset",
            ])
    }

    @Test func pluginIsRefusedWhereItsDeviceOrOptionsAreWrong() throws {
        #expect(throws: Trial.Refusal.self) { try play("device: ipmi-kcs\n> start") }
        #expect(throws: Trial.Refusal.self) { try play("options: {xor: 256}\n> start") }
    }
}
