// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// Who is connected, what each listens to, and what waits for those that do not read.
///
/// A user has a share of the places and of the memory, so that none can use them up; root always finds a place.
struct ClientTable {
    private struct Client {
        var isConnected = false
        /// It does not take messages any more: what it sent before is still read.
        var isDeaf = false
        /// Its socket carries tags.
        var isTagged = false
        /// Of the program.
        var user: UInt32 = 0
        /// nil until the first packet named it.
        var type: MessageType?
        var waiting: [[UInt8]] = []
        var waitingBytes = 0
    }

    /// Connections at a time.
    static let limit = 256
    /// Of these, places that only root gets.
    static let reserved = 16
    /// Connections of one user; root has no limit of its own.
    static let userLimit = 64
    /// Bytes that may wait for one client.
    static let waitingLimit = 512 << 10
    /// Bytes that may wait for all clients of one user.
    static let userWaitingLimit = 4 << 20
    /// What a message that waits costs beside its bytes: about an array's header and the allocator's.
    static let overhead = 64

    private var clients: [Client] = []
    private(set) var counters = ClientCounters()

    /// A number for a new client; nil if it cannot have one, which `refusal` then explains.
    mutating func connect(user: UInt32) -> Int? {
        counters.connected += 1
        guard refusal(user) == nil else {
            counters.refused += 1
            return nil
        }
        let client = Client(isConnected: true, user: user)
        if let free = clients.firstIndex(where: { !$0.isConnected }) {
            clients[free] = client
            return free
        }
        clients.append(client)
        return clients.count - 1
    }

    /// Why one more client of that user cannot be.
    func refusal(_ user: UInt32) -> String? {
        let all = clients.reduce(0) { $0 + ($1.isConnected ? 1 : 0) }
        if user == 0 { return all < Self.limit ? nil : "\(Self.limit) are connected" }
        let own = clients.reduce(0) { $0 + ($1.isConnected && $1.user == user ? 1 : 0) }
        if own >= Self.userLimit { return "\(Self.userLimit) of this user are connected" }
        let most = Self.limit - Self.reserved
        return all < most ? nil : "\(most) are connected, and the others are root's"
    }

    mutating func disconnect(_ client: Int) {
        if isConnected(client) { clients[client] = Client() }
    }

    func isConnected(_ client: Int) -> Bool {
        clients.indices.contains(client) && clients[client].isConnected
    }

    var count: Int { clients.reduce(0) { $0 + ($1.isConnected ? 1 : 0) } }

    func type(of client: Int) -> MessageType? { clients[client].type }

    func isTagged(_ client: Int) -> Bool { clients[client].isTagged }

    mutating func register(_ client: Int, _ type: MessageType, isTagged: Bool) {
        clients[client].type = type
        clients[client].isTagged = isTagged
    }

    mutating func refuse() { counters.refused += 1 }
    mutating func countMalformed() { counters.malformed += 1 }
    mutating func countLateAnswer() { counters.lateAnswers += 1 }
    mutating func countRefusedRequest() { counters.refusedRequests += 1 }

    /// The types that somebody listens to.
    var types: MessageTypeSet {
        var types = MessageTypeSet()
        for client in clients where client.isConnected && !client.isDeaf {
            if let type = client.type, !type.hasIntegrityCheck { types.insert(type) }
        }
        return types
    }

    /// Gives a frame, [EID][message], to every client that listens to its type exactly; answers how many there are.
    /// Clients that can take no more are sent away, and named in `dropped`.
    mutating func deliver(
        _ frame: UnsafeRawBufferPointer, _ tag: MessageTag, _ sockets: ClientSockets, dropped: inout [(Int, String)]
    ) -> Int {
        var listeners = 0
        let type = MessageType(frame[1])
        for client in clients.indices where listens(client, to: type) {
            listeners += 1
            deliver(frame, tag, to: client, sockets, dropped: &dropped)
        }
        return listeners
    }

    /// Gives a frame to the first client that listens to its type, `sender` left out.
    mutating func deliver(
        _ frame: UnsafeRawBufferPointer, _ tag: MessageTag, toOneBut sender: Int, _ sockets: ClientSockets,
        dropped: inout [(Int, String)]
    ) {
        let type = MessageType(frame[1])
        guard let listener = clients.indices.first(where: { $0 != sender && listens($0, to: type) }) else { return }
        deliver(frame, tag, to: listener, sockets, dropped: &dropped)
    }

    private mutating func deliver(
        _ frame: UnsafeRawBufferPointer, _ tag: MessageTag, to client: Int, _ sockets: ClientSockets,
        dropped: inout [(Int, String)]
    ) {
        guard clients[client].isTagged else { return deliver(frame, to: client, sockets, dropped: &dropped) }
        ClientFrame.tagged(frame, tag).withUnsafeBytes { deliver($0, to: client, sockets, dropped: &dropped) }
    }

    /// The client's socket can be written: sends what waits.
    mutating func writable(_ client: Int, _ sockets: ClientSockets) {
        guard isConnected(client) else { return }
        var sent = 0
        while sent < clients[client].waiting.count {
            let outcome = clients[client].waiting[sent].withUnsafeBytes { sockets.send($0, to: client) }
            if case .full = outcome { break }
            if case .failed = outcome { return deafen(client, sockets) }
            clients[client].waitingBytes -= Self.cost(clients[client].waiting[sent].count)
            sent += 1
        }
        clients[client].waiting.removeFirst(sent)
        sockets.watchWritable(client, !clients[client].waiting.isEmpty)
    }

    private static func cost(_ count: Int) -> Int { count + overhead }

    private func listens(_ client: Int, to type: MessageType) -> Bool {
        clients[client].isConnected && !clients[client].isDeaf && clients[client].type == type
    }

    private mutating func deliver(
        _ frame: UnsafeRawBufferPointer, to client: Int, _ sockets: ClientSockets, dropped: inout [(Int, String)]
    ) {
        if clients[client].waiting.isEmpty {
            switch sockets.send(frame, to: client) {
            case .sent: return
            case .failed: return deafen(client, sockets)
            case .full: sockets.watchWritable(client, true)
            }
        }
        let cost = Self.cost(frame.count)
        guard hasRoom(client, cost) else {
            counters.slow += 1
            dropped.append((client, "it does not read: \(clients[client].waiting.count) messages wait for it"))
            disconnect(client)
            return sockets.close(client)
        }
        clients[client].waiting.append(Array(frame))
        clients[client].waitingBytes += cost
    }

    private func hasRoom(_ client: Int, _ cost: Int) -> Bool {
        guard clients[client].waitingBytes + cost <= Self.waitingLimit else { return false }
        let user = clients[client].user
        if user == 0 { return true }
        let all = clients.reduce(0) { $0 + ($1.user == user ? $1.waitingBytes : 0) }
        return all + cost <= Self.userWaitingLimit
    }

    /// The client is gone, or reads no more. Its socket tells when the last of what it sent has been read.
    private mutating func deafen(_ client: Int, _ sockets: ClientSockets) {
        clients[client].isDeaf = true
        clients[client].waiting = []
        clients[client].waitingBytes = 0
        sockets.watchWritable(client, false)
    }
}
