// SPDX-License-Identifier: Apache-2.0
//
// `kcssim replay` as its users run it: captures that the tests write down, and one of a kcsmuxd.
import Capture
import LinuxIO
import SimulatedDevice
import TestKit
import Testing
import Trials

@Suite(.serialized) struct ReplayTests {
    private let folder = TestFolder()

    private func replay(
        _ file: CaptureFile, _ plugin: String, _ more: String...
    ) throws -> (ending: Program.Ending, output: String, errors: String) {
        let path = try folder.write("field.pcapng", bytes: file.bytes)
        return try Tools.run("kcssim", ["replay", path, plugin] + more)
    }

    private var selfTests: CaptureFile {
        var file = CaptureFile(channel: "ipmi")
        file.started()
        file.request(1_000, [0x18, 0x04])
        file.answer(1_200, [0x1C, 0x04, 0x00, 0x55, 0x00])
        file.request(2_000, [0xC0, 0x01])
        file.answer(2_100, [0xC4, 0x01, 0xC1])
        file.request(3_000, [0x18, 0x04])
        file.answer(3_200, [0x1C, 0x04, 0x00, 0x55, 0x00])
        return file
    }

    @Test func messagesThatAreAnsweredAsInTheFieldAreEqual() throws {
        let run = try replay(selfTests, "ipmi-lite")
        #expect(run.ending == .exited(0), "\(run)")
        #expect(run.output == "\(folder.path)/field.pcapng: ok, 3 answers are equal\n")
    }

