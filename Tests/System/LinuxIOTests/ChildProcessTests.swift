// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Testing

@Suite struct ChildProcessTests {
    /// Runs a shell's commands, and gives what they wrote.
    private func output(_ commands: String, _ change: (inout ChildProcess.Setup) -> Void = { _ in }) throws -> String {
        let pipe = try Descriptors.pipe()
        let input = FileDescriptor(owning: pipe.input)
        var setup = ChildProcess.Setup()
        setup.descriptors = [(from: pipe.output, to: 1)]
        setup.hasNoInput = true
        change(&setup)
        let child = try ChildProcess.start("/bin/sh", ["-c", commands], setup).get()
        Syscalls.close(pipe.output)
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(input.raw, into: $0) }), count > 0
        {
            text.append(contentsOf: chunk[..<count])
        }
        _ = child.wait()
        return String(decoding: text, as: UTF8.self)
    }

    @Test func endingIsTold() throws {
        let setup = ChildProcess.Setup()
        #expect(try ChildProcess.start("/bin/sh", ["-c", "exit 7"], setup).get().wait() == .success(.exited(7)))
        #expect(try ChildProcess.start("/bin/sh", ["-c", "kill -9 $$"], setup).get().wait() == .success(.signalled(9)))
        #expect(ChildProcess.start("/nowhere/x", [], setup) == .failure(.noSuchFile))
    }

    @Test func environmentAndFolderAreWhatIsSaid() throws {
        let text = try output("pwd; env") {
            $0.environment = ["ONE=1"]
            $0.folder = "/"
        }
        let lines = text.split(separator: "\n")
        #expect(lines.first == "/")
        #expect(lines.contains("ONE=1"))
        #expect(!lines.contains { $0.hasPrefix("PATH=") || $0.hasPrefix("HOME=") }, "\(text)")
        #expect(CurrentProcess.environment.contains { $0.hasPrefix("PATH=") })
    }

    @Test func noOtherDescriptorCrosses() throws {
        let file = try Syscalls.open("/dev/null", O_RDONLY)
        // A number that nothing else of the shell or of this process is given.
        let high = cl_fcntl(file.raw, F_DUPFD_CLOEXEC, 950)
        defer { Syscalls.close(high) }
        #expect(Descriptors.isOpen(high))
        #expect(try output("test -e /proc/self/fd/\(high) || echo none") == "none\n")
    }

    @Test func groupEndsWithItsLeader() throws {
        var setup = ChildProcess.Setup()
        setup.hasOwnGroup = true
        let pipe = try Descriptors.pipe()
        let input = FileDescriptor(owning: pipe.input)
        setup.descriptors = [(from: pipe.output, to: 1)]
        let child = try ChildProcess.start("/bin/sh", ["-c", "sleep 1000 & echo; wait"], setup).get()
        Syscalls.close(pipe.output)
        var byte: UInt8 = 0
        #expect(withUnsafeMutableBytes(of: &byte) { Syscalls.read(input.raw, into: $0) } == .success(1))
        child.send(SIGKILL, group: true)
        #expect(child.wait() == .success(.signalled(SIGKILL)))
        // Only when the last of the group is gone is there nobody to write.
        #expect(withUnsafeMutableBytes(of: &byte) { Syscalls.read(input.raw, into: $0) } == .success(0))
    }

    @Test func endedChildStaysUntilItIsWaitedFor() throws {
        let child = try ChildProcess.start("/bin/true", [], ChildProcess.Setup()).get()
        while !child.hasEnded { CurrentThread.yield() }
        #expect(child.wait() == .success(.exited(0)))
        #expect(!child.hasEnded)
    }

    @Test func limitOfAChildCanBeAnother() throws {
        let pipe = try Descriptors.pipe()
        let output = FileDescriptor(owning: pipe.output)
        let input = FileDescriptor(owning: pipe.input)
        var setup = ChildProcess.Setup()
        setup.descriptors = [(from: input.raw, to: 0)]
        let child = try ChildProcess.start("/bin/sh", ["-c", "read line; test $(ulimit -Sn) = 77"], setup).get()
        ResourceLimit.descriptors.set(77, of: child.identifier)
        #expect(Array("\n".utf8).withUnsafeBytes { Syscalls.writeAll(output.raw, $0) }.errno == nil)
        #expect(child.wait() == .success(.exited(0)))
        let own = try #require(ResourceLimit.descriptors.value)
        #expect(own.current > 77)
    }
}
