// SPDX-License-Identifier: Apache-2.0
import Capture
import LinuxIO
import Testing

@Suite struct StreamTests {
    private func recorder(_ events: Int = 64) -> Recorder {
        Recorder(RecorderIdentity(channel: "debug", description: "a test"), events: events)
    }

    private func comments(_ bytes: [UInt8]) throws -> [String] {
        var reader = try #require(PcapngReader(bytes))
        var comments: [String] = []
        while let item = reader.next() { if case .packet(let packet) = item { comments.append(packet.comment) } }
        #expect(reader.isWhole)
        return comments
    }

    private func packetsAndStatistics(_ bytes: [UInt8]) throws -> [PcapngReader.Item] {
        var reader = try #require(PcapngReader(bytes))
        var items: [PcapngReader.Item] = []
        while let item = reader.next() {
            switch item {
            case .packet, .statistics: items.append(item)
            case .section, .interface, .damage: break
            }
        }
        return items
    }

    @Test func streamOfAWholeRingHasThePacketsOfItsDump() throws {
        let recorder = Sample.ipmi()
        var stream = CaptureStream(recorder, from: .oldest)
        var bytes: [UInt8] = []
        stream.pump(recorder, into: &bytes, limit: 1 << 20)
        stream.finish(into: &bytes)
        // Only interfaces stand elsewhere: a stream does not know what will come.
        let items = try packetsAndStatistics(bytes)
        #expect(items.count == 14, "13 packets and the statistics")
        #expect(items == (try packetsAndStatistics(CaptureDump.pcapng([recorder.snapshot()]))))
        #expect(!stream.isBehind(recorder))
    }

    @Test func streamFromNowBeginsWithTheNextEvent() throws {
        let recorder = recorder()
        recorder.deviceReset(at: 1)
        var stream = CaptureStream(recorder)
        recorder.deviceClosed(at: 2)
        var bytes: [UInt8] = []
        stream.pump(recorder, into: &bytes, limit: 1 << 20)
        #expect(try comments(bytes) == ["device closed"])
    }

    @Test func fullBufferStopsTheStreamAndWhatIsOverwrittenMeanwhileIsCountedInIt() throws {
        let recorder = recorder(64)
        var stream = CaptureStream(recorder)
        var bytes: [UInt8] = []
        for time in 0..<UInt64(1000) {
            recorder.odrWritten(UInt8(truncatingIfNeeded: time), at: time)
            if bytes.count < 2000 { stream.pump(recorder, into: &bytes, limit: 2000) }
        }
        #expect(bytes.count < 2200)
        #expect(stream.isBehind(recorder))
        stream.pump(recorder, into: &bytes, limit: 1 << 20)
        stream.finish(into: &bytes)
        let comments = try comments(bytes)
        let losses = comments.filter { $0.contains("lost") }
        #expect(losses == ["\(stream.lost) capture records lost: the reader was too slow"])
        // Nothing is unaccounted for.
        #expect(comments.count - losses.count + Int(stream.lost) == 1000)
    }

    @Test func pumpInSmallPiecesGivesTheSameBytes() {
        let recorder = Sample.ipmi()
        var whole: [UInt8] = []
        var first = CaptureStream(recorder, from: .oldest)
        first.pump(recorder, into: &whole, limit: 1 << 20)
        var second = CaptureStream(recorder, from: .oldest)
        var pieces: [UInt8] = []
        while second.isBehind(recorder) {
            var piece: [UInt8] = []
            second.pump(recorder, into: &piece, limit: 1)
            pieces += piece
        }
        #expect(pieces == whole)
    }
}

@Suite struct RotationPolicyTests {
    @Test func filesNeverTakeMoreThanTheBoundWhateverComes() {
        var generator = Seeded(state: 3)
        for _ in 0..<repetitions(5000) {
            let size = Int.random(in: 100...1000, using: &generator)
            let count = Int.random(in: 1...5, using: &generator)
            var found: [RotationPolicy.File] = []
            for number in 0..<UInt64.random(in: 0...8, using: &generator) {
                found.append(
                    RotationPolicy.File(number: number * 3, size: Int.random(in: 0...3000, using: &generator)))
            }
            var disk: [UInt64: Int] = [:]
            for file in found { disk[file.number] = file.size }
            var policy = RotationPolicy(maximumSize: size, maximumFiles: count, found: found)
            for _ in 0..<50 {
                let block = Int.random(in: 12...300, using: &generator)
                switch policy.decide(block: block, preamble: 60) {
                case .append:
                    disk[policy.current!.number]! += block
                    policy.appended(block)
                case .rotate(let remove, let open):
                    for number in remove {
                        #expect(disk.removeValue(forKey: number) != nil)
                        policy.removed(number)
                    }
                    #expect(disk[open] == nil)
                    disk[open] = 60 + block
                    policy.opened(open)
                    policy.appended(60 + block)
                case .drop: #expect(60 + block > size)
                }
                // What earlier runs left is held to the bound as soon as there is something to write.
                if policy.current != nil {
                    #expect(disk.values.reduce(0, +) <= size * count)
                    #expect(disk.count <= count)
                    #expect(disk[policy.current!.number]! <= size)
                }
            }
        }
    }

