// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import LinuxIO
import Testing

@Suite struct RecorderTests {
    private let identity = RecorderIdentity(channel: "debug", description: "raw-kcs /dev/raw-kcs1", number: 3)

    private func record(_ bytes: [UInt8], _ recorder: Recorder, at time: UInt64) {
        bytes.withUnsafeBytes { recorder.message(.toHost, link: .ipmi, $0, at: time) }
    }

    @Test func recordsComeBackInOrderWithTheirValues() {
        let recorder = Recorder(identity, events: 64)
        recorder.lifeBegan(process: 77, reason: 2, at: 10)
        recorder.idrRead(0x61, str: 0x0A, at: 11)
        recorder.odrAndSTRWritten(odr: 0, str: 0x81, mask: 0xC1, at: 12)
        recorder.recordsLost(5, at: 13)
        recorder.idrRead(0x44, stale: true, at: 14)
        recorder.handlerFailed("echo: start: no", at: 15)
        let snapshot = recorder.snapshot()
        #expect(snapshot.channel == "debug")
        #expect(snapshot.description == "raw-kcs /dev/raw-kcs1")
        #expect(snapshot.number == 3)
        #expect(snapshot.events.map(\.time) == [10, 11, 12, 13, 14, 15])
        #expect(
            snapshot.events.map(\.body) == [
                .lifeBegan(process: 77, reason: 2), .access(.idrRead, 0x61, 0x0A, 2),
                .access(.odrAndSTRWrite, 0, 0x81, 0xC1), .recordsLost(5), .access(.idrRead, 0x44, 0, 1),
                .block(
                    Event.Block(
                        kind: .handlerFailed, direction: .none, link: .none, annotation: 0, bytes: [],
                        originalLength: 0, text: "echo: start: no")),
            ])
    }

    @Test func capacityIsRoundedUpToAPowerOfTwo() {
        #expect(Recorder(identity, events: 1).capacity == 16)
        #expect(Recorder(identity, events: 4096).capacity == 4096)
        #expect(Recorder(identity, events: 4097).capacity == 8192)
    }

    @Test func oldestRecordsAreOverwrittenAndCountedForALateReader() {
        let recorder = Recorder(identity, events: 16)
        for time in 0..<UInt64(40) { recorder.odrWritten(UInt8(time), at: time) }
        #expect(recorder.snapshot().events.map(\.time) == Array(24..<40))
        var position: UInt64 = 0
        var lost: UInt64 = 0
        #expect(recorder.next(after: &position, lost: &lost)?.time == 24)
        #expect(lost == 24)
        #expect(position == 25)
    }

    @Test func messageWhoseHeadWasOverwrittenIsDroppedWhole() {
        let recorder = Recorder(identity, events: 16)
        record([1, 2, 3, 4, 5, 6, 7, 8, 9], recorder, at: 1)  // head, prefix, two of data
        for time in 2..<UInt64(15) { recorder.odrWritten(0, at: time) }  // the head's slot is taken, the rest is there
        let events = recorder.snapshot().events
        #expect(events.map(\.time) == Array(2..<15))
        var position: UInt64 = 0
        var lost: UInt64 = 0
        _ = recorder.next(after: &position, lost: &lost)
        #expect(lost == 4)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 16, 200, 255, 256, 8000])
    func messagesOfAnyLengthComeBackWhole(count: Int) {
        let recorder = Recorder(identity, events: 8192)
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        bytes.withUnsafeBytes {
            recorder.annotation(kind: 9, .fromHost, link: .mctp, $0, text: "ümläut", at: 5)
        }
        recorder.odrWritten(1, at: 6)
        let events = recorder.snapshot().events
        #expect(events.count == 2)
        #expect(
            events.first?.body
                == .block(
                    Event.Block(
                        kind: .annotation, direction: .fromHost, link: .mctp, annotation: 9, bytes: bytes,
                        originalLength: count, text: "ümläut")))
    }

    @Test func messageLongerThanAQuarterOfTheRingIsCutAndSaysSo() {
        let recorder = Recorder(identity, events: 64)
        record([UInt8](repeating: 0x5A, count: 1000), recorder, at: 1)
        guard case .block(let block) = recorder.snapshot().events.first?.body else {
            Issue.record("no message")
            return
        }
        #expect(block.bytes == [UInt8](repeating: 0x5A, count: 120))
        #expect(block.originalLength == 1000)
    }

    @Test func stepOfTheWallClockIsAnEventAndSteeringIsNot() {
        let recorder = Recorder(identity, events: 16)
        let offset = recorder.wallOffset
        recorder.wallOffset(offset + 1000, at: 1)
        recorder.wallOffset(offset + 5_000_001_000, at: 2)
        #expect(
            recorder.snapshot().events.map(\.body) == [.clockStep(from: offset + 1000, to: offset + 5_000_001_000)])
        #expect(recorder.snapshot().wallOffset == offset + 5_000_001_000)
    }

    @Test func longNamesAreCutNotOverrun() {
        let long = String(repeating: "n", count: 300)
        let snapshot = Recorder(RecorderIdentity(channel: long, description: long), events: 16).snapshot()
        #expect(snapshot.channel == String(repeating: "n", count: 47))
        #expect(snapshot.description == String(repeating: "n", count: 127))
        #expect(snapshot.events.isEmpty)
    }
}

