// SPDX-License-Identifier: Apache-2.0
import Foundation
import IPMIController
import LinuxIO
import Testing

@testable import IPMILiteHandler

@Suite struct StoreFileTests {
    private let folder = NSTemporaryDirectory() + "ipmi-store-\(UUID().uuidString)"

    /// How the event log's journal begins.
    private let mark: [UInt8] = [0x4B, 0x43, 0x53, 0x4A, 1, 1]

    private func put(_ bytes: [UInt8], _ path: String) {
        #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    }

    private func bytes(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map { [UInt8]($0) } }

    @Test func replaceMakesFoldersAndAppendGoesOnAtTheEnd() {
        let path = folder + "/a/b/sel"
        #expect(StoreFile.apply(.replace(bytes: mark + [1, 2, 3]), to: path) == .stored)
        #expect(StoreFile.apply(.append(offset: 9, bytes: [4, 5]), to: path) == .stored)
        #expect(bytes(path) == mark + [1, 2, 3, 4, 5])
        #expect(bytes(path + ".new") == nil, "nothing is left beside it")
    }

    @Test func appendCutsWhatAFailedWriteLeft() {
        let path = folder + "/sel"
        #expect(StoreFile.apply(.replace(bytes: mark + [1, 2, 3, 9, 9, 9]), to: path) == .stored)
        #expect(StoreFile.apply(.append(offset: 9, bytes: [4]), to: path) == .stored)
        #expect(bytes(path) == mark + [1, 2, 3, 4])
    }

    @Test func aJournalReplacesNothingButAJournalOfItsKind() throws {
        for foreign in [[UInt8]("text".utf8), [0x4B, 0x43, 0x53, 0x4A, 1, 2, 0, 0], [0x7F]] {
            try Syscalls.makeFolders(folder)
            let path = folder + "/other"
            put(foreign, path)
            #expect(StoreFile.apply(.replace(bytes: mark + [9]), to: path) == .failed)
            #expect(bytes(path) == foreign)
        }
        for foreign in [[UInt8]("text".utf8), [], [0x7F]] {
            put(foreign, folder + "/text")
            #expect(StoreFile.apply(.append(offset: 0, bytes: [9]), to: folder + "/text") != .stored)
            #expect(bytes(folder + "/text") == foreign)
        }
        // An empty file, and the beginning of a journal, are nobody's.
        for own in [[], [0x4B, 0x43], mark] {
            let path = folder + "/own"
            put(own, path)
            #expect(StoreFile.apply(.replace(bytes: mark + [9]), to: path) == .stored)
        }
    }

    @Test func onlyRegularFilesAreOpenedAndNothingIsPutInTheirPlace() throws {
        try Syscalls.makeFolders(folder + "/folder")
        try Syscalls.makePipe(folder + "/pipe", mode: 0o600)
        symlink(folder + "/nothing", folder + "/link")
        for path in [folder + "/folder", folder + "/pipe", folder + "/link", "/dev/null"] {
            #expect(StoreFile.apply(.replace(bytes: mark), to: path) == .failed, "\(path)")
            #expect(StoreFile.apply(.append(offset: 0, bytes: [1]), to: path) != .stored, "\(path)")
            #expect(StoreFile.apply(.patch(offset: 0, bytes: [1]), to: path) == .failed, "\(path)")
        }
        #expect(try Syscalls.readLink(folder + "/link") == folder + "/nothing")
        #expect(throws: SystemError.self) { try StoreFile.read(folder + "/pipe", limit: 10) }
    }

    @Test func aFileKeepsItsLinkItsOwnerAndItsMode() throws {
        let real = folder + "/real"
        let link = folder + "/name"
        try Syscalls.makeFolders(folder)
        put(mark + [1, 2, 3], real)
        try Syscalls.setMode(real, 0o640)
        if getuid() == 0 { chown(real, 12, 34) }
        let before = try Syscalls.stat(real)
        symlink("real", link)
        for change in [StoreChange.patch(offset: 6, bytes: [9]), .replace(bytes: mark + [8])] {
            #expect(StoreFile.apply(change, to: link) == .stored)
            #expect(try Syscalls.readLink(link) == "real")
            let after = try Syscalls.stat(real)
            #expect(after.mode == before.mode && after.user == before.user && after.group == before.group)
        }
        #expect(bytes(real) == mark + [8])
        #expect(StoreFile.apply(.patch(offset: 6, bytes: [1, 2]), to: real) == .failed, "a file keeps its size")
    }

    @Test func copiesOfDamagedFilesAreKeptSideBySideUpToNine() {
        let path = folder + "/sel"
        for number in UInt8(1)...11 {
            #expect(StoreFile.apply(.replace(bytes: mark), to: path) == .stored)
            #expect(StoreFile.setAside([number], of: path) == path + ".damaged-\(min(number, 9))")
        }
        for number in UInt8(1)...8 { #expect(bytes(path + ".damaged-\(number)") == [number]) }
        #expect(bytes(path + ".damaged-9") == [11])
    }

    @Test func fileThatIsGoneOrTooShortIsNotTrusted() {
        let path = folder + "/sel"
        #expect(StoreFile.apply(.append(offset: 16, bytes: [4]), to: path) == .unknown)
        #expect(StoreFile.apply(.replace(bytes: [1]), to: path) == .stored)
        #expect(StoreFile.apply(.append(offset: 16, bytes: [4]), to: path) == .unknown)
        #expect(bytes(path) == [1])
    }

    @Test func fullDeviceIsToldFromOtherFailures() {
        // Writing to /dev/full gives ENOSPC; it cannot be cut back, being no file.
        #expect(StoreFile.apply(.append(offset: 0, bytes: [1]), to: "/dev/full") != .stored)
        #expect(StoreFile.apply(.replace(bytes: [1]), to: "/dev/null/x") == .failed)
    }

    @Test func absentFileIsNoErrorAndALargeOneIs() throws {
        #expect(try StoreFile.read(folder + "/none", limit: 10) == nil)
        #expect(StoreFile.apply(.replace(bytes: [1, 2, 3]), to: folder + "/s") == .stored)
        #expect(try StoreFile.read(folder + "/s", limit: 10) == [1, 2, 3])
        do {
            _ = try StoreFile.read(folder + "/s", limit: 2)
            Issue.record("a file above the limit was read")
        } catch {
            #expect(error.errno == .tooLarge)
        }
    }
}

@Suite struct TextTests {
    @Test func formsAreReadExactly() {
        #expect(Text.version("3.14").map { [$0.major, $0.minor] } == [3, 14])
        #expect(Text.version("7").map { [$0.major, $0.minor] } == [7, 0])
        for bad in ["", "128.0", "1.100", "1.2.3", "a", "1.", ".1"] { #expect(Text.version(bad) == nil, "\(bad)") }
        #expect(Text.quad("192.0.2.17") == [192, 0, 2, 17])
        for bad in ["192.0.2", "1.2.3.256", "1.2.3.4.5", "a.b.c.d", ""] { #expect(Text.quad(bad) == nil, "\(bad)") }
        #expect(Text.mac("02:00:0a:FF:00:01") == [2, 0, 10, 255, 0, 1])
        for bad in ["02:00", "2:0:0:0:0:1", "02:00:00:00:00:0g"] { #expect(Text.mac(bad) == nil, "\(bad)") }
        #expect(Text.rate("60/min") == 60 && Text.rate("2/s") == 120 && Text.rate("30/h") == 1 && Text.rate("0") == 0)
        for bad in ["60/week", "/min", "-1", "x"] { #expect(Text.rate(bad) == nil, "\(bad)") }
    }

    @Test func guidIsSentLeastSignificantByteFirst() {
        #expect(
            Text.guid("00112233-4455-6677-8899-aabbccddeeff")
                == [0xFF, 0xEE, 0xDD, 0xCC, 0xBB, 0xAA, 0x99, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00])
        #expect(Text.guid("00112233-4455") == nil && Text.guid("zz112233445566778899aabbccddeeff") == nil)
    }
}
