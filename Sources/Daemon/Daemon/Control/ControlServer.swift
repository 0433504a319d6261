// SPDX-License-Identifier: Apache-2.0
import Common
import Events
import JSON
import LinuxIO

/// Accepts clients of a control socket, and keeps their number and what they cost bounded.
final class ControlServer: EventSource {
    /// Where it listens.
    let address: ControlAddress
    private let loop: EventLoop
    private let log: Log
    private let serveRequest: (JSONValue, ControlClient) -> ControlReply
    private var clients: [ControlClient] = []
    /// Those whose refusal was logged.
    private var refusedUsers: [UInt32] = []
    private lazy var sweeper = Sweeper(self)
    private var isListening = true

    /// Connections at a time. One more takes the place of the one that has been idle for longest.
    static let clientLimit = 64
    /// Connections accepted in a turn: many at once do not keep the channels waiting.
    private static let acceptsPerTurn = 8
    private static let sweepPeriod: UInt64 = 1_000_000_000
    private static let rememberedUsers = 64

    /// A server of a listening socket; `serve` does what a request says.
    init(
        _ address: ControlAddress, _ loop: EventLoop, _ log: Log,
        serve: @escaping (JSONValue, ControlClient) -> ControlReply
    ) throws(SystemError) {
        self.address = address
        self.loop = loop
        self.log = log
        serveRequest = serve
        super.init()
        try loop.add(self, descriptor: address.descriptor, interest: .input)
    }

    /// A server that listens; its failure in words.
    static func listening(
        _ address: ControlAddress, _ loop: EventLoop, _ log: Log,
        serve: @escaping (JSONValue, ControlClient) -> ControlReply
    ) throws(ControlFailure) -> ControlServer {
        do throws(SystemError) { return try ControlServer(address, loop, log, serve: serve) } catch {
            throw ControlFailure(text: error.description)
        }
    }

    /// Ends all connections and removes the socket. The answers that are ready are sent as far as the sockets take them.
    func end() {
        loop.cancel(sweeper)
        loop.remove(self)
        for client in clients { client.close() }
        address.end()
    }

    // MARK: Clients

    override func ready(_ events: Readiness, now: UInt64) {
        for _ in 0..<Self.acceptsPerTurn {
            switch UnixSocket.accept(address.descriptor) {
            case .success(let accepted): admit(FileDescriptor(owning: accepted), now)
            case .failure(.wouldBlock): return
            case .failure(.connectionAborted): continue
            case .failure(let errno): return pause(errno, now)
            }
        }
    }

    /// No descriptors left: the next client waits until the sweeper has looked, or else its readiness would be told for
    /// ever.
    private func pause(_ errno: Errno, _ now: UInt64) {
        log.write(.warning, nil, "a client of the control socket cannot be accepted: \(errno.description)")
        isListening = false
        loop.update(self, interest: [])
        loop.set(sweeper, deadline: now + Self.sweepPeriod)
    }

    private func admit(_ socket: consuming FileDescriptor, _ now: UInt64) {
        guard let peer = LocalPeer(of: socket.raw) else { return }
        let client = ControlClient(owning: socket.release(), user: peer.user, self, loop, now: now)
        guard address.admits(peer) else {
            report(peer)
            return client.refuse(
                ControlError("not-permitted", "user \(peer.user) may not use this socket: its mode does not allow it"))
        }
        if clients.count >= Self.clientLimit && !makeRoom() {
            return client.refuse(ControlError("busy", "\(clients.count) clients are being served"))
        }
        do throws(SystemError) { try client.begin() } catch { return client.close() }
        if clients.isEmpty { loop.set(sweeper, deadline: now + Self.sweepPeriod) }
        clients.append(client)
    }

    private func report(_ peer: LocalPeer) {
        guard !refusedUsers.contains(peer.user), refusedUsers.count < Self.rememberedUsers else { return }
        refusedUsers.append(peer.user)
        log.write(
            .warning, nil,
            "control socket: user \(peer.user) (process \(peer.process)) is refused, as the socket's mode says;"
                + " further attempts of this user are not logged")
    }

    private func makeRoom() -> Bool {
        var longest: ControlClient?
        for client in clients where client.isIdle {
            if let found = longest, found.lastProgress <= client.lastProgress { continue }
            longest = client
        }
        longest?.close()
        return longest != nil
    }

    /// A request of a client.
    func serve(_ request: JSONValue, for client: ControlClient) -> ControlReply { serveRequest(request, client) }

    /// A client's connection has ended.
    func left(_ client: ControlClient) { clients.removeAll { $0 === client } }

    fileprivate func sweep(_ now: UInt64) {
        for client in clients where client.isOverdue(now) { client.close() }
        if !isListening {
            isListening = true
            loop.update(self, interest: .input)
        }
        if !clients.isEmpty { loop.set(sweeper, deadline: now + Self.sweepPeriod) }
    }
}

/// Looks for clients that keep the daemon waiting.
private final class Sweeper: LoopTimer {
    private let server: Unmanaged<ControlServer>

    init(_ server: ControlServer) {
        self.server = .passUnretained(server)
        super.init()
    }

    override func fire(now: UInt64) { server._withUnsafeGuaranteedRef { $0.sweep(now) } }
}
