// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Testing

@Suite struct SyscallsTests {
    let folder = TemporaryFolder()

    @Test func fileComesBackAsItWasWritten() throws {
        for count in [0, 1, 4095, 4096, 4097, 20_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            let path = try folder.file("f", bytes)
            #expect(try Syscalls.readFile(path, limit: 20_000) == bytes)
        }
    }

    @Test func fileOverTheLimitIsAnError() throws {
        let path = try folder.file("f", Array(repeating: 7, count: 101))
        #expect(try Syscalls.readFile(path, limit: 101).count == 101)
        do {
            _ = try Syscalls.readFile(path, limit: 100)
            Issue.record("read 101 bytes of 100")
        } catch { #expect(error == SystemError(.tooLarge, "read", path)) }
    }

    @Test func folderIsNoFileToRead() {
        do {
            _ = try Syscalls.readFile(folder.path, limit: 1)
            Issue.record("read a folder")
        } catch { #expect(error == SystemError(.isDirectory, "read", folder.path)) }
    }

    @Test func everythingIsWrittenThroughAPipeThatTakesLess() throws {
        var ends: [Int32] = [-1, -1]
        #expect(pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0)
        let input = FileDescriptor(owning: ends[0])
        let output = FileDescriptor(owning: ends[1])
        let bytes = Array(repeating: UInt8(1), count: 1 << 20)
        let result = bytes.withUnsafeBytes { Syscalls.writeAll(output.raw, $0) }
        #expect(throws: Errno.wouldBlock, "what does not fit is an error, not a silent loss") { try result.get() }
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(try buffer.withUnsafeMutableBytes { Syscalls.read(input.raw, into: $0) }.get() == 64)
    }

    @Test func openedDescriptorsDoNotCrossExec() throws {
        let file = try Syscalls.open(try folder.file("f", []), O_RDONLY)
        #expect(cl_fcntl(file.raw, F_GETFD, 0) == FD_CLOEXEC)
    }

    @Test func descriptorIsClosedWithItsOwnerUnlessReleased() throws {
        let path = try folder.file("f", [])
        // A number of its own high range, which no test running beside this one is given.
        let original = try Syscalls.open(path, O_RDONLY)
        func high() -> Int32 { cl_fcntl(original.raw, F_DUPFD_CLOEXEC, 900) }
        let number = high()
        do { _ = FileDescriptor(owning: number) }
        #expect(cl_fcntl(number, F_GETFD, 0) == -1)
        let kept = high()
        let released = FileDescriptor(owning: kept).release()
        #expect(released == kept)
        #expect(cl_fcntl(kept, F_GETFD, 0) >= 0)
        close(kept)
    }

    @Test func statTellsKindSizeAndIdentity() throws {
        let path = try folder.file("f", [1, 2, 3])
        let file = try Syscalls.stat(path)
        #expect(file.isRegular && !file.isFolder && !file.isCharacterDevice)
        #expect(file.size == 3)
        #expect(file.mode & 0o777 == 0o600)
        #expect(file.user == getuid())
        #expect(file.modified > 0)
        #expect(try Syscalls.stat(folder.path).isFolder)
        let null = try Syscalls.stat("/dev/null")
        #expect(null.isCharacterDevice && null.deviceNumber != 0)

        #expect(symlink(path, "\(folder.path)/link") == 0)
        #expect(try Syscalls.stat("\(folder.path)/link").identity == file.identity)
        #expect(try Syscalls.readLink("\(folder.path)/link") == path)
        let descriptor = try Syscalls.open(path, O_RDONLY)
        #expect(try Syscalls.status(of: descriptor.raw).identity == file.identity)
        #expect(try Syscalls.stat(folder.path).identity != file.identity)
    }

    @Test func foldersAreMadeWhereTheyAreMissing() throws {
        let deep = "\(folder.path)/a/b/c"
        try Syscalls.makeFolders(deep, mode: 0o700)
        try Syscalls.makeFolders(deep)
        #expect(try Syscalls.stat(deep).mode & 0o777 == 0o700)
        let file = try folder.file("f", [])
        for path in [file, "\(file)/x"] {
            do {
                try Syscalls.makeFolders(path)
                Issue.record("made \(path)")
            } catch { #expect(error == SystemError(.notDirectory, "mkdir", path)) }
        }
        do {
            try Syscalls.makeFolders("")
            Issue.record("made a folder without a name")
        } catch { #expect(error.operation == "mkdir") }
    }

    @Test func listHasEveryNameButDotAndDotDot() throws {
        for name in ["a", ".b", "c d"] { _ = try folder.file(name, []) }
        #expect(try Syscalls.list(folder.path).sorted() == [".b", "a", "c d"])
        try Syscalls.unlink("\(folder.path)/a")
        #expect(try Syscalls.list(folder.path).sorted() == [".b", "c d"])
        do {
            try Syscalls.unlink("\(folder.path)/a")
            Issue.record("removed a file that is not there")
        } catch { #expect(error == SystemError(.noSuchFile, "unlink", "\(folder.path)/a")) }
        do {
            _ = try Syscalls.list("\(folder.path)/a")
            Issue.record("listed a folder that is not there")
        } catch { #expect(error.errno == .noSuchFile) }
    }

    @Test func twoMapsOfAFileShareItsBytes() throws {
        let path = try folder.file("f", Array(repeating: 0, count: 8192))
        let file = try Syscalls.open(path, O_RDWR)
        let first = try MemoryMap(shared: file.raw, length: 8192)
        let second = try MemoryMap(shared: file.raw, offset: 4096, length: 4096)
        first.base.storeBytes(of: 0x1234, toByteOffset: 4104, as: UInt64.self)
        #expect(second.base.load(fromByteOffset: 8, as: UInt64.self) == 0x1234)
        #expect(second.length == 4096)
        #expect(try Syscalls.readFile(path, limit: 8192)[4104] == 0x34)
    }

    @Test func impossibleMapIsAnError() throws {
        let file = try Syscalls.open(try folder.file("f", [1]), O_RDONLY)
        do {
            _ = try MemoryMap(shared: file.raw, length: 1)
            Issue.record("mapped a read-only file for writing")
        } catch { #expect(error == SystemError(.permissionDenied, "mmap")) }
    }

    @Test func libraryThatIsNoneIsNamedInTheError() throws {
        let path = try folder.file("libx.so", Array("no library".utf8))
        guard case .failure(let error) = DynamicLibrary.load(path) else {
            Issue.record("loaded a text file")
            return
        }
        #expect(error.reason.contains(path))
    }

    @Test func processKnowsItselfAndItsEnvironment() throws {
        #expect(CurrentProcess.identifier == getpid())
        let executable = try #require(CurrentProcess.executable)
        #expect(try Syscalls.stat(executable).identity == Syscalls.stat("/proc/self/exe").identity)
        #expect(!CurrentProcess.arguments.isEmpty)
        #expect(CurrentProcess.environment("A_VARIABLE_THAT_NOBODY_SETS") == nil)
        #expect(CurrentProcess.environment("PATH") != nil)
    }

    @Test func coarseClockIsNeverAhead() {
        for _ in 0..<1000 {
            let coarse = Clock.coarse
            #expect(coarse <= Clock.monotonic)
        }
        #expect(Clock.boot >= Clock.monotonic - 1_000_000_000)
    }
}

@Suite struct PathTests {
    @Test(arguments: [
        ("/a/b", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/b", "a", "b"), ("/", "/", ""), ("a/", "a", ""),
        ("", ".", ""), ("/a/b/c.so", "/a/b", "c.so"), ("ü/ä", "ü", "ä"),
    ])
    func pathIsParentAndName(path: String, parent: String, name: String) {
        #expect(Path.parent(of: path) == parent)
        #expect(Path.name(of: path) == name)
        #expect(Path.hasFolder(path) == path.contains("/"))
    }
}
