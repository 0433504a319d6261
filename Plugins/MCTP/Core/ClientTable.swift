// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// What became of bytes that were to go to a client.
public enum ClientDelivery: Sendable {
    /// The socket has them.
    case sent
    /// The socket is full: tell when it can be written again.
    case full
    /// The client is gone.
    case failed
}

/// The local sockets' side of the world, as the endpoint needs it. No method calls back.
public protocol ClientSockets: AnyObject {
    /// Sends one packet on a client's socket, without waiting.
    func send(_ frame: UnsafeRawBufferPointer, to client: Int) -> ClientDelivery
    /// Whether `clientWritable` is to be called when the client's socket can be written.
    func watchWritable(_ client: Int, _ on: Bool)
    /// Closes a client's socket. Nothing is called with this number until a new client gets it.
    func close(_ client: Int)
    /// Whether packets of clients are to be read: not while there is no room to queue them.
    func setReading(_ on: Bool)
}

/// Figures of the local sockets.
public struct ClientCounters: Sendable {
    /// Clients that came.
    public internal(set) var connected: UInt64 = 0
    /// Clients that were sent away for what they sent, or because there were too many.
    public internal(set) var refused: UInt64 = 0
    /// Clients that were sent away because they did not read.
    public internal(set) var slow: UInt64 = 0
    /// Packets of clients that were too short or of a type that they may not send.
    public internal(set) var malformed: UInt64 = 0
}

/// Who is connected, what each listens to, and what waits for those that do not read.
struct ClientTable {
    private struct Client {
        var isConnected = false
        /// nil until the first packet named it.
        var type: MessageType?
        var waiting: [[UInt8]] = []
        var waitingBytes = 0
    }

    /// Connections at a time.
    static let limit = 256
    /// Bytes that may wait for one client.
    static let waitingLimit = 512 << 10

    private var clients: [Client] = []
    private(set) var counters = ClientCounters()

    /// A number for a new client; nil if there are too many.
    mutating func connect() -> Int? {
        counters.connected += 1
        if let free = clients.firstIndex(where: { !$0.isConnected }) {
            clients[free] = Client(isConnected: true)
            return free
        }
        guard clients.count < Self.limit else {
            counters.refused += 1
            return nil
        }
        clients.append(Client(isConnected: true))
        return clients.count - 1
    }

    mutating func disconnect(_ client: Int) {
        if isConnected(client) { clients[client] = Client() }
    }

    func isConnected(_ client: Int) -> Bool {
        clients.indices.contains(client) && clients[client].isConnected
    }

    var count: Int { clients.reduce(0) { $0 + ($1.isConnected ? 1 : 0) } }

    func type(of client: Int) -> MessageType? { clients[client].type }

    mutating func register(_ client: Int, _ type: MessageType) { clients[client].type = type }

    mutating func refuse() { counters.refused += 1 }
    mutating func countMalformed() { counters.malformed += 1 }

    /// The types that somebody listens to.
    var types: MessageTypeSet {
        var types = MessageTypeSet()
        for client in clients {
            if client.isConnected, let type = client.type, !type.hasIntegrityCheck { types.insert(type) }
        }
        return types
    }

    /// Gives a frame, [EID][message], to every client that listens to its type exactly; answers how many there are.
    /// Clients that can take no more are sent away, and named in `dropped`.
    mutating func deliver(
        _ frame: UnsafeRawBufferPointer, _ sockets: ClientSockets, dropped: inout [(Int, String)]
    ) -> Int {
        var listeners = 0
        let type = MessageType(frame[1])
        for client in clients.indices where clients[client].isConnected && clients[client].type == type {
            listeners += 1
            if let reason = deliver(frame, to: client, sockets) {
                dropped.append((client, reason))
                disconnect(client)
                sockets.close(client)
            }
        }
        return listeners
    }

    /// The client's socket can be written: sends what waits. A reason if the client had to go.
    mutating func writable(_ client: Int, _ sockets: ClientSockets) -> String? {
        guard isConnected(client) else { return nil }
        var sent = 0
        while sent < clients[client].waiting.count {
            let outcome = clients[client].waiting[sent].withUnsafeBytes { sockets.send($0, to: client) }
            if case .full = outcome { break }
            if case .failed = outcome {
                disconnect(client)
                sockets.close(client)
                return "it is gone"
            }
            clients[client].waitingBytes -= clients[client].waiting[sent].count
            sent += 1
        }
        clients[client].waiting.removeFirst(sent)
        sockets.watchWritable(client, !clients[client].waiting.isEmpty)
        return nil
    }

    private mutating func deliver(
        _ frame: UnsafeRawBufferPointer, to client: Int, _ sockets: ClientSockets
    ) -> String? {
        if clients[client].waiting.isEmpty {
            switch sockets.send(frame, to: client) {
            case .sent: return nil
            case .failed: return "it is gone"
            case .full: sockets.watchWritable(client, true)
            }
        }
        guard clients[client].waitingBytes + frame.count <= Self.waitingLimit else {
            counters.slow += 1
            return "it does not read: \(clients[client].waiting.count) messages wait for it"
        }
        clients[client].waiting.append(Array(frame))
        clients[client].waitingBytes += frame.count
        return nil
    }
}