@Suite struct PersistentRecorderTests {
    private let identity = RecorderIdentity(channel: "debug", description: "a test")

    @Test func recordsOfTheLifeBeforeAreThereAfterAReopen() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/ring"
        do {
            let recorder = try Recorder(identity, events: 64, path: path)
            #expect(!recorder.isRecovered)
            recorder.odrWritten(1, at: 1)
        }
        let recorder = try Recorder(identity, events: 64, path: path)
        #expect(recorder.isRecovered)
        recorder.odrWritten(2, at: 2)
        #expect(recorder.snapshot().events.map(\.time) == [1, 2])
        #expect(RingSnapshot(folder.read("ring"))?.events.map(\.time) == [1, 2])
    }

    @Test func secondWriterIsRefused() throws {
        let folder = TemporaryFolder()
        let first = try Recorder(identity, events: 16, path: folder.path + "/ring")
        do {
            _ = try Recorder(identity, events: 16, path: folder.path + "/ring")
            Issue.record("two writers")
        } catch { #expect(error == SystemError(.wouldBlock, "flock", folder.path + "/ring")) }
        first.odrWritten(1, at: 1)
        #expect(first.snapshot().events.count == 1)
    }

    @Test(arguments: [5, 4096]) func aNewerVersionsRingIsLeftAlone(size: Int) throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/ring"
        let bytes = Array("KCSRING2".utf8) + [UInt8](repeating: 0xA5, count: size)
        let file = try Syscalls.open(path, O_WRONLY | O_CREAT, mode: 0o600)
        _ = bytes.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        do {
            _ = try Recorder(identity, events: 16, path: path)
            Issue.record("a ring of a newer version was taken over")
        } catch {
            #expect(error.description.hasPrefix("a newer version wrote the ring in \(path): "))
        }
        #expect(folder.read("ring") == bytes)
    }

    @Test func folderThatIsMissingIsAnErrorWithItsPath() {
        do {
            _ = try Recorder(identity, events: 16, path: "/nowhere/ring")
            Issue.record("recorded nowhere")
        } catch { #expect(error == SystemError(.noSuchFile, "open", "/nowhere/ring")) }
    }

    @Test func blocksAreReservedBeforeTheFirstRecord() throws {
        let folder = TemporaryFolder()
        let recorder = try Recorder(identity, events: 4096, path: folder.path + "/ring")
        var status = CLinux.stat()
        #expect(cl_stat(folder.path + "/ring", &status) == 0)
        #expect(Int(status.st_blocks) * 512 >= 4096 * recorder.capacity / 4096 * 16)
    }

    @Test func fileThatIsNoRingOfThisSizeBecomesANewOne() throws {
        let folder = TemporaryFolder()
        for junk in [[], [UInt8](repeating: 0xFF, count: 512), [UInt8](repeating: 0x41, count: 9999)] {
            let path = folder.file("ring", junk)
            let recorder = try Recorder(identity, events: 16, path: path)
            #expect(!recorder.isRecovered)
            #expect(recorder.snapshot().events.isEmpty)
        }
    }

    @Test func recordsOfAnotherBootKeepThatBootsWallClock() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/ring"
        let before: Int64 = 1_000_000_000_000_000_000
        do {
            let recorder = try Recorder(identity, events: 64, path: path)
            recorder.wallOffset(before, at: 4)
            recorder.odrWritten(1, at: 5)
        }
        // The boot's identity stands at bytes 64 to 79.
        var bytes = folder.read("ring")
        bytes[64] ^= 0xFF
        _ = folder.file("ring", bytes)
        let recorder = try Recorder(identity, events: 64, path: path)
        recorder.odrWritten(2, at: 3)
        let snapshot = recorder.snapshot()
        let events = snapshot.events.filter { if case .access = $0.body { true } else { false } }
        #expect(events.map(\.time) == [5, 3])
        #expect(snapshot.wallTime(of: events[0]) == UInt64(before) + 5)
        #expect(snapshot.wallTime(of: events[1]) == UInt64(recorder.wallOffset) + 3)
        #expect(recorder.wallTime(of: events[0]) == UInt64(before) + 5)
    }
}
