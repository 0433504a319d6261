// SPDX-License-Identifier: Apache-2.0
//
// Captures that are still being written, and several at a time.
import Capture
import Decode
import Testing

@Suite struct StreamTests {
    @Test func aRecordIsToldAsSoonAsItsBlockIsThere() {
        let recorder = recorder()
        var stream = CaptureStream(recorder, from: .now)
        var timeline = Timeline(["-"])
        for round in 1...5 {
            recorder.odrWritten(UInt8(round), at: UInt64(round))
            var bytes: [UInt8] = []
            stream.pump(recorder, into: &bytes, limit: 1 << 20)
            timeline.push(bytes.dropLast()[...], to: 0)
            #expect(texts(&timeline).isEmpty)
            timeline.push(bytes.suffix(1), to: 0)
            #expect(texts(&timeline).map { String($0.suffix(6)) } == ["ODR 0\(round)"])
            #expect(timeline.wanted == 0)
        }
        timeline.finish(0)
        #expect(texts(&timeline).isEmpty && timeline.wanted == nil && timeline.fault(of: 0) == nil)
    }

    /// The timeline of files that are read as it asks for them.
    private func merged(_ files: [[UInt8]], filter: TimelineFilter = TimelineFilter()) -> ([String], Timeline) {
        var timeline = Timeline(files.indices.map { "file\($0)" }, filter: filter)
        var lines = texts(&timeline)
        var taken = files.map { _ in 0 }
        while let file = timeline.wanted {
            let piece = files[file][taken[file]...].prefix(100)
            taken[file] += piece.count
            if piece.isEmpty { timeline.finish(file) } else { timeline.push(piece, to: file) }
            lines += texts(&timeline)
        }
        return (lines, timeline)
    }

    @Test func filesAreShownInTheOrderOfTime() {
        let one = recorder("one")
        let two = recorder("two")
        for time in UInt64(1)...20 { (time % 3 == 0 ? one : two).odrWritten(UInt8(time), at: time) }
        let files = [one, two].map { CaptureDump.pcapng([$0.snapshot()]) }
        let (lines, _) = merged(files, filter: TimelineFilter(from: 1_700_000_000_000_000_001))
        #expect(lines.map { UInt8($0.suffix(2), radix: 16) } == (1...20).map { UInt8($0) })
    }

    @Test func whatTwoDumpsHoldIsShownOnce() {
        let recorder = recorder()
        for time in UInt64(1)...40 { recorder.odrWritten(UInt8(time % 4), at: time * 100_000) }
        let first = CaptureDump.pcapng([recorder.snapshot()])
        // Each dump is told the wall clock anew, and finds it a little later or earlier.
        var time: UInt64 = 41
        for drift in [Int64(0), 700, -50_000] {
            recorder.wallOffset(1_700_000_000_000_000_000 + drift, at: time * 100_000)
            for _ in 0..<20 {
                recorder.odrWritten(UInt8(time % 4), at: time * 100_000)
                time += 1
            }
            message(recorder, .fromHost, [0x18, 0x01], at: time * 100_000)
            let second = CaptureDump.pcapng([recorder.snapshot()])
            let alone = merged([second]).0
            #expect(merged([first, second]).0.count == alone.count)
            #expect(merged([second, first]).0.count == alone.count)
        }
    }

    @Test func aFaultNamesTheOffsetAndTheRule() {
        let recorder = recorder()
        for time in UInt64(1)...5 { recorder.odrWritten(UInt8(time), at: time) }
        let file = CaptureDump.pcapng([recorder.snapshot()])
        let (lines, cut) = merged([Array(file.dropLast(3))])
        #expect(lines.count == 6)
        #expect(cut.fault(of: 0)?.hasPrefix("cut at byte ") == true)
        var damaged = file
        // The length of the last packet but one, before the statistics.
        let place = file.count - 60 - 48 * 2 + 4
        for index in place..<place + 3 { damaged[index] = 9 }
        let (rest, timeline) = merged([damaged, file])
        #expect(rest.contains { $0.hasPrefix("# file0: damaged at byte ") })
        #expect(timeline.fault(of: 0)?.hasPrefix("damaged at byte ") == true)
        #expect(timeline.fault(of: 1) == nil)
        let (nothing, text) = merged([Array("this is no capture, but text".utf8), file])
        #expect(nothing.count == 6)
        #expect(text.fault(of: 0)?.hasPrefix("neither a pcapng capture") == true)
    }

    @Test func aFileOfOneLinkTypeHasNoOther() throws {
        let recorder = recorder()
        recorder.odrWritten(1, at: 1)
        message(recorder, .fromHost, [0x18, 0x01], at: 2)
        ([1, 8, 9, 0xC9] as [UInt8]).withUnsafeBytes { recorder.message(.toHost, link: .mctp, $0, at: 3) }
        for (_, link) in LinkWriter.words {
            var timeline = try #require(Timeline(CaptureDump.pcapng([recorder.snapshot()])))
            var writer = LinkWriter(link)
            var kept: [PcapngReader.Packet] = []
            while let item = timeline.next() {
                writer.describe(timeline.interfaces)
                guard case .record(let record) = item else { continue }
                writer.add(record)
                if record.interface.link == link { kept.append(record.packet) }
            }
            var reader = try #require(PcapngReader(writer.take()))
            var packets: [PcapngReader.Packet] = []
            while let item = reader.next() {
                if case .interface = item { #expect(packets.isEmpty) }
                if case .packet(let packet) = item { packets.append(packet) }
            }
            #expect(reader.isWhole && reader.interfaces.allSatisfy { $0.link == link })
            #expect(!kept.isEmpty && packets.map(\.bytes) == kept.map(\.bytes))
            #expect(packets.map(\.time) == kept.map(\.time) && packets.map(\.direction) == kept.map(\.direction))
        }
    }
}