    @Test func oldestFileGoesFirst() {
        var policy = RotationPolicy(
            maximumSize: 100, maximumFiles: 2,
            found: [RotationPolicy.File(number: 9, size: 90), RotationPolicy.File(number: 4, size: 90)])
        #expect(policy.decide(block: 50, preamble: 10) == .rotate(remove: [4], open: 10))
        policy.removed(4)
        policy.opened(10)
        policy.appended(60)
        #expect(policy.decide(block: 40, preamble: 10) == .append)
        #expect(policy.decide(block: 41, preamble: 10) == .rotate(remove: [9], open: 11))
        #expect(policy.decide(block: 91, preamble: 10) == .drop)
    }
}

@Suite(.serialized) struct RotatingFilesTests {
    private let recorder = Recorder(RecorderIdentity(channel: "debug", description: "a test"), events: 1024)

    private func batch(_ stream: inout CaptureStream, _ times: Range<UInt64>) -> [UInt8] {
        for time in times { recorder.odrWritten(UInt8(truncatingIfNeeded: time), at: time) }
        var bytes: [UInt8] = []
        stream.pump(recorder, into: &bytes, limit: 1 << 20)
        return bytes
    }

    private func packets(_ bytes: [UInt8]) -> [PcapngReader.Packet]? {
        guard var reader = PcapngReader(bytes) else { return nil }
        var packets: [PcapngReader.Packet] = []
        while let item = reader.next() { if case .packet(let packet) = item { packets.append(packet) } }
        return reader.isWhole ? packets : nil
    }

    private func names(_ folder: String) -> [String] { ((try? Syscalls.list(folder)) ?? []).sorted() }

    @Test func eachFileIsAWholeCaptureAndTheBoundHolds() throws {
        let folder = TemporaryFolder()
        let files = RotatingFiles(folder: folder.path + "/a/b", channel: "debug", maximumSize: 2000, maximumFiles: 3)
        var stream = CaptureStream(recorder)
        for round in UInt64(0)..<30 {
            #expect(files.write(batch(&stream, round * 10..<round * 10 + 10), now: round, wall: 1) == .quiet)
            let sizes = names(folder.path + "/a/b").map { folder.read("a/b/" + $0).count }
            #expect(sizes.count <= 3 && sizes.reduce(0, +) <= 6000 && sizes.allSatisfy { $0 <= 2000 })
        }
        let found = names(folder.path + "/a/b")
        #expect(found.count == 3)
        let values = try found.flatMap { name in
            try #require(packets(folder.read("a/b/" + name))).map(\.bytes[2])
        }
        // The last events, none missing: 300 were written.
        #expect(values == (0..<values.count).map { UInt8(truncatingIfNeeded: 300 - values.count + $0) })
        #expect(files.path == folder.path + "/a/b/" + found[2])
        #expect(files.lost == 0)
    }

    @Test func nextRunGoesOnWithTheNextNumber() throws {
        let folder = TemporaryFolder()
        for number in 1...3 {
            let files = RotatingFiles(folder: folder.path, channel: "debug", maximumSize: 2000, maximumFiles: 2)
            var stream = CaptureStream(recorder)
            #expect(files.write(batch(&stream, 0..<3), now: 0, wall: 1) == .quiet)
            #expect(files.path == folder.path + "/debug-0000000\(number).pcapng")
        }
        #expect(names(folder.path) == ["debug-00000002.pcapng", "debug-00000003.pcapng"])
    }

    @Test func newStreamBeginsANewFile() throws {
        let folder = TemporaryFolder()
        let files = RotatingFiles(folder: folder.path, channel: "debug", maximumSize: 20000, maximumFiles: 4)
        for _ in 0..<2 {
            var stream = CaptureStream(recorder)
            #expect(files.write(batch(&stream, 0..<3), now: 0, wall: 1) == .quiet)
        }
        #expect(names(folder.path).count == 2)
        #expect(names(folder.path).allSatisfy { packets(folder.read($0))?.count == 3 })
    }

