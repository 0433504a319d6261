// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import IPMI
import IPMILiteHandler
import LinuxIO
import PluginTestSupport
import TestKit
import Testing

/// An instance on a channel whose worker thread runs when a test says so.
private final class Bench {
    let host: FakeDaemon
    private var token: UInt64 = 0

    init(_ folder: TestFolder, reason: UInt32 = KCS_REASON_BOOT, _ options: [String: TestValue] = Bench.options()) {
        host = FakeDaemon(IPMIPlugin.descriptor, options)!
        host.capabilities = UInt32(KCS_CAP_MESSAGES | KCS_CAP_ATTENTION)
        host.stateFolder = folder.path
        host.reason = reason
    }

    /// A started instance that has read its files.
    static func started(
        _ folder: TestFolder, reason: UInt32 = KCS_REASON_BOOT, _ options: [String: TestValue] = Bench.options()
    ) -> Bench {
        let bench = Bench(folder, reason: reason, options)
        #expect(bench.host.start() == KCS_INPUT_MESSAGES)
        bench.host.runWork()
        return bench
    }

    static func options(
        sensors: [TestValue] = [], actions: Bool = false, limit: Int64 = 0, burst: Int64 = 256, sel: String? = nil
    ) -> [String: TestValue] {
        var store: [String: TestValue] = ["capacity": .integer(16)]
        store["path"] = sel.map { .path($0) }
        var options: [String: TestValue] = [
            "device_id": .object([
                "id": .byte(0x21), "firmware": .string("2.34"), "manufacturer": .integer(0x1234),
                "product": .integer(0x56),
            ]),
            "guid": .string("00112233445566778899aabbccddeeff"), "sel": .object(store), "sensors": .list(sensors),
            "write_limit": .object(["rate": .integer(limit), "burst": .integer(burst)]),
        ]
        guard actions else { return options }
        options["chassis"] = Bench.actions("power_on", "power_off", "cycle", "reset")
        options["watchdog"] = Bench.actions("reset", "power_off", "power_cycle")
        return options
    }

    private static func actions(_ names: String...) -> TestValue {
        .object(Dictionary(uniqueKeysWithValues: names.map { ($0, .actions("log")) }))
    }

    static func sensor(file: String) -> TestValue {
        .object([
            "number": .integer(1), "name": .string("Inlet"), "type": .string("temperature"),
            "value": .object(["file": .path(file)]), "entity": .integer(7),
        ])
    }

    /// Sends a request; what became of it, and its token.
    func send(_ netFn: UInt8, _ command: UInt8, _ data: [UInt8] = []) -> (disposition: Int32, token: UInt64) {
        token += 1
        return (host.message(token, [netFn << 2, command] + data), token)
    }

    func answer(_ token: UInt64) -> [UInt8]? { host.replies.first { $0.token == token }?.bytes }

    /// Sends a request, does what it gives to the worker, and returns its answer.
    func ask(_ netFn: UInt8, _ command: UInt8, _ data: [UInt8] = []) -> [UInt8]? {
        let (_, token) = send(netFn, command, data)
        host.runWork()
        return answer(token)
    }

    func add(_ number: UInt8) -> (disposition: Int32, token: UInt64) { send(0x0A, 0x44, Bench.entry(number)) }

    static func entry(_ number: UInt8) -> [UInt8] {
        [0, 0, 0x02, 0, 0, 0, 0, 0x41, 0, 0x04, 0x01, number, 0x6F, number, 0xFF, 0xFF]
    }

    var records: UInt64 { host.stats["sel_records"] ?? 99 }

    deinit { #expect(host.misuses.isEmpty, "\(host.misuses)") }
}

@Suite struct IPMIHandlerTests {
    private let folder = TestFolder()

    @Test func aDeviceWithoutMessagesIsRefusedInWords() {
        let bench = Bench(folder)
        bench.host.capabilities = UInt32(KCS_CAP_DATA_IN | KCS_CAP_STR)
        #expect(bench.host.start() == KCS_E_FAILED)
        #expect(
            bench.host.failures + bench.host.lines.map(\.text) == [
                "ipmi-lite needs a device that carries KCS transfers"
            ])
    }

