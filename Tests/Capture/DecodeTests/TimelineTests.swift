// SPDX-License-Identifier: Apache-2.0
import Capture
import Decode
import Testing

@Suite struct TimelineTests {
    private func recorder(_ channel: String = "ipmi") -> Recorder {
        let recorder = Recorder(RecorderIdentity(channel: channel, description: "a test"), events: 1024)
        recorder.wallOffset(recorder.wallOffset, at: 0)
        return recorder
    }

    /// The lines, without the time in front; the ring's clock is made 2023-11-14 22:13:20.
    private func lines(_ recorders: Recorder..., filter: TimelineFilter = TimelineFilter()) throws -> [String] {
        var timeline = try #require(Timeline(CaptureDump.pcapng(recorders.map { $0.snapshot() }), filter: filter))
        var lines: [String] = []
        for text in texts(&timeline) {
            for line in text.split(separator: "\n") {
                lines.append(line.hasPrefix(" ") ? String(line.drop { $0 == " " }) : String(line.dropFirst(45)))
            }
        }
        return lines + timeline.unanswered.map { "no response to " + $0.name }
    }

    private func message(_ recorder: Recorder, _ direction: Direction, _ bytes: [UInt8], at time: UInt64) {
        bytes.withUnsafeBytes { recorder.message(direction, link: .ipmi, $0, at: time) }
    }

