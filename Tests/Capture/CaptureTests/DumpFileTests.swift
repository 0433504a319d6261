// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import LinuxIO
import Testing

@Suite struct DumpFileTests {
    @Test func dumpsOfOneSecondGetNamesOfTheirOwn() throws {
        let folder = TemporaryFolder()
        let dump = CaptureDump(Sample.rings)
        let paths = try (0..<3).map { _ in
            try DumpFile.write(dump, folder: folder.path + "/a", stem: "ipmi", wall: 1_700_000_000_000_000_000)
        }
        let lead = folder.path + "/a/ipmi-20231114T221320Z"
        #expect(paths == [lead + ".pcapng", lead + "-2.pcapng", lead + "-3.pcapng"])
        for path in paths {
            #expect(try Syscalls.readFile(path, limit: 1 << 20) == Sample.pcapng())
            #expect(try Syscalls.stat(path).mode & 0o777 == 0o600)
        }
    }

    @Test func dumpThatCannotBeFinishedLeavesNoFile() {
        let dump = CaptureDump(Sample.rings)
        do {
            _ = try DumpFile.write(dump, folder: "/proc/kcsmux-test", stem: "x", wall: 0)
            Issue.record("wrote to /proc")
        } catch { #expect(error.operation == "mkdir") }
    }

    @Test func dumpOfManyChannelsComesInPieces() {
        var dump = CaptureDump(Sample.rings)
        var pieces: [[UInt8]] = []
        while let piece = dump.next(size: 200) { pieces.append(piece) }
        #expect(pieces.count > 5)
        #expect(Array(pieces.joined()) == Sample.pcapng())
    }
}
