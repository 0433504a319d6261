// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: addresses and packets are C memory for the time of one call.
import CLinux

/// Local sockets.
public enum UnixSocket {
    /// What a socket carries.
    public enum Kind {
        /// Bytes in order.
        case stream
        /// Packets, without a connection.
        case datagram
        /// Packets of a connection, in order.
        case packets

        var number: Int32 {
            switch self {
            case .stream: return Int32(SOCK_STREAM.rawValue)
            case .datagram: return Int32(SOCK_DGRAM.rawValue)
            case .packets: return Int32(SOCK_SEQPACKET.rawValue)
            }
        }
    }

    /// A socket without a name, close-on-exec. The corresponding C function is `socket`.
    public static func make(_ kind: Kind, blocking: Bool = false) throws(SystemError) -> FileDescriptor {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (blocking ? 0 : Int32(SOCK_NONBLOCK.rawValue))
        return try retryingInterrupts { socket(AF_UNIX, kind.number | flags, 0) }.descriptor("socket")
    }

    /// Both ends of a connection that carries packets, close-on-exec and not blocking.
    /// The corresponding C function is `socketpair`.
    public static func pair() throws(SystemError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        try succeeding { socketpair(AF_UNIX, Kind.packets.number | flags, 0, &ends) }.get("socketpair")
        return (ends[0], ends[1])
    }

    /// A stream socket, close-on-exec; `blocking` or not.
    public static func stream(blocking: Bool) throws(SystemError) -> FileDescriptor {
        try make(.stream, blocking: blocking)
    }

    /// Gives a socket a name: a path, or a name in Linux's abstract namespace. `ENAMETOOLONG` when it does not fit.
    /// The corresponding C function is `bind`.
    public static func bind(_ socket: Int32, _ name: String, abstract: Bool) -> Result<Void, Errno> {
        guard let (address, size) = address(name, abstract) else { return .failure(.nameTooLong) }
        return succeeding { withUnsafePointer(to: address) { cl_bind(socket, $0, size) } }
    }

    /// Connects to the socket of that name. The corresponding C function is `connect`.
    public static func connect(_ socket: Int32, _ name: String, abstract: Bool) -> Result<Void, Errno> {
        guard let (address, size) = address(name, abstract) else { return .failure(.nameTooLong) }
        return succeeding { withUnsafePointer(to: address) { cl_connect(socket, $0, size) } }
    }

    /// Lets others connect, `backlog` of them before they are accepted. The corresponding C function is `listen`.
    public static func listen(_ socket: Int32, backlog: Int32 = 64) -> Result<Void, Errno> {
        succeeding { CLinux.listen(socket, backlog) }
    }

    /// Takes the next connection, close-on-exec and not blocking; a descriptor that the caller closes.
    /// The corresponding C function is `accept4`.
    public static func accept(_ socket: Int32) -> Result<Int32, Errno> { retryingInterrupts { cl_accept(socket) } }

    /// Sends bytes, or one packet; how many were taken. That the other end is gone is `EPIPE`, and no signal.
    /// The corresponding C function is `send`.
    public static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer, waiting: Bool = true) -> Result<
        Int, Errno
    > {
        let flags = Int32(MSG_NOSIGNAL) | (waiting ? 0 : Int32(MSG_DONTWAIT))
        return retryingInterrupts { CLinux.send(socket, bytes.baseAddress, bytes.count, flags) }
    }

    /// Takes bytes, or one packet: its whole length, of which the buffer holds what fits. 0 at the end.
    /// The corresponding C function is `recv`.
    public static func receive(
        _ socket: Int32, into buffer: UnsafeMutableRawBufferPointer, waiting: Bool = true
    ) -> Result<Int, Errno> {
        let flags = Int32(MSG_TRUNC) | (waiting ? 0 : Int32(MSG_DONTWAIT))
        return retryingInterrupts { recv(socket, buffer.baseAddress, buffer.count, flags) }
    }

    /// Ends a connection, also for a thread that waits in it. The corresponding C function is `shutdown`.
    public static func shutdown(_ socket: Int32) { _ = CLinux.shutdown(socket, Int32(SHUT_RDWR)) }

    /// Asks for room for packets that were not taken yet; the kernel grants what its limit allows.
    /// The corresponding C function is `setsockopt(SO_SNDBUF)`.
    public static func setSendBuffer(_ socket: Int32, _ size: Int32) {
        var size = size
        _ = setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Is it a socket that listens for connections? `ENOTSOCK` for what is no socket.
    /// The corresponding C function is `getsockopt(SO_ACCEPTCONN)`.
    public static func isListening(_ socket: Int32) -> Result<Bool, Errno> {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return succeeding { getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) }.map { value != 0 }
    }

    /// The path that a socket is bound to; nil for one without. The corresponding C function is `getsockname`.
    public static func path(of socket: Int32) -> String? {
        var address = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        guard cl_socket_name(socket, &address, &size) == 0 else { return nil }
        let length = Int(size) - pathOffset
        guard length > 0 else { return nil }
        return withUnsafeBytes(of: address) { bytes in
            // An abstract name begins with 0.
            let name = bytes[pathOffset...].prefix(length).prefix { $0 != 0 }
            return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
        }
    }

    /// What comes before the path: the family.
    private static let pathOffset = MemoryLayout<sa_family_t>.size

    /// Nil when the name is empty or does not fit.
    private static func address(_ name: String, _ abstract: Bool) -> (sockaddr_un, socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // An abstract name has a 0 in front, a path one behind it.
        let start = pathOffset + (abstract ? 1 : 0)
        let end = start + name.utf8.count + (abstract ? 0 : 1)
        guard !name.isEmpty, end <= MemoryLayout<sockaddr_un>.size else { return nil }
        withUnsafeMutableBytes(of: &address) { $0[start...].copyBytes(from: name.utf8) }
        return (address, socklen_t(end))
    }
}
