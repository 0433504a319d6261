// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: system calls on a socket, with buffers whose length is theirs.
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
        do throws(SystemError) { socket = try UnixSocket.make(.packets, blocking: true) } catch {
            throw HostFailure("make a socket: \(error.errno.description)")
        }
        if let errno = UnixSocket.connect(socket.raw, name, abstract: abstract).errno {
            throw HostFailure("connect to \(abstract ? "@" : "")\(name): \(errno.description)")
        }
        // As much as the kernel allows: a message is one packet of the socket's.
        UnixSocket.setSendBuffer(socket.raw, 1 << 20)
        if let type { try send(bytes: [type.rawValue]) }
    }

    deinit { buffer.deallocate() }

    /// The socket, for those who wait for several.
    public var descriptor: Int32 { socket.raw }

    /// Sends a message; waits while the socket is full.
    public func send(_ frame: Frame) throws(HostFailure) { try send(bytes: [frame.eid.rawValue] + frame.body) }

    /// Sends any bytes as one packet.
    public func send(bytes: [UInt8]) throws(HostFailure) {
        if case .failure(let errno) = bytes.withUnsafeBytes({ UnixSocket.send(socket.raw, $0) }) {
            throw HostFailure("send to the endpoint: \(errno.description)")
        }
    }

    /// The next message; nil if none comes before the deadline, or the endpoint closed the connection.
    public func receive(deadline: UInt64) -> Frame? {
        guard isReadable(deadline: deadline), let count = take(), count >= 2 else { return nil }
        return Frame(EID(buffer[0]), Array(buffer[1..<count]))
    }

    /// Waits until the endpoint closes the connection; false if it did not before the deadline.
    public func waitUntilClosed(deadline: UInt64) -> Bool {
        while isReadable(deadline: deadline) {
            if (take() ?? 0) == 0 { return true }
        }
        return false
    }

    /// Sends every message back to where it came from, until the connection ends.
    public func echo() {
        while let count = take(), count > 0 {
            guard case .success = UnixSocket.send(socket.raw, UnsafeRawBufferPointer(rebasing: buffer[..<count])) else {
                return
            }
        }
    }

    /// Ends the connection, also for a thread that waits in it.
    public func shutdown() { UnixSocket.shutdown(socket.raw) }

    /// A packet, as much of it as the buffer holds; nil when the connection failed.
    private func take() -> Int? {
        guard case .success(let count) = UnixSocket.receive(socket.raw, into: buffer) else { return nil }
        return min(count, buffer.count)
    }

    private func isReadable(deadline: UInt64) -> Bool { Poll.isReadable(socket.raw, until: deadline) }
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
