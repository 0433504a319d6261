// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: system calls on sockets, with buffers whose length is theirs.
import CLinux
import LinuxIO
import MCTPMux
import PluginKit

/// The local sockets of an endpoint: where programs connect, and the connections. Nothing here waits.
final class MuxSockets: ClientSockets {
    private struct Connection {
        let descriptor: Int32
        var watch: HandlerWatch
        var wantsWrite = false
    }

    private struct Listener {
        let descriptor: Int32
        let path: String?
        let isOurs: Bool
        var watch: HandlerWatch?
    }

    /// New connections in one turn of kcsmuxd's loop.
    private static let budget = 32
    private static let socketBuffer: Int32 = 1 << 20

    // Each keeps the other alive, until the handler lets go of this object when it stops.
    private let handler: MCTPHandler
    private let host: Host
    private var listeners: [Listener] = []
    private var connections: [Connection?] = []
    private var isReading = true
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Endpoint.readingRoom, alignment: 8)

    init(_ handler: MCTPHandler) {
        self.handler = handler
        host = handler.host
    }

    deinit { buffer.deallocate() }

    /// Opens what is configured: a socket passed by the service manager under `name`, or else one of that abstract name;
    /// and one at `path`.
    func open(name: String, path: String?) throws(HandlerError) {
        if !name.isEmpty {
            if let passed = host.socket(name) {
                // Service managers pass sockets that wait, and accepting from one would stop kcsmuxd.
                guard cl_fcntl(passed, F_SETFL, cl_fcntl(passed, F_GETFL, 0) | O_NONBLOCK) == 0 else {
                    throw HandlerError("socket \(name) of the service manager: \(Errno.current.description)")
                }
                try add(Listener(descriptor: passed, path: nil, isOurs: false))
            } else {
                try listen(name, abstract: true)
            }
        }
        if let path { try listen(path, abstract: false) }
    }

    /// Closes everything.
    func close() {
        for listener in listeners {
            listener.watch?.close()
            if let path = listener.path { _ = path.withCString { unlink($0) } }
            if listener.isOurs { _ = CLinux.close(listener.descriptor) }
        }
        listeners = []
        for client in connections.indices where connections[client] != nil { close(client) }
    }

    // MARK: ClientSockets

    func send(_ frame: Span<UInt8>, to client: Int) -> ClientDelivery {
        guard let connection = connections[client] else { return .failed }
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        while true {
            let sent = frame.withUnsafeBytes { CLinux.send(connection.descriptor, $0.baseAddress, $0.count, flags) }
            if sent >= 0 { return .sent }
            switch cl_errno() {
            case EINTR: continue
            case EAGAIN, ENOBUFS: return .full
            case EMSGSIZE:
                host.log(
                    .warning, "dropped a message for client \(client): \(frame.count) B exceed its socket's buffer")
                return .sent
            default: return .failed
            }
        }
    }

    func watchWritable(_ client: Int, _ on: Bool) {
        guard connections[client] != nil else { return }
        connections[client]!.wantsWrite = on
        updateWatch(client)
    }

    func close(_ client: Int) {
        guard let connection = connections[client] else { return }
        connections[client] = nil
        connection.watch.close()
        _ = CLinux.close(connection.descriptor)
    }

    func setReading(_ on: Bool) {
        isReading = on
        for client in connections.indices where connections[client] != nil { updateWatch(client) }
    }

    // MARK: Listening

    private func listen(_ name: String, abstract: Bool) throws(HandlerError) {
        let shown = abstract ? "@\(name)" : name
        let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw HandlerError("socket \(shown): \(Errno.current.description)") }
        if !abstract { removeStale(name) }
        if case .failure(let errno) = UnixSocket.bind(descriptor, name, abstract: abstract) {
            _ = CLinux.close(descriptor)
            throw HandlerError("socket \(shown): \(errno.description)")
        }
        if !abstract { _ = name.withCString { chmod($0, 0o660) } }
        guard CLinux.listen(descriptor, 64) == 0 else {
            let errno = Errno.current
            _ = CLinux.close(descriptor)
            throw HandlerError("socket \(shown): \(errno.description)")
        }
        try add(Listener(descriptor: descriptor, path: abstract ? nil : name, isOurs: true))
    }

    private func add(_ listener: Listener) throws(HandlerError) {
        var listener = listener
        let descriptor = listener.descriptor
        listener.watch = host.watch(descriptor, .read, for: handler) { handler, _, _ in
            handler.sockets?.accept(descriptor)
        }
        guard listener.watch != nil else {
            if listener.isOurs { _ = CLinux.close(descriptor) }
            throw HandlerError("a socket for clients cannot be watched")
        }
        listeners.append(listener)
    }

    /// A socket file that nobody listens on is left over from a crash.
    private func removeStale(_ path: String) {
        let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let probe = socket(AF_UNIX, kind, 0)
        guard probe >= 0 else { return }
        if case .failure(let errno) = UnixSocket.connect(probe, path, abstract: false), errno.rawValue == ECONNREFUSED {
            _ = path.withCString { unlink($0) }
        }
        _ = CLinux.close(probe)
    }

    private func accept(_ listener: Int32) {
        for _ in 0..<Self.budget {
            let descriptor = cl_accept(listener)
            guard descriptor >= 0 else { return }
            connect(descriptor)
        }
    }

    private func connect(_ descriptor: Int32) {
        guard let client = handler.endpoint?.clientConnected() else {
            _ = CLinux.close(descriptor)
            return
        }
        // The kernel grants what its limit allows: enough for one long message, or one cannot be sent at all.
        var size = Self.socketBuffer
        _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        let watch = host.watch(descriptor, isReading ? .read : [], for: handler) { handler, events, now in
            handler.sockets?.ready(client, events, now)
        }
        guard let watch else {
            handler.endpoint?.clientGone(client)
            _ = CLinux.close(descriptor)
            return
        }
        while connections.count <= client { connections.append(nil) }
        connections[client] = Connection(descriptor: descriptor, watch: watch)
    }

    // MARK: Connections

    private func ready(_ client: Int, _ events: WatchEvents, _ now: UInt64) {
        if events.contains(.write) { handler.endpoint?.clientWritable(client) }
        if events.contains(.read) || events.contains(.hangup) { read(client, events, now) }
        handler.pump(now: now)
    }

    /// One packet: while there are more, the loop comes back, after everybody else's turn. Looking for a second one would
    /// be in vain each time for the usual client, which answers one request.
    private func read(_ client: Int, _ events: WatchEvents, _ now: UInt64) {
        // The endpoint may have stopped all reading meanwhile.
        guard let connection = connections[client], isReading || events.contains(.hangup) else { return }
        let count = recv(
            connection.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC))
        if count < 0 {
            // What is there is reported anew.
            return cl_errno() == EINTR || cl_errno() == EAGAIN ? () : gone(client)
        }
        // A packet of length 0 and the end look alike: the protocol has no use for the former.
        guard count > 0 else { return gone(client) }
        guard count <= buffer.count else {
            return host.log(.warning, "dropped a message of client \(client): \(count) B exceed \(buffer.count)")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        handler.endpoint?.clientSent(client, Span(_bytes: bytes.bytes), now: now)
    }

    private func gone(_ client: Int) {
        handler.endpoint?.clientGone(client)
        close(client)
    }

    private func updateWatch(_ client: Int) {
        guard let connection = connections[client] else { return }
        var events: WatchEvents = isReading ? .read : []
        if connection.wantsWrite { events.insert(.write) }
        connection.watch.set(events)
    }
}
