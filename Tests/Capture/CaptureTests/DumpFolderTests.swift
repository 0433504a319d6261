// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Testing

@testable import Capture

@Suite struct DumpFolderTests {
    private let folder = TemporaryFolder()
    /// 2026-11-28T10:00:00Z
    private static let wall: UInt64 = 1_795_860_000_000_000_000
    private static let hour: UInt64 = 3_600_000_000_000
    private static let roomy = DumpBudget(bytes: 1 << 30, files: 1000, age: 1000 * hour)

    private func make(_ name: String, bytes: Int = 100) throws {
        let file = try Syscalls.open("\(folder.path)/\(name)", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        _ = [UInt8](repeating: 0, count: bytes).withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
    }

    private func prune(_ budget: DumpBudget, sparing: String? = nil) -> DumpFolder.Contents {
        DumpFolder.prune(folder.path, budget, sparing: sparing.map { "\(folder.path)/\($0)" }, wall: Self.wall)
    }

    private var names: [String] { ((try? Syscalls.list(folder.path)) ?? []).sorted() }

    @Test func theOldestGoFirstUntilTheCountIsKept() throws {
        let made = [
            "b-20261128T095900Z.pcapng", "a-20261128T095959Z-2.pcapng", "a-20261128T095959Z.pcapng",
            "all-20261128T095958Z.pcapng", "c-20261128T095959Z-10.pcapng",
        ]
        for name in made { try make(name) }
        var budget = Self.roomy
        budget.files = 2
        #expect(prune(budget) == DumpFolder.Contents(files: 2, bytes: 200, removed: 3))
        #expect(names == ["a-20261128T095959Z-2.pcapng", "c-20261128T095959Z-10.pcapng"])
    }

    @Test func bytesAreCountedTogetherAndTheNewestStaysWhateverItsSize() throws {
        try make("a-20261128T095900Z.pcapng", bytes: 400)
        try make("a-20261128T095901Z.pcapng", bytes: 400)
        try make("a-20261128T095902Z.pcapng", bytes: 5000)
        var budget = Self.roomy
        budget.bytes = 5400
        #expect(prune(budget) == DumpFolder.Contents(files: 2, bytes: 5400, removed: 1))
        budget.bytes = 1000
        #expect(prune(budget) == DumpFolder.Contents(files: 1, bytes: 5000, removed: 1))
        #expect(prune(budget).removed == 0)
    }

    @Test func oldOnesGoButNotThoseOfAClockThatWasNotSet() throws {
        try make("a-19700101T000012Z.pcapng")
        try make("a-20261126T095900Z.pcapng")
        try make("a-20261128T090000Z.pcapng")
        try make("a-20261128T095900Z.pcapng")
        var budget = Self.roomy
        budget.age = 24 * Self.hour
        #expect(prune(budget).removed == 1)
        #expect(names == ["a-19700101T000012Z.pcapng", "a-20261128T090000Z.pcapng", "a-20261128T095900Z.pcapng"])
    }

    @Test func theDumpOfTheLastFailureStays() throws {
        for second in 1...5 { try make("a-20261128T09590\(second)Z.pcapng") }
        var budget = Self.roomy
        budget.files = 2
        #expect(prune(budget, sparing: "a-20261128T095901Z.pcapng").files == 2)
        #expect(names == ["a-20261128T095901Z.pcapng", "a-20261128T095905Z.pcapng"])
    }

    @Test func noOtherFileIsTouched() throws {
        let others = [
            "00000001.pcapng", "a-00000001.pcapng", "a-20261128T095900Z.pcap", "a-20261128T095900.pcapng", "notes",
            "-20261128T095900Z.pcapng", "a20261128T095900Z.pcapng", "a-2026112xT095900Z.pcapng",
            "a-20261128T095900Z-x.pcapng", "a-20261128T095900Z-1.pcapng", "a-20261128T095900Z-1234.pcapng",
            "crash.kcsdump", "crash-1.kcsdump", "20261128T095900Z.pcapng", "a-20261128T095900Z.pcapng.bak",
        ]
        for name in others { try make(name) }
        try Syscalls.makeFolders("\(folder.path)/d-20261128T095900Z.pcapng")
        try #require(symlink("notes", "\(folder.path)/l-20261128T095900Z.pcapng") == 0)
        try make("z-20261128T095901Z.pcapng")
        var budget = Self.roomy
        (budget.files, budget.age) = (1, 0)
        #expect(prune(budget) == DumpFolder.Contents(files: 1, bytes: 100, removed: 0))
        #expect(names.count == others.count + 3)
    }

    @Test func aFolderThatIsNotThereHasNothing() {
        #expect(DumpFolder.prune("/nowhere", Self.roomy, sparing: nil, wall: Self.wall) == DumpFolder.Contents())
    }
}