    @Test func oneOtherAnswerDivergesExactlyThere() throws {
        var file = selfTests
        file.request(4_000, [0x18, 0x04])
        file.answer(4_200, [0x1C, 0x04, 0x00, 0x57, 0x01])
        file.request(5_000, [0x18, 0x04])
        file.answer(5_200, [0x1C, 0x04, 0x00, 0x58, 0x00])
        let run = try replay(file, "ipmi-lite")
        #expect(run.ending == .exited(1))
        #expect(run.output.contains("@@ 2026-11-22 00:00:00.004200000 UTC, 0.004200000 s from the start @@"), "\(run)")
        #expect(run.output.contains("\n-< reply 0x1c 0x04 0x00 0x57 0x01\n"), "\(run)")
        #expect(run.output.contains("\n+< reply 0x1c 0x04 0x00 0x55 0x00\n"), "\(run)")
        #expect(run.output.contains("| IPMI request: Get Self Test Results (06/04)"), "\(run)")
        #expect(!run.output.contains("0x58"), "only the first difference is shown: \(run)")
        #expect(run.errors.contains("3 answers were equal, and the next is not"))
        // What came before is enough for what is asked about it.
        #expect(try replay(file, "ipmi-lite", "--until", "3500us").ending == .exited(0))
        #expect(try replay(file, "ipmi-lite", "--until", "2026-11-22T00:00:00.0035").ending == .exited(0))
        #expect(try replay(file, "ipmi-lite", "--until", "soon").ending == .exited(64))
        #expect(
            try replay(file, "ipmi-lite", "--channel", "smm").errors.contains("there is no channel smm: one of ipmi"))
    }

    @Test func bytesComeInTheirOrderWithTheirPorts() throws {
        var file = CaptureFile(channel: "echo")
        file.started()
        for (index, value) in [UInt8](1...5).enumerated() {
            let time = UInt64(index + 1) * 100
            file.byte(time, value)
            file.access(time + 20, .odrWrite, value ^ 0x0F)
        }
        #expect(try replay(file, "echo", "--options", "{xor: 15}").output.hasSuffix("ok, 5 answers are equal\n"))
        file.byte(900, 9)
        file.access(920, .odrWrite, 9)
        let run = try replay(file, "echo", "--options", "{xor: 15}")
        #expect(run.output.hasSuffix(" > data 0x05\n < odr 0x0a\n > data 0x09\n-< odr 0x09\n+< odr 0x06\n"), "\(run)")
    }

    @Test func requestsAreReadFromRegistersWhereThereAreNoMessages() throws {
        var file = CaptureFile(channel: "old")
        file.started()
        for (time, value, isCommand) in [
            (10, 0x61, true), (20, 0x18, false), (30, 0x62, true), (40, 0x04, false),
        ] as [(UInt64, UInt8, Bool)] {
            file.byte(time, value, command: isCommand)
            if time < 40 { file.access(time + 5, .odrAndSTRWrite, 0, 0x80, 0xC0) }
        }
        file.access(45, .strWrite, 0x40, 0xC0)
        for (index, value) in ([0x1C, 0x04, 0x00, 0x55, 0x00] as [UInt8]).enumerated() {
            file.access(50 + UInt64(index) * 10, .odrWrite, value)
            file.byte(55 + UInt64(index) * 10, 0x68)
        }
        file.access(110, .odrAndSTRWrite, 0, 0x00, 0xC0)
        #expect(try replay(file, "ipmi-lite").output.hasSuffix("ok, 1 answers are equal\n"))
    }

    @Test func transcriptOfACaptureIsKeptByThePluginOfTheField() throws {
        let capture = try folder.write("field.pcapng", bytes: selfTests.bytes)
        let file = "\(folder.path)/field.transcript"
        #expect(try Tools.run("kcssim", ["replay", capture, "ipmi-lite", "--transcript", file]).ending == .exited(0))
        let played = try Tools.run("kcssim", ["plugin", "ipmi-lite", file])
        #expect(played.ending == .exited(0), "\(played)")
        #expect(folder.read("field.transcript")?.contains("> wait 800us\n> request 0xc0 0x01\n") == true)
        // What the field got and today's plugin does not give, the transcript wants.
        var other = selfTests
        other.request(9_000, [0x18, 0x04])
        other.answer(9_100, [0x1C, 0x04, 0x00, 0x57, 0x01])
        let changed = try folder.write("other.pcapng", bytes: other.bytes)
        #expect(try Tools.run("kcssim", ["replay", changed, "ipmi-lite", "--transcript", file]).ending == .exited(0))
        let difference = try Tools.run("kcssim", ["plugin", "ipmi-lite", file])
        #expect(difference.output.contains("-< reply 0x1c 0x04 0x00 0x57 0x01\n+< reply 0x1c 0x04 0x00 0x55 0x00\n"))
    }

    @Test(.enabled(if: CCompiler.isThere)) func answersByATimerComeAtTheirTime() throws {
        let plugin = try Tools.build("oem", .c, in: folder)
        var file = CaptureFile(channel: "oem")
        file.started()
        file.request(1_000, [0xC0, 0x02, 0xAA])
        file.answer(251_500, [0xC4, 0x02, 0x00, 0xAA])
        file.request(300_000, [0xC0, 0x02, 0xBB])
        // The host gave up before the answer, and asked again.
        file.request(400_000, [0xC0, 0x02, 0xCC])
        file.answer(650_100, [0xC4, 0x02, 0x00, 0xCC])
        let options = "{net_fn: 0x30, delay: 250ms, file: /dev/null}"
        let run = try replay(file, plugin, "--options", options)
        #expect(run.ending == .exited(0), "\(run)")
        #expect(run.output.hasSuffix("ok, 2 answers are equal (of 1 the capture holds no answer)\n"), "\(run)")
        let slower = try replay(file, plugin, "--options", "{net_fn: 0x30, delay: 400ms, file: /dev/null}")
        #expect(slower.output.contains("-< reply 0xc4 0x02 0x00 0xaa"), "\(slower)")
    }

    @Test(.enabled(if: CCompiler.isThere)) func pluginThatDiesIsTheDifference() throws {
        let source = try folder.write("dies.c", Self.dying)
        let plugin = try CCompiler.library(source, to: "\(folder.path)/libkcs-dies.so")
        var file = CaptureFile(channel: "dies")
        file.started()
        file.byte(100, 1)
        file.access(120, .odrWrite, 1)
        file.byte(200, 0xFF)
        file.access(220, .odrWrite, 0xFF)
        let run = try replay(file, plugin)
        #expect(run.ending == .exited(1))
        #expect(run.output.hasSuffix(" > data 0xff\n-< odr 0xff\n+  it ended by signal 6 (SIGABRT)\n"), "\(run)")
    }

    private static let dying = """
        #include <kcs_plugin.h>
        static const struct kcs_host *host; static struct kcs_channel *channel;
        static int32_t create(const struct kcs_host *h, struct kcs_channel *c, const struct kcs_value *o, void **i) {
            (void)o; host = h; channel = c; *i = c; return KCS_OK; }
        static int32_t start(void *i, const struct kcs_start *s) { (void)i; (void)s; return KCS_INPUT_AUTO; }
        static void destroy(void *i) { (void)i; }
        static void data(void *i, uint8_t value, uint8_t str, uint64_t now) {
            (void)i; (void)str; (void)now; if (value == 0xFF) abort(); host->write_odr(channel, value); }
        static const struct kcs_plugin plugin = { KCS_PLUGIN_HEAD, .name = "dies", .version = "1", .summary = "dies",
            .inputs = KCS_TAKES(KCS_INPUT_AUTO), .create = create, .start = start, .destroy = destroy, .data = data };
        const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
        """

    @Test func captureOfADaemonReplaysInATrialAndInAnotherDaemon() throws {
        let device = "\(folder.path)/ipmi"
        let configuration = try folder.write(
            "c.yaml",
            """
            version: 1
            plugin_trust: any
            state_directory: \(folder.path)/state
            control: {socket: \(folder.path)/control.sock}
            channels:
              - {name: ipmi, device: {type: sim, path: \(device)}, plugin: ipmi-lite, capture: {mode: ring, events: 4096}}
            """)
        let daemon = try Program("\(Tools.products)/kcsmuxd", ["--config", configuration])
        #expect(daemon.line("ipmi: running") != nil)
        for words in [["mc-info"], ["chassis-status"], ["sel-list"]] {
            #expect(try Tools.run("kcssim", ["ipmi", device] + words).ending == .exited(0))
        }
        let capture = "\(folder.path)/c.pcapng"
        let dump = ["--socket", "\(folder.path)/control.sock", "capture", "dump", "ipmi", "-o", capture]
        #expect(try Tools.run("kcsctl", dump).ending == .exited(0))
        daemon.signal(15)
        #expect(daemon.wait() == .exited(0))
        let trial = try Tools.run("kcssim", ["replay", capture, "ipmi-lite"])
        #expect(trial.ending == .exited(0), "\(trial)")
        let again = try Tools.run("kcssim", ["replay", capture, "ipmi-lite", "--daemon"])
        #expect(again.output == trial.output, "\(again)")
        let other = try Tools.run(
            "kcssim", ["replay", capture, "ipmi-lite", "--daemon", "--options", "{device_id: {id: 7}}"])
        #expect(other.output.contains("+< reply 0x1c 0x01 0x00 0x07 "), "\(other)")
    }

    @Test func whatIsNoCaptureIsSaid() throws {
        let path = try folder.write("x", "nothing")
        #expect(try Tools.run("kcssim", ["replay", path, "echo"]).errors.contains("neither a pcapng capture, nor"))
        #expect(try Tools.run("kcssim", ["replay", path]).ending == .exited(64))
        #expect(
            try replay(CaptureFile(channel: "a"), "echo").errors.contains("the host CPU does nothing in this capture"))
    }
}
