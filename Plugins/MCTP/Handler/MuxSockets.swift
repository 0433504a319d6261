// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: one buffer for what clients send, whose length is told with it.
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
                let outcome = UnixSocket.isListening(passed)
                guard case .success(true) = outcome else {
                    let reason = if case .failure(let errno) = outcome { errno.description } else { "does not listen" }
                    throw HandlerError("socket \(name) of the service manager: \(reason)")
                }
                if let errno = Descriptors.setNonBlocking(passed).errno {
                    throw HandlerError("socket \(name) of the service manager: \(errno.description)")
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
            if let path = listener.path { try? Syscalls.unlink(path) }
            if listener.isOurs { Syscalls.close(listener.descriptor) }
        }
        listeners = []
        for client in connections.indices where connections[client] != nil { close(client) }
    }

    // MARK: ClientSockets

    func send(_ frame: UnsafeRawBufferPointer, to client: Int) -> ClientDelivery {
        guard let connection = connections[client] else { return .failed }
        switch UnixSocket.send(connection.descriptor, frame, waiting: false) {
        case .success: return .sent
        case .failure(.wouldBlock), .failure(.noBuffers): return .full
        case .failure(.messageTooLong):
            host.log(.warning, "dropped a message for client \(client): \(frame.count) B exceed its socket's buffer")
            return .sent
        case .failure: return .failed
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
        Syscalls.close(connection.descriptor)
    }

    func setReading(_ on: Bool) {
        isReading = on
        for client in connections.indices where connections[client] != nil { updateWatch(client) }
    }

    // MARK: Listening

    private func listen(_ name: String, abstract: Bool) throws(HandlerError) {
        let shown = abstract ? "@\(name)" : name
        let descriptor: Int32
        do throws(SystemError) {
            let socket = try UnixSocket.make(.packets)
            if !abstract { removeStale(name) }
            try UnixSocket.bind(socket.raw, name, abstract: abstract).get("bind")
            if !abstract { try? Syscalls.setMode(name, 0o660) }
            try UnixSocket.listen(socket.raw).get("listen")
            descriptor = socket.release()
        } catch { throw HandlerError("socket \(shown): \(error.errno.description)") }
        try add(Listener(descriptor: descriptor, path: abstract ? nil : name, isOurs: true))
    }

    private func add(_ listener: Listener) throws(HandlerError) {
        var listener = listener
        let descriptor = listener.descriptor
        listener.watch = host.watch(descriptor, .read, for: handler) { handler, _, _ in
            handler.sockets?.accept(descriptor)
        }
        guard listener.watch != nil else {
            if listener.isOurs { Syscalls.close(descriptor) }
            throw HandlerError("a socket for clients cannot be watched")
        }
        listeners.append(listener)
    }

    /// A socket file that nobody listens on is left over from a crash.
    private func removeStale(_ path: String) {
        guard let probe = try? UnixSocket.make(.packets) else { return }
        if case .failure(.connectionRefused) = UnixSocket.connect(probe.raw, path, abstract: false) {
            try? Syscalls.unlink(path)
        }
    }

    private func accept(_ listener: Int32) {
        for _ in 0..<Self.budget {
            guard case .success(let descriptor) = UnixSocket.accept(listener) else { return }
            connect(descriptor)
        }
    }

    private func connect(_ descriptor: Int32) {
        guard let client = handler.endpoint?.clientConnected() else {
            Syscalls.close(descriptor)
            return
        }
        // The kernel grants what its limit allows: enough for one long message, or one cannot be sent at all.
        UnixSocket.setSendBuffer(descriptor, Self.socketBuffer)
        let watch = host.watch(descriptor, isReading ? .read : [], for: handler) { handler, events, now in
            handler.sockets?.ready(client, events, now)
        }
        guard let watch else {
            handler.endpoint?.clientGone(client)
            Syscalls.close(descriptor)
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
        let count: Int
        switch UnixSocket.receive(connection.descriptor, into: buffer, waiting: false) {
        // What is there is reported anew.
        case .failure(.wouldBlock): return
        // A packet of length 0 and the end look alike: the protocol has no use for the former.
        case .failure, .success(0): return gone(client)
        case .success(let length): count = length
        }
        guard count <= buffer.count else {
            return host.log(.warning, "dropped a message of client \(client): \(count) B exceed \(buffer.count)")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        handler.endpoint?.clientSent(client, bytes, now: now)
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