    @Test func transferIsShownWithItsPhasesAndItsMessages() throws {
        let recorder = recorder()
        recorder.idrRead(0x61, str: 0x0A, at: 1000)
        recorder.odrAndSTRWritten(odr: 0, str: 0x81, mask: 0xC1, at: 2000)
        recorder.idrRead(0x18, str: 0x82, at: 3000)
        recorder.odrWritten(0, at: 4000)
        recorder.idrRead(0x62, str: 0x8A, at: 5000)
        recorder.idrRead(0x01, str: 0x82, at: 6000)
        message(recorder, .fromHost, [0x18, 0x01], at: 6500)
        recorder.strWritten(0x41, mask: 0xC1, at: 7000)
        message(recorder, .toHost, [0x1C, 0x01, 0x00, 0x20], at: 1_006_500)
        recorder.odrWritten(0x1C, at: 1_007_000)
        recorder.idrRead(0x68, str: 0x42, at: 1_008_000)
        recorder.odrAndSTRWritten(odr: 0, str: 0x01, mask: 0xC1, at: 1_009_000)
        #expect(
            try lines(recorder) == [
                "ipmi  host>BMC  IDR 61  command  STR 0A (IDLE IBF C/D)", "| KCS: WRITE_START",
                "ipmi  BMC>host  ODR 00  STR 81 mask C1 (WRITE)", "| KCS: STATE WRITE, dummy",
                "ipmi  host>BMC  IDR 18  data     STR 82 (WRITE IBF)", "| KCS: write, NetFn/LUN",
                "ipmi  BMC>host  ODR 00", "| KCS: dummy",
                "ipmi  host>BMC  IDR 62  command  STR 8A (WRITE IBF C/D)", "| KCS: WRITE_END",
                "ipmi  host>BMC  IDR 01  data     STR 82 (WRITE IBF)", "| KCS: write, command, the last",
                "ipmi  host>BMC  message 18 01", "| IPMI request: Get Device ID (06/01)",
                "ipmi  BMC>host  STR 41 mask C1 (READ)", "| KCS: STATE READ",
                "ipmi  BMC>host  message 1C 01 00 20",
                "| IPMI response: Get Device ID (07/01), completion code 00 completed normally, after 1.00 ms, data 20",
                "ipmi  BMC>host  ODR 1C", "| KCS: response, NetFn/LUN",
                "ipmi  host>BMC  IDR 68  data     STR 42 (READ IBF)", "| KCS: READ",
                "ipmi  BMC>host  ODR 00  STR 01 mask C1 (IDLE)", "| KCS: STATE IDLE, dummy",
            ])
    }

    @Test func timesAreWallTimeWithTheDifferenceToTheLineBefore() throws {
        let recorder = Recorder(RecorderIdentity(channel: "debug", description: ""), events: 16)
        recorder.wallOffset(1_700_000_000_000_000_000, at: 0)
        recorder.idrRead(0x44, str: 0x02, at: 5)
        recorder.idrRead(0x0D, str: 0x02, at: 1_000_000_006)
        var timeline = try #require(Timeline(CaptureDump.pcapng([recorder.snapshot()])))
        // The first is the clock's step.
        #expect(
            texts(&timeline).dropFirst() == [
                "2023-11-14 22:13:20.000000005  +0.000000005  debug  host>BMC  IDR 44  data     STR 02 (IBF)",
                "2023-11-14 22:13:21.000000006  +1.000000001  debug  host>BMC  IDR 0D  data     STR 02 (IBF)",
            ])
        #expect(timeline.fault(of: 0) == nil)
    }

    @Test func bytesOfOtherProtocolsAreGivenNoPhase() throws {
        let recorder = recorder("debug")
        recorder.idrRead(0x44, str: 0x02, at: 1)
        recorder.odrWritten(0xFF, at: 2)
        recorder.idrRead(0x60, str: 0x0A, at: 3)
        #expect(try lines(recorder).allSatisfy { !$0.contains("KCS:") })
    }

    @Test func mctpIsNamedInItsOwnFramesAndInsideKCSTransfers() throws {
        let recorder = recorder("mctp")
        let request: [UInt8] = [0xB0, 0x01, 0x07, 0x01, 0x08, 0x09, 0xC9, 0x00, 0x80, 0x02, 0x5F]
        message(recorder, .fromHost, request, at: 1)
        ([0x01, 0x09, 0x08, 0xC1, 0x00, 0x00, 0x02, 0x00, 0x08, 0x00, 0x04] as [UInt8]).withUnsafeBytes {
            recorder.message(.toHost, link: .mctp, $0, at: 2_000_001)
        }
        #expect(
            try lines(recorder) == [
                "mctp  host>BMC  message B0 01 07 01 08 09 C9 00 80 02 5F",
                "| MCTP 9>8 SOM EOM seq 0 tag 1 TO, control: Get Endpoint ID (02) request",
                "mctp  BMC>host  MCTP 01 09 08 C1 00 00 02 00 08 00 04",
                "| MCTP 8>9 SOM EOM seq 0 tag 1, control: Get Endpoint ID (02) response, completion code 00 success,"
                    + " after 2.00 ms, data 08 00 04",
            ])
        // A wrong PEC, or another length, is IPMI's group extension.
        let other = self.recorder()
        message(other, .fromHost, request.dropLast() + [0x5E], at: 1)
        message(other, .fromHost, [0xB0, 0x01, 0xDC, 0x00], at: 2)
        let text = try lines(other)
        #expect(text.contains("| IPMI request: group extension command (2C/01), data 07 01 08 09 C9 00 80 02 5E"))
        #expect(text.contains("| IPMI request: Get DCMI Capabilities Info (2C/01), data DC 00"))
    }

    @Test func errorsOnlyShowsWhatSomebodyWhoLooksForTheFaultWants() throws {
        let recorder = recorder()
        recorder.deviceOpened(stale: 0, at: 1)
        recorder.idrRead(0x61, str: 0x0A, at: 2)
        message(recorder, .fromHost, [0x18, 0x77], at: 3)
        message(recorder, .toHost, [0x1C, 0x77, 0xC1], at: 4)
        recorder.refused(.odrWrite, value: 1, reason: .outputFull, at: 5)
        recorder.strWritten(0xC1, mask: 0xC1, at: 6)
        recorder.handlerFailed("echo: data: no", at: 7)
        recorder.recordsLost(3, at: 8)
        message(recorder, .fromHost, [0x28, 0x40], at: 9)
        #expect(
            try lines(recorder, filter: TimelineFilter(errorsOnly: true)) == [
                "ipmi  BMC>host  message 1C 77 C1",
                "| IPMI response: Application command (07/77), completion code C1 invalid command, after 1 ns",
                "ipmi  BMC>host  refused 01", "| refused a write to ODR: OBF is set",
                "ipmi  BMC>host  STR C1 mask C1 (ERROR)", "| KCS: STATE ERROR",
                "ipmi            event: handler failed: echo: data: no",
                "ipmi            event: 3 capture records lost",
                "no response to Get SEL Info (0A/40)",
            ])
    }

    @Test func channelAndTimeAreFiltered() throws {
        let one = recorder("one")
        let two = recorder("two")
        let wall = UInt64(one.wallOffset)
        for time in UInt64(1)...5 { one.odrWritten(UInt8(time), at: time) }
        two.odrWritten(0x22, at: 3)
        let filter = TimelineFilter(channel: "one", from: wall + 2, to: wall + 4)
        #expect(try lines(one, two, filter: filter) == (2...4).map { "one   BMC>host  ODR 0\($0)" })
    }

    @Test func textOfAHandlerCannotSteerTheTerminal() throws {
        let recorder = recorder()
        recorder.handlerFailed("a\u{1B}[2Jb\u{9B}c\n", at: 1)
        #expect(try lines(recorder) == ["ipmi            event: handler failed: a\\x1B[2Jb\\x9Bc\\x0A"])
    }

    @Test func whatIsNoCaptureIsRefused() {
        #expect(Timeline([]) == nil)
        #expect(Timeline(Array("hello, world, this is text".utf8)) == nil)
    }
}
