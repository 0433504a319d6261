// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: one buffer for what clients send, whose length is told with it.
import LinuxIO
import MCTPMux
import PluginKit

/// The local sockets of an endpoint: the connections of programs. Nothing here waits.
final class MuxSockets: ClientSockets {
    private struct Connection {
        let descriptor: Int32
        let isRoot: Bool
        /// nil: its program is gone, and what it sent waits until packets are read again.
        var watch: HandlerWatch?
        var wantsWrite = false
    }

    private static let socketBuffer: Int32 = 1 << 20

    // Each keeps the other alive, until the handler lets go of this object when it stops.
    private let handler: MCTPHandler
    private let host: Host
    private let access: MuxAccess
    private let listeners: MuxListeners
    private var connections: [Connection?] = []
    private var reading = ClientReading.all
    /// The longest message, and the address in front of it.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Endpoint.longestMessage + 1, alignment: 8)

    init(_ handler: MCTPHandler, _ access: MuxAccess) {
        self.handler = handler
        self.access = access
        host = handler.host
        listeners = MuxListeners(handler)
    }

    deinit { buffer.deallocate() }

    /// Opens what is configured.
    func open(name: String, path: String?) throws(HandlerError) {
        try listeners.open(name: name, path: path, isOpen: access.isGiven) { self.connect($0) }
    }

    /// Closes everything.
    func close() {
        listeners.close()
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
        connection.watch?.close()
        Syscalls.close(connection.descriptor)
    }

    func setReading(_ reading: ClientReading) {
        self.reading = reading
        for client in connections.indices where connections[client] != nil { updateWatch(client) }
    }

    // MARK: Connections

    private func connect(_ descriptor: Int32) {
        guard let peer = LocalPeer(of: descriptor), let client = admit(peer) else { return Syscalls.close(descriptor) }
        // The kernel grants what its limit allows: enough for one long message, or one cannot be sent at all.
        UnixSocket.setSendBuffer(descriptor, Self.socketBuffer)
        while connections.count <= client { connections.append(nil) }
        connections[client] = Connection(descriptor: descriptor, isRoot: peer.user == 0)
        guard watch(client) else {
            handler.endpoint?.clientGone(client)
            return close(client)
        }
    }

    private func admit(_ peer: LocalPeer) -> Int? {
        if access.admits(peer) { return handler.endpoint?.clientConnected(user: peer.user) }
        handler.endpoint?.clientRefused(user: peer.user)
        return nil
    }

    /// False if it cannot be watched.
    private func watch(_ client: Int) -> Bool {
        guard let connection = connections[client] else { return false }
        let watch = host.watch(connection.descriptor, events(connection), for: handler) { handler, events, now in
            handler.sockets?.ready(client, events, now)
        }
        connections[client]!.watch = watch
        return watch != nil
    }

    private func ready(_ client: Int, _ events: WatchEvents, _ now: UInt64) {
        if events.contains(.write) { handler.endpoint?.clientWritable(client) }
        if events.contains(.read) || events.contains(.hangup) { read(client, now) }
        handler.pump(now: now)
    }

    /// One packet: while there are more, the loop comes back, after everybody else's turn. Looking for a second one would
    /// be in vain each time for the usual client, which answers one request.
    private func read(_ client: Int, _ now: UInt64) {
        guard let connection = connections[client] else { return }
        // The endpoint may have stopped all reading meanwhile. That a program is gone would be told again at once.
        guard reads(connection) else {
            connection.watch?.close()
            connections[client]!.watch = nil
            return
        }
        let count: Int
        switch UnixSocket.receive(connection.descriptor, into: buffer, waiting: false) {
        // What is there is reported anew. The reset is told once, before what was sent.
        case .failure(.wouldBlock), .failure(.connectionReset): return
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

    private func reads(_ connection: Connection) -> Bool {
        switch reading {
        case .all: true
        case .root: connection.isRoot
        case .none: false
        }
    }

    private func events(_ connection: Connection) -> WatchEvents {
        var events: WatchEvents = reads(connection) ? .read : []
        if connection.wantsWrite { events.insert(.write) }
        return events
    }

    private func updateWatch(_ client: Int) {
        guard let connection = connections[client] else { return }
        if let watch = connection.watch { return watch.set(events(connection)) }
        if reads(connection), !watch(client) { gone(client) }
    }
}
