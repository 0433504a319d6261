// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: system calls on a socket, with buffers whose length is theirs.
import CLinux
import Events
import LinuxIO
import MCTP

/// A local program's end of the mctp-mux protocol: registers for one message type, then sends and gets messages with the
/// other end's address in front.
public final class MuxClient {
    private let socket: FileDescriptor
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 8)

    /// A message and who is at its other end.
    public struct Frame: Equatable, Sendable {
        /// Where it comes from, or goes to.
        public let eid: EID
        /// The message, its type byte first.
        public let body: [UInt8]

        /// A frame by its parts.
        public init(_ eid: EID, _ body: [UInt8]) {
            self.eid = eid
            self.body = body
        }
    }

    /// Connects, and registers for `type` unless that is nil.
    public init(name: String, abstract: Bool = true, type: MessageType?) throws(HostFailure) {
        let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        socket = FileDescriptor(owning: CLinux.socket(AF_UNIX, kind, 0))
        guard socket.raw >= 0 else { throw HostFailure("make a socket: \(Errno.current.description)") }
        if case .failure(let errno) = UnixSocket.connect(socket.raw, name, abstract: abstract) {
            throw HostFailure("connect to \(abstract ? "@" : "")\(name): \(errno.description)")
        }
        // As much as the kernel allows: a message is one packet of the socket's.
        var size: Int32 = 1 << 20
        _ = setsockopt(socket.raw, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        if let type { try send(bytes: [type.rawValue]) }
    }

    deinit { buffer.deallocate() }

    /// The socket, for those who wait for several.
    public var descriptor: Int32 { socket.raw }

    /// Sends a message; waits while the socket is full.
    public func send(_ frame: Frame) throws(HostFailure) { try send(bytes: [frame.eid.rawValue] + frame.body) }

    /// Sends any bytes as one packet.
    public func send(bytes: [UInt8]) throws(HostFailure) {
        let sent = bytes.withUnsafeBytes { send($0) }
        guard sent else { throw HostFailure("send to the endpoint: \(Errno.current.description)") }
    }

    /// The next message; nil if none comes before the deadline, or the endpoint closed the connection.
    public func receive(deadline: UInt64) -> Frame? {
        guard isReadable(deadline: deadline) else { return nil }
        let count = recv(socket.raw, buffer.baseAddress, buffer.count, 0)
        guard count >= 2 else { return nil }
        return Frame(EID(buffer[0]), Array(buffer[1..<count]))
    }

    /// Waits until the endpoint closes the connection; false if it did not before the deadline.
    public func waitUntilClosed(deadline: UInt64) -> Bool {
        while isReadable(deadline: deadline) {
            if recv(socket.raw, buffer.baseAddress, buffer.count, 0) <= 0 { return true }
        }
        return false
    }

    /// Sends every message back to where it came from, until the connection ends.
    public func echo() {
        while true {
            let count = recv(socket.raw, buffer.baseAddress, buffer.count, 0)
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0, send(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return }
        }
    }

    /// Ends the connection, also for a thread that waits in it.
    public func shutdown() { _ = CLinux.shutdown(socket.raw, Int32(SHUT_RDWR)) }

    private func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        while CLinux.send(socket.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) < 0 {
            guard Errno.current == .interrupted else { return false }
        }
        return true
    }

    private func isReadable(deadline: UInt64) -> Bool {
        while true {
            let now = Clock.monotonic
            var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            let left = now < deadline ? (deadline - now) / 1_000_000 + 1 : 0
            let ready = poll(&request, 1, Int32(clamping: left))
            if ready > 0 { return true }
            if ready == 0 && now >= deadline { return false }
        }
    }
}

/// A local program on a thread of its own that sends every message back.
public final class EchoProgram {
    private let client: MuxClient
    private let thread: Thread

    /// Connects and registers.
    public init(name: String, abstract: Bool = true, type: MessageType) throws(HostFailure) {
        let client = try MuxClient(name: name, abstract: abstract, type: type)
        guard let thread = Thread.start({ client.echo() }) else { throw HostFailure("no thread for the local program") }
        self.client = client
        self.thread = thread
    }

    deinit {
        client.shutdown()
        thread.join()
    }
}