    @Test func interfaceThatComesLateIsInEveryLaterFile() throws {
        let folder = TemporaryFolder()
        let files = RotatingFiles(folder: folder.path, channel: "debug", maximumSize: 2000, maximumFiles: 100)
        var stream = CaptureStream(recorder)
        #expect(files.write(batch(&stream, 0..<3), now: 0, wall: 1) == .quiet)
        for round in UInt64(0)..<20 {
            ([1, 2, 3] as [UInt8]).withUnsafeBytes { recorder.message(.fromHost, link: .mctp, $0, at: round) }
            #expect(files.write(batch(&stream, 0..<10), now: 0, wall: 1) == .quiet)
        }
        let all = try names(folder.path).flatMap { try #require(packets(folder.read($0))) }
        #expect(all.count == 3 + 20 * 11)
    }

    @Test func folderThatIsNoneStopsOnceCountsAndResumes() throws {
        let folder = TemporaryFolder()
        let path = folder.file("captures", [1])  // a file where the folder should be
        let files = RotatingFiles(folder: path, channel: "debug", maximumSize: 4000, maximumFiles: 2, retry: 100)
        var stream = CaptureStream(recorder)
        guard case .stopped(let error) = files.write(batch(&stream, 0..<5), now: 0, wall: 1) else {
            Issue.record("wrote into a file")
            return
        }
        #expect(error.errno == .notDirectory)
        #expect(files.write(batch(&stream, 5..<7), now: 50, wall: 1) == .quiet)
        #expect(files.write(batch(&stream, 7..<8), now: 150, wall: 1) == .quiet)  // tried again, said before
        #expect(files.lost == 8)
        try Syscalls.unlink(path)
        #expect(files.write(batch(&stream, 8..<10), now: 300, wall: 1) == .resumed(lost: 8))
        let found = try #require(packets(folder.read("captures/debug-00000001.pcapng")))
        #expect(found.map(\.comment) == ["8 capture records lost: the disk could not take them", "", ""])
        #expect(found.dropFirst().map(\.bytes[2]) == [8, 9])
    }

    @Test func removedFolderIsNoticedAndMadeAgain() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/captures"
        let files = RotatingFiles(folder: path, channel: "debug", maximumSize: 4000, maximumFiles: 2)
        var stream = CaptureStream(recorder)
        #expect(files.write(batch(&stream, 0..<2), now: 0, wall: 1) == .quiet)
        _ = Program.run(["rm", "-rf", path])
        #expect(files.write(batch(&stream, 2..<4), now: 1, wall: 1) == .quiet)
        #expect(packets(folder.read("captures/debug-00000001.pcapng"))?.map(\.bytes[2]) == [2, 3])
    }

    /// A file system of a size that we choose takes a right that not every machine's user has.
    private static var canMount: Bool {
        let folder = TemporaryFolder()
        guard Program.run(["mount", "-t", "tmpfs", "tmpfs", folder.path]).status == 0 else { return false }
        return Program.run(["umount", folder.path]).status == 0
    }

    @Test(.enabled(if: canMount, "this process may not mount a file system"))
    func fullDiskStopsOnceLeavesWholeBlocksAndResumes() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/small"
        try Syscalls.makeFolders(path)
        let mount = Program.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path])
        try #require(mount.status == 0)
        defer { _ = Program.run(["umount", path]) }
        let files = RotatingFiles(folder: path, channel: "debug", maximumSize: 1 << 20, maximumFiles: 2, retry: 100)
        var stream = CaptureStream(recorder)
        var reports: [RotatingFiles.Report] = []
        for round in UInt64(0)..<20 {
            reports.append(files.write(batch(&stream, round * 100..<round * 100 + 100), now: round, wall: 1))
        }
        #expect(reports.filter { $0 != .quiet }.count == 1)
        let lost = files.lost
        #expect(lost > 0)
        #expect(packets(folder.read("small/debug-00000001.pcapng")).map { UInt64($0.count) + lost } == 2000)
        _ = Program.run(["mount", "-o", "remount,size=1m", path])
        #expect(files.write(batch(&stream, 0..<10), now: 1000, wall: 1) == .resumed(lost: lost))
        let after = try #require(packets(folder.read("small/debug-00000001.pcapng")))
        #expect(after.filter { $0.comment.hasPrefix("\(lost) capture records lost") }.count == 1)
        #expect(UInt64(after.count) == 2000 - lost + 10 + 1)
    }
}