    @Test func requestsThatComeWhileFilesAreReadAreAnsweredAfterwards() {
        let bench = Bench(folder)
        #expect(bench.host.start() == KCS_INPUT_MESSAGES)
        let known = bench.send(0x06, 0x01)
        let unknown = bench.send(0x06, 0x99)
        let stored = bench.add(1)
        for request in [known, unknown, stored] { #expect(request.disposition == KCS_PENDING) }
        #expect(bench.host.replies.isEmpty)
        #expect(bench.host.runWork(1) == 1)
        #expect(bench.answer(known.token)?.prefix(5) == [0x1C, 0x01, 0x00, 0x21, 0x81])
        #expect(bench.answer(unknown.token) == [0x1C, 0x99, 0xC1])
        #expect(bench.answer(stored.token) == nil, "it is not on storage yet")
        bench.host.runWork()
        #expect(bench.answer(stored.token) == [0x2C, 0x44, 0x00, 1, 0])
        #expect(bench.send(0x06, 0x99).disposition == KCS_DECLINED, "from now on others may have it")
    }

    @Test func moreEarlyRequestsThanFitAreForOthers() {
        let bench = Bench(folder)
        bench.host.start()
        for _ in 0..<16 { #expect(bench.send(0x06, 0x01).disposition == KCS_PENDING) }
        #expect(bench.send(0x06, 0x01).disposition == KCS_DECLINED)
        bench.host.runWork()
        #expect(bench.host.replies.count == 16)
    }

    @Test func aRequestWithoutStorageIsAnsweredWithinTheCall() {
        let bench = Bench.started(folder)
        let (disposition, token) = bench.send(0x06, 0x01)
        #expect(disposition == KCS_HANDLED)
        #expect(
            bench.answer(token)
                == [0x1C, 0x01, 0, 0x21, 0x81, 2, 0x34, 2, 0x87, 0x34, 0x12, 0, 0x56, 0, 0, 0, 0, 0])
        #expect(bench.host.runWork() == 0 && bench.host.stats["messages"] == 1)
    }

    @Test func anAnswerLeavesAfterItsRecordIsInTheFile() {
        let bench = Bench.started(folder)
        let (disposition, token) = bench.add(0x42)
        #expect(disposition == KCS_PENDING && folder.bytes("sel") == nil && bench.answer(token) == nil)
        bench.host.runWork()
        #expect(bench.answer(token) == [0x2C, 0x44, 0, 1, 0])
        #expect(folder.bytes("sel")?.contains(0x42) == true)
        #expect(bench.records == 1 && bench.host.stats["stores"] == 2, "the record, and the time of the repository")
        #expect(Bench.started(folder).records == 1, "the next instance finds it")
    }

    @Test func aFullWorkersQueueIsAnErrorToTheHostAndServesOn() {
        let bench = Bench.started(folder)
        bench.host.workStatus = KCS_E_LIMIT
        let (_, token) = bench.add(1)
        #expect(bench.answer(token) == [0x2C, 0x44, 0xFF])
        #expect(bench.host.stats["store_failures"] == 1)
        #expect(bench.host.lines.contains { $0.text.contains("the file cannot be written, the change was refused") })
        bench.host.workStatus = nil
        #expect(bench.ask(0x0A, 0x44, Bench.entry(2)) == [0x2C, 0x44, 0, 1, 0])
        let late = Bench(folder)
        late.host.workStatus = KCS_E_LIMIT
        #expect(late.host.start() == KCS_E_FAILED)
    }

    @Test func aFileThatCannotBeWrittenIsAnErrorToTheHost() throws {
        try folder.write("file", "")
        let bench = Bench.started(folder, Bench.options(sel: folder.path + "/file/sel"))
        #expect(bench.ask(0x0A, 0x44, Bench.entry(1)) == [0x2C, 0x44, 0xFF])
        #expect(bench.records == 0)
        #expect(bench.ask(0x06, 0x01)?[2] == 0)
    }

    @Test func aRepeatedAdditionWhoseAnswerWasLostIsNotDoubled() {
        let bench = Bench.started(folder)
        bench.host.replyStatus = KCS_E_STALE
        _ = bench.ask(0x0A, 0x44, Bench.entry(7))
        bench.host.replyStatus = nil
        #expect(bench.ask(0x0A, 0x44, Bench.entry(7)) == [0x2C, 0x44, 0, 1, 0])
        #expect(bench.records == 1)
        #expect(bench.ask(0x0A, 0x44, Bench.entry(7)) == [0x2C, 0x44, 0, 2, 0], "once only")
    }

    @Test func moreWritesThanTheLimitAreC0() {
        let bench = Bench.started(folder, Bench.options(limit: 60, burst: 3))
        for _ in 0..<3 { #expect(bench.ask(0x0A, 0x44, Bench.entry(1))?[2] == 0) }
        #expect(bench.ask(0x0A, 0x44, Bench.entry(1)) == [0x2C, 0x44, 0xC0])
        bench.host.advance(1_000_000_000)
        #expect(bench.ask(0x0A, 0x44, Bench.entry(1))?[2] == 0)
    }

    // MARK: What goes on in the next instance

    @Test func aRunningWatchdogGoesOnInTheNextInstance() {
        let first = Bench.started(folder, Bench.options(actions: true))
        #expect(first.ask(0x06, 0x24, [4, 1, 0, 0, 100, 0])?[2] == 0)
        #expect(first.ask(0x06, 0x22)?[2] == 0)
        first.host.advance(4_000_000_000)
        first.host.stop()
        #expect(folder.bytes("snapshot") == nil, "written by the worker's thread, not by the loop's")
        #expect(first.host.runWork() == 1)
        #expect(folder.bytes("snapshot") != nil)
        let second = Bench.started(folder, reason: KCS_REASON_RELOAD, Bench.options(actions: true))
        #expect(folder.bytes("snapshot") == nil, "it holds for one start")
        // The clock of a fake host begins anew; the deadline is at 11 s of it.
        #expect(second.ask(0x06, 0x25)?[3...] == [0x44, 1, 0, 0, 100, 0, 100, 0])
        second.host.advance(9_900_000_000)
        #expect(second.host.runs.isEmpty)
        second.host.advance(200_000_000)
        #expect(second.host.runs == ["ipmi: watchdog reset"])
    }

    @Test func aStateFromBeforeARebootIsDropped() throws {
        let first = Bench.started(folder)
        _ = first.ask(0x06, 0x24, [4, 0, 0, 0, 100, 0])
        _ = first.ask(0x06, 0x22)
        first.host.stop()
        first.host.runWork()
        var bytes = try #require(folder.bytes("snapshot"))
        // The first byte of the boot's name.
        bytes[1] = bytes[1] == 0x30 ? 0x31 : 0x30
        try folder.write("snapshot", bytes: bytes)
        let second = Bench.started(folder)
        #expect(second.ask(0x06, 0x22) == [0x1C, 0x22, 0x80], "never set")
        #expect(folder.bytes("snapshot") == nil)
        #expect(second.host.lines.isEmpty)
    }

    @Test func aDamagedStateIsDroppedAndSaid() throws {
        let first = Bench.started(folder)
        first.host.stop()
        first.host.runWork()
        var bytes = try #require(folder.bytes("snapshot"))
        bytes[bytes.count - 1] ^= 1
        try folder.write("snapshot", bytes: bytes)
        let second = Bench.started(folder)
        #expect(second.host.lines.map(\.text) == ["the state of the instance before is damaged and is dropped"])
        #expect(second.ask(0x06, 0x01)?[2] == 0)
    }

    @Test func anAdditionUnderWayAtAStopMayBeRepeatedInTheNextInstance() {
        let first = Bench.started(folder)
        _ = first.add(9)
        first.host.stop()
        // The record and then the state are written; nobody is answered any more.
        #expect(first.host.runWork() == 2)
        #expect(first.host.replies.isEmpty)
        let second = Bench.started(folder, reason: KCS_REASON_RELOAD)
        #expect(second.records == 1)
        #expect(second.ask(0x0A, 0x44, Bench.entry(9)) == [0x2C, 0x44, 0, 1, 0])
        #expect(second.records == 1)
    }

    @Test func aStopWithAFullWorkersQueueSaysWhatIsLost() {
        let bench = Bench.started(folder)
        bench.host.workStatus = KCS_E_LIMIT
        bench.host.stop()
        #expect(bench.host.lines.last?.text.contains("begins anew") == true)
        #expect(folder.bytes("snapshot") == nil)
    }

    // MARK: Sensors, actions, attention

    @Test func aSensorsFileIsReadByAThreadOfItsOwn() throws {
        let path = try folder.write("temp1_input", "23000\n")
        let bench = Bench.started(folder, Bench.options(sensors: [Bench.sensor(file: path)]))
        let value = { bench.ask(0x04, 0x2D, [1]).map { Array($0[3...]) } }
        #expect(bench.host.awaitPost())
        let warm = try #require(value())
        #expect(warm[1] & 0x20 == 0)
        try folder.write("temp1_input", "41000\n")
        bench.host.advance(1_000_000_000)
        #expect(bench.host.awaitPost())
        let hot = try #require(value())
        #expect(hot[0] > warm[0])
        _ = unlink(path)
        bench.host.advance(1_000_000_000)
        #expect(bench.host.awaitPost())
        #expect(try #require(value())[1] & 0x20 != 0, "reading unavailable")
        let line = "\(path): the sensor's file gives no number, the reading is unavailable"
        #expect(bench.host.lines.filter { $0.text == line }.count == 1)
    }

    @Test func aSensorThatIsAPipeCostsItsOwnReadingAndNoOther() throws {
        let good = try folder.write("good", "23000\n")
        let pipe = folder.path + "/slow"
        try Syscalls.makePipe(pipe, mode: 0o600)
        // Somebody who has it open to write, and never does.
        let writer = try Syscalls.open(pipe, O_RDWR)
        let sensors = [(1, pipe), (2, good)].map { number, path in
            TestValue.object([
                "number": .integer(Int64(number)), "name": .string("S"), "type": .string("temperature"),
                "value": .object(["file": .path(path)]), "entity": .integer(7),
            ])
        }
        let bench = Bench.started(folder, Bench.options(sensors: sensors))
        var waits = 0
        while bench.ask(0x04, 0x2D, [2])?[4] != 0xC0, waits < 4 {
            #expect(bench.host.awaitPost())
            waits += 1
        }
        #expect(bench.ask(0x04, 0x2D, [2])?[4] == 0xC0)
        #expect(bench.ask(0x04, 0x2D, [1])?[4] == 0xE0)
        #expect(bench.ask(0x0A, 0x44, Bench.entry(1))?[2] == 0)
        #expect(bench.host.lines.contains { $0.text.hasPrefix(pipe + ": the sensor's file gives no number") })
        withExtendedLifetime(writer) {}
    }

    @Test func aRecordThatIsNotLinearIsNamedAndThatOfTheOptionTakesItsPlace() throws {
        let conversion = try #require(SensorConversion(minimum: 0, maximum: 255_000))
        var record = SDRRecord.full(
            SensorDescription(number: 1, name: "Log", type: 1, unit: 1, entity: (7, 1), conversion: conversion))
        record[23] = 0x01
        let path = try folder.write("sdr", bytes: record + [UInt8](repeating: 0xFF, count: 16))
        var options = Bench.options(sensors: [Bench.sensor(file: try folder.write("temp", "25500\n"))])
        options["sdr"] = .object(["path": .path(path)])
        let bench = Bench.started(folder, options)
        #expect(
            bench.host.lines.map(\.text) == [
                "\(path): the record of sensor 1, Inlet, is not linear; that of the option is used"
            ])
        #expect(bench.ask(0x0A, 0x23, [0, 0, 1, 0, 23, 1]) == [0x2C, 0x23, 0xC5], "a part needs a reservation")
        let used = try #require(bench.ask(0x0A, 0x23, [0, 0, 1, 0, 0, 0xFF]))
        #expect(used[5 + 23] == 0x00 && used.suffix(5) == [0x49, 0x6E, 0x6C, 0x65, 0x74])
    }

    // MARK: Files of others

    @Test func aJournalsPlaceThatSomebodyElseHasIsRefusedWithOneLineAndLeftAlone() throws {
        let text = "127.0.0.1 localhost\n"
        try folder.write("hosts", text)
        try Syscalls.makeFolders(folder.path + "/folder")
        for (name, line) in [
            ("hosts", "is not a journal of this kind"), ("folder", "is no regular file"),
            ("/dev/null", "is no regular file"),
        ] {
            let path = name.hasPrefix("/") ? name : folder.path + "/" + name
            let bench = Bench.started(folder, Bench.options(sel: path))
            #expect(bench.host.lines.filter { $0.text.hasPrefix(path) && $0.text.contains(line) }.count == 1)
            #expect(bench.ask(0x0A, 0x44, Bench.entry(1)) == [0x2C, 0x44, 0xFF])
            #expect(bench.ask(0x06, 0x01)?[2] == 0 && bench.ask(0x00, 0x08, [5, 0x80, 4, 0, 0, 0])?[2] == 0)
        }
        #expect(folder.read("hosts") == text)
        #expect(try !Syscalls.stat("/dev/null").isRegular)
    }

    @Test func aDamagedJournalIsSetAsideCountedAndGoesOnWithWhatIsWhole() throws {
        let first = Bench.started(folder)
        for number in UInt8(1)...3 { _ = first.ask(0x0A, 0x44, Bench.entry(number)) }
        first.host.stop()
        first.host.runWork()
        var bytes = try #require(folder.bytes("sel"))
        bytes[bytes.count - 40] ^= 0x10
        try folder.write("sel", bytes: bytes)
        let second = Bench.started(folder)
        #expect(second.records == 2 && second.host.stats["records_damaged"] == 1)
        #expect(folder.bytes("sel.damaged-1") == bytes)
        let path = folder.path + "/sel"
        let line = "\(path): 1 damaged records are lost, 3 kept; the file as it was is \(path).damaged-1"
        #expect(second.host.lines.map(\.text) == [line])
        #expect(second.ask(0x0A, 0x44, Bench.entry(4))?[2] == 0)
        let third = Bench.started(folder)
        #expect(third.records == 3 && third.host.lines.isEmpty && third.host.stats["records_damaged"] == 0)
    }

    @Test func actionsRunOneAfterTheOtherAndAFailureIsSaid() {
        let bench = Bench.started(folder, Bench.options(actions: true))
        #expect(bench.ask(0x00, 0x02, [0])?[2] == 0)
        #expect(bench.ask(0x00, 0x02, [1])?[2] == 0)
        #expect(bench.host.runs == ["ipmi: chassis power off"])
        bench.host.finishActions([UInt32(KCS_OUTCOME_FAILED)])
        #expect(bench.host.lines.contains { $0.text == "chassis power off: the configured actions failed" })
        #expect(bench.host.runs == ["ipmi: chassis power off", "ipmi: chassis power on"])
        bench.host.finishActions()
        bench.host.runStatus = KCS_E_UNAVAILABLE
        #expect(bench.ask(0x00, 0x02, [3])?[2] == 0)
        #expect(bench.host.lines.contains { $0.text == "chassis reset: the configured actions failed" })
    }

    @Test func anEventForTheHostRaisesAttentionUntilItIsRead() {
        let bench = Bench.started(folder)
        // Event message buffer on; then a watchdog's event.
        #expect(bench.ask(0x06, 0x2E, [0x0C])?[2] == 0)
        _ = bench.ask(0x06, 0x24, [4, 0, 0, 0, 10, 0])
        _ = bench.ask(0x06, 0x22)
        #expect(!bench.host.attention)
        bench.host.advance(1_500_000_000)
        #expect(bench.host.attention)
        #expect(bench.ask(0x06, 0x35)?.count == 19)
        #expect(!bench.host.attention)
        bench.host.reset()
        #expect(!bench.host.attention)
    }
}
