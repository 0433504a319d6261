// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Testing

@Suite struct SocketTests {
    let folder = TemporaryFolder()

    @Test func packetsArriveWholeAndTheEndIsTold() throws {
        let path = folder.path + "/s"
        let listener = try UnixSocket.make(.packets)
        try UnixSocket.bind(listener.raw, path, abstract: false).get()
        try UnixSocket.listen(listener.raw).get()
        #expect(UnixSocket.path(of: listener.raw) == path)
        #expect(UnixSocket.accept(listener.raw) == .failure(.wouldBlock))
        let client = try UnixSocket.make(.packets, blocking: true)
        try UnixSocket.connect(client.raw, path, abstract: false).get()
        let connection = FileDescriptor(owning: try UnixSocket.accept(listener.raw).get())
        #expect(LocalPeer(of: connection.raw)?.process == CurrentProcess.identifier)
        let bytes: [UInt8] = [1, 2, 3]
        #expect(bytes.withUnsafeBytes { UnixSocket.send(client.raw, $0) } == .success(3))
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(buffer.withUnsafeMutableBytes { UnixSocket.receive(connection.raw, into: $0) } == .success(3))
        #expect(Array(buffer[..<3]) == bytes)
        #expect(
            buffer.withUnsafeMutableBytes { UnixSocket.receive(client.raw, into: $0, waiting: false) }
                == .failure(.wouldBlock))
        UnixSocket.shutdown(connection.raw)
        #expect(buffer.withUnsafeMutableBytes { UnixSocket.receive(client.raw, into: $0) } == .success(0))
        #expect(bytes.withUnsafeBytes { UnixSocket.send(client.raw, $0) } == .failure(.brokenPipe), "and no signal")
    }

    @Test func nameFitsOrIsRefused() throws {
        let socket = try UnixSocket.make(.stream)
        for (length, isAbstract) in [(0, true), (0, false), (108, true), (108, false)] {
            let name = String(repeating: "x", count: length)
            #expect(UnixSocket.bind(socket.raw, name, abstract: isAbstract).errno == .nameTooLong)
            #expect(UnixSocket.connect(socket.raw, name, abstract: isAbstract).errno == .nameTooLong)
        }
        let longest = "linuxio-" + String(repeating: "y", count: 99)
        #expect(UnixSocket.bind(socket.raw, longest, abstract: true).errno == nil)
        #expect(UnixSocket.path(of: socket.raw) == nil, "an abstract name is no path")
    }

    @Test func whatIsNoListeningSocketIsTold() throws {
        let file = try Syscalls.open("/dev/null", O_RDONLY)
        #expect(UnixSocket.isListening(file.raw) == .failure(.notSocket))
        let socket = try UnixSocket.make(.stream)
        #expect(UnixSocket.isListening(socket.raw) == .success(false))
        try UnixSocket.bind(socket.raw, folder.path + "/l", abstract: false).get()
        try UnixSocket.listen(socket.raw).get()
        #expect(UnixSocket.isListening(socket.raw) == .success(true))
    }

    @Test func lockIsOneOpenFiles() throws {
        let path = try folder.file("f", [])
        let first = try Syscalls.open(path, O_RDWR)
        let second = try Syscalls.open(path, O_RDWR)
        #expect(FileLock.take(first.raw).errno == nil)
        #expect(FileLock.take(second.raw).errno == .wouldBlock)
        #expect(FileLock.isHeld(second.raw) == false, "the two kinds do not know each other")
        #expect(FileLock.takeVisible(first.raw).errno == nil)
        #expect(FileLock.isHeld(second.raw) == true)
        FileLock.dropVisible(first.raw)
        #expect(FileLock.isHeld(second.raw) == false)
    }
}
