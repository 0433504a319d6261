// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Synchronization
import Testing

/// Calls that sleep, with signals that end their sleep: each wrapper goes on until it has an answer, or says that it was
/// interrupted where it was told not to.
@Suite(.serialized) struct InterruptTests {
    private final class Sleeper<Value: Sendable>: Sendable {
        let thread = Atomic<Int32>(0)
        let answer = Mutex<Value?>(nil)
    }

    /// Makes `call` on a thread of its own, interrupts it `times` times while it sleeps, then lets it have its answer.
    private func interrupted<Value: Sendable>(
        _ times: Int, _ call: @escaping @Sendable () -> Value, then release: () -> Void = {}
    ) throws -> Value {
        let sleeper = Sleeper<Value>()
        let thread = try #require(
            Thread.start {
                // A thread begins with every signal blocked.
                _ = Signals.makeInterrupter(SIGURG)
                sleeper.thread.store(CurrentThread.identifier, ordering: .sequentiallyConsistent)
                let value = call()
                sleeper.answer.withLock { $0 = value }
            })
        while sleeper.thread.load(ordering: .sequentiallyConsistent) == 0 { CurrentThread.yield() }
        let number = sleeper.thread.load(ordering: .sequentiallyConsistent)
        for _ in 0..<times {
            while !sleeps(number) { CurrentThread.yield() }
            #expect(Signals.send(SIGURG, toThread: number).errno == nil)
        }
        release()
        thread.join()
        return try #require(sleeper.answer.withLock { $0 })
    }

    private func sleeps(_ thread: Int32) -> Bool {
        guard let bytes = try? Syscalls.readFile("/proc/self/task/\(thread)/stat", limit: 4096) else { return true }
        return String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.hasPrefix(" S") == true
    }

    @Test(arguments: [0, 1, 5]) func readGoesOn(times: Int) throws {
        let pipe = try Descriptors.pipe()
        let input = FileDescriptor(owning: pipe.input)
        let output = FileDescriptor(owning: pipe.output)
        let number = input.raw
        let result = try interrupted(times) { () -> Result<[UInt8], Errno> in
            var buffer = [UInt8](repeating: 0, count: 4)
            return buffer.withUnsafeMutableBytes { Syscalls.read(number, into: $0) }.map { Array(buffer[..<$0]) }
        } then: {
            withUnsafeBytes(of: UInt8(7)) { #expect(Syscalls.write(output.raw, $0) == .success(1)) }
        }
        #expect(result == .success([7]))
    }

    @Test func readThatIsNotToGoOnSaysSo() throws {
        let pipe = try Descriptors.pipe()
        let input = FileDescriptor(owning: pipe.input)
        let output = FileDescriptor(owning: pipe.output)
        let number = input.raw
        let result = try interrupted(1) { () -> Result<Int, Errno> in
            var byte: UInt8 = 0
            return withUnsafeMutableBytes(of: &byte) { Syscalls.read(number, into: $0, retryOnInterrupt: false) }
        }
        #expect(result == .failure(.interrupted))
        _ = output
    }

    @Test(arguments: [0, 1, 5]) func writeGoesOn(times: Int) throws {
        let pipe = try Descriptors.pipe()
        let input = FileDescriptor(owning: pipe.input)
        let output = FileDescriptor(owning: pipe.output)
        let number = output.raw
        let room = Int(cl_fcntl(number, F_GETPIPE_SZ, 0))
        let result = try interrupted(times) { () -> Errno? in
            Array(repeating: UInt8(1), count: room + 1).withUnsafeBytes { Syscalls.writeAll(number, $0) }.errno
        } then: {
            var chunk = [UInt8](repeating: 0, count: 4096)
            _ = chunk.withUnsafeMutableBytes { Syscalls.read(input.raw, into: $0) }
        }
        #expect(result == nil)
    }

    @Test(arguments: [0, 1, 5]) func acceptAndReceiveGoOn(times: Int) throws {
        let name = "linuxio-\(CurrentProcess.identifier)-\(times)"
        let listener = try UnixSocket.make(.packets, blocking: true)
        try UnixSocket.bind(listener.raw, name, abstract: true).get()
        try UnixSocket.listen(listener.raw).get()
        let client = try UnixSocket.make(.packets, blocking: true)
        let (here, there) = (listener.raw, client.raw)
        let accepted = try interrupted(times) {
            UnixSocket.accept(here)
        } then: {
            #expect(UnixSocket.connect(there, name, abstract: true).errno == nil)
        }
        let connection = FileDescriptor(owning: try accepted.get())
        let result = try interrupted(times) { () -> Result<Int, Errno> in
            var bytes = [UInt8](repeating: 0, count: 2)
            return bytes.withUnsafeMutableBytes { UnixSocket.receive(there, into: $0) }
        } then: {
            #expect([1, 2, 3].withUnsafeBytes { UnixSocket.send(connection.raw, $0) } == .success(24))
        }
        #expect(result == .success(24), "a packet's whole length, whatever fits")
    }

    @Test(arguments: [0, 1, 5]) func waitingForAChildGoesOn(times: Int) throws {
        let pipe = try Descriptors.pipe()
        let output = FileDescriptor(owning: pipe.output)
        let input = FileDescriptor(owning: pipe.input)
        var setup = ChildProcess.Setup()
        setup.descriptors = [(from: input.raw, to: 0)]
        let child = try ChildProcess.start("/bin/sh", ["-c", "read line; exit 3"], setup).get()
        let ending = try interrupted(times) {
            child.wait()
        } then: {
            #expect(Array("\n".utf8).withUnsafeBytes { Syscalls.writeAll(output.raw, $0) }.errno == nil)
        }
        #expect(ending == .success(.exited(3)))
    }

    @Test func pollGoesOnAndEpollSaysSo() throws {
        let pipe = try Descriptors.pipe()
        let input = FileDescriptor(owning: pipe.input)
        let output = FileDescriptor(owning: pipe.output)
        let number = input.raw
        let isReadable = try interrupted(5) {
            Poll.isReadable(number, until: .max)
        } then: {
            withUnsafeBytes(of: UInt8(7)) { #expect(Syscalls.write(output.raw, $0) == .success(1)) }
        }
        #expect(isReadable)
        let result = try interrupted(1) { () -> Result<Int, Errno> in
            guard let epoll = try? Epoll() else { return .success(-1) }
            var events = [epoll_event](repeating: epoll_event(), count: 1)
            return events.withUnsafeMutableBufferPointer { epoll.wait($0, milliseconds: -1) }
        }
        #expect(result == .failure(.interrupted), "a signal may have made a timer due")
    }
}
