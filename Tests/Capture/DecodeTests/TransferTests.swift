// SPDX-License-Identifier: Apache-2.0
//
// KCS transfers of which STR's C/D tells little, and of which some failed.
import Capture
import Decode
import JSON
import Testing

@Suite struct TransferTests {
    private let command: UInt8 = 0x8B
    private let dataBehind: UInt8 = 0x83

    /// A transfer as the strict handshake reads it: C/D of STR is that of the byte behind. `knows`: the recorder was told.
    private func transfer(_ recorder: Recorder, _ time: UInt64, knows: Bool = true) {
        func read(_ value: UInt8, _ str: UInt8, _ port: HostPort, _ delay: UInt64) {
            recorder.idrRead(value, str: str, port: knows ? port : .asStatusSays, at: time + delay)
        }
        recorder.odrAndSTRWritten(odr: 0, str: 0x80, mask: 0xC4, at: time)
        read(0x68, command, .data, 1)
        recorder.odrAndSTRWritten(odr: 0, str: 0x80, mask: 0xC4, at: time + 2)
        read(0x61, dataBehind, .command, 3)
        recorder.odrAndSTRWritten(odr: 0, str: 0x80, mask: 0xC4, at: time + 4)
        read(0x18, command, .data, 5)
        recorder.strWritten(0x40, mask: 0xC4, at: time + 6)
        read(0x62, 0x42, .command, 7)
        read(0x01, 0x42, .data, 8)
        message(recorder, .fromHost, [0x18, 0x01], at: time + 8)
        message(recorder, .toHost, [0x1C, 0x01, 0x00], at: time + 9)
        for (index, value) in ([0x1C, 0x01, 0x00] as [UInt8]).enumerated() {
            recorder.odrAndSTRWritten(odr: value, str: 0x40, mask: 0xC4, at: time + 10 + UInt64(index) * 2)
            if index < 2 { read(0x68, 0x42, .data, 11 + UInt64(index) * 2) }
        }
        recorder.odrAndSTRWritten(odr: 0, str: 0x00, mask: 0xC4, at: time + 20)
        read(0x68, 0x03, .data, 21)
    }

    /// GET_STATUS/ABORT as the strict handshake answers it: IDLE stands before the 00 is read.
    private func abort(_ recorder: Recorder, _ time: UInt64) {
        recorder.idrRead(0x60, str: 0x83, port: .command, at: time)
        recorder.odrAndSTRWritten(odr: 1, str: 0x40, mask: 0xC4, at: time + 1)
        recorder.odrAndSTRWritten(odr: 0, str: 0x00, mask: 0xC4, at: time + 2)
        recorder.idrRead(0x00, str: 0x03, port: .data, at: time + 3)
    }

    private func decoded(_ recorder: Recorder, errors: Bool = false) throws -> [String] {
        var timeline = try #require(
            Timeline(CaptureDump.pcapng([recorder.snapshot()]), filter: TimelineFilter(errorsOnly: errors)))
        return texts(&timeline).filter { $0.contains(" IDR ") || errors }
    }

    @Test func bytesAreNamedAsTheTransferFoundThem() throws {
        let recorder = recorder()
        for round in 0..<UInt64(3) { transfer(recorder, 1 + round * 100) }
        for line in try decoded(recorder) {
            let isCommand = line.contains("IDR 61") || line.contains("IDR 62")
            #expect(line.contains(isCommand ? "  command  STR" : "  data     STR"), "\(line)")
        }
        #expect(try decoded(recorder, errors: true).isEmpty)
    }

    @Test func aCaptureOfBeforeIsNotTakenAtItsWord() throws {
        let recorder = recorder()
        for round in 0..<UInt64(3) { transfer(recorder, 1 + round * 100, knows: false) }
        let lines = try decoded(recorder)
        // From the first message on it is known that there are transfers.
        for line in lines.dropFirst(8) {
            #expect(!line.contains("IDR 61  data") && !line.contains("IDR 68  command"), "\(line)")
        }
        #expect(try decoded(recorder, errors: true).isEmpty)
    }

    @Test func aByteOfWhichNothingIsKnownHasNoName() throws {
        let recorder = recorder()
        recorder.idrRead(0x61, str: 0x83, port: .command, at: 1)
        recorder.idrRead(0x18, str: 0x83, port: .data, at: 2)
        recorder.idrRead(0x62, str: 0x8B, port: .unknown, at: 3)
        recorder.idrRead(0x41, str: 0x0A, stale: true, at: 4)
        let lines = try decoded(recorder)
        #expect(lines[2].contains("IDR 62  ?        STR 8B"))
        #expect(lines[3].contains("IDR 41  ?        STR 0A"))
    }

    @Test func oneErrorIsOneErrorAndTheTransfersBehindItAreGood() throws {
        let recorder = recorder()
        transfer(recorder, 1)
        recorder.idrRead(0x55, str: 0x83, port: .data, at: 100)
        recorder.odrAndSTRWritten(odr: 0, str: 0xC0, mask: 0xC4, at: 101)
        recorder.idrRead(0x56, str: 0x83, port: .data, at: 102)
        recorder.idrRead(0x57, str: 0x83, port: .data, at: 103)
        abort(recorder, 110)
        for round in 0..<UInt64(20) { transfer(recorder, 200 + round * 100) }
        let errors = try decoded(recorder, errors: true).map {
            $0.split(separator: "\n").last.map { String($0.dropFirst(32)) }
        }
        #expect(errors == ["KCS: data while idle", "KCS: STATE ERROR, dummy", "KCS: GET_STATUS/ABORT"])
    }

    @Test func statusIsShownAsItsStateAndFlags() throws {
        let recorder = recorder()
        transfer(recorder, 1)
        recorder.strWritten(0x04, mask: 0x04, at: 100)
        var timeline = try #require(Timeline(CaptureDump.pcapng([recorder.snapshot()])))
        let lines = texts(&timeline)
        #expect(lines.contains { $0.contains("IDR 61  command  STR 83 (WRITE OBF IBF)") })
        #expect(lines.contains { $0.contains("ODR 1C  STR 40 mask C4 (READ)") })
        #expect(lines.last?.hasSuffix("STR 04 mask 04 (SMS_ATN)") == true)
    }

    // MARK: Messages

    @Test func aRequestItsAnswerItsLatencyAndItsCodeAreOneLine() throws {
        let recorder = recorder()
        message(recorder, .fromHost, [0x18, 0x01], at: 1)
        message(recorder, .toHost, [0x1C, 0x01, 0x00, 0x20, 0x81], at: 1_230_001)
        message(recorder, .fromHost, [0x18, 0x77, 0xAA], at: 2_000_000)
        message(recorder, .toHost, [0x1C, 0x77, 0xC1], at: 2_000_000)
        message(recorder, .fromHost, [0x28, 0x40], at: 3_000_000)
        message(recorder, .fromHost, [0x18, 0x01], at: 4_000_000)
        message(recorder, .toHost, [0x1C, 0x02, 0x00], at: 5_000_000)
        var timeline = try #require(Timeline(CaptureDump.pcapng([recorder.snapshot()])))
        #expect(
            exchanges(&timeline) == [
                "ipmi     00    1.23 ms  Get Device ID (06/01) > 20 81",
                "ipmi     C1         --  Application command (06/77) AA > invalid command",
                "ipmi     --         --  Get SEL Info (0A/40) > no answer",
                "ipmi     00         --  Cold Reset (07/02) (not in this capture) > done",
                "ipmi     --         --  Get Device ID (06/01) > no answer",
            ])
    }

    @Test func aLineOfATableDoesNotWrap() throws {
        let recorder = recorder()
        message(recorder, .fromHost, [0x18, 0x01] + [UInt8](repeating: 0x11, count: 40), at: 1)
        message(recorder, .toHost, [0x1C, 0x01, 0x00] + [UInt8](repeating: 0x22, count: 40), at: 2)
        var timeline = try #require(Timeline(CaptureDump.pcapng([recorder.snapshot()])))
        let line = try #require(exchanges(&timeline, columns: 80).first)
        #expect(line.unicodeScalars.count == 80 - 17 && line.hasSuffix("…"))
    }

    @Test func programsGetFields() throws {
        let recorder = recorder()
        transfer(recorder, 1)
        var timeline = try #require(Timeline(CaptureDump.pcapng([recorder.snapshot()])))
        var records: [JSONValue] = []
        var found: [JSONValue] = []
        while let item = timeline.next() {
            guard case .record(let record) = item else { continue }
            records.append(record.json)
            found += record.exchanges.map { $0.json }
        }
        let start = try #require(records.first { $0["value"]?.uint64 == 0x61 })
        #expect(start["time"]?.text == "2023-11-14T22:13:20.000000004Z")
        #expect(start["channel"]?.text == "ipmi" && start["stream"]?.text == "ipmi/registers")
        #expect(start["direction"]?.text == "host-to-bmc" && start["access"]?.text == "idr-read")
        #expect(start["port"]?.text == "command" && start["str"]?.uint64 == 0x83)
        #expect(start["state"]?.text == "WRITE" && start["flags"] == .strings(["OBF", "IBF"]))
        #expect(start["phase"]?.text == "WRITE_START" && start["error"]?.bool == false)
        let answer = try #require(records.first { $0["message"]?.text == "response" })
        #expect(answer["netfn"]?.uint64 == 6 && answer["command"]?.uint64 == 1 && answer["lun"]?.uint64 == 0)
        #expect(answer["name"]?.text == "Get Device ID" && answer["code"]?.uint64 == 0)
        #expect(answer["latency_ns"]?.uint64 == 1)
        let exchange = try #require(found.first)
        #expect(found.count == 1 && exchange["answered"]?.bool == true && exchange["latency_ns"]?.uint64 == 1)
        #expect(exchange["request"]?.text == "" && exchange["answer"]?.text == "")
    }
}
