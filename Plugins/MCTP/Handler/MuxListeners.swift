// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import MCTPMux
import PluginKit

/// Where programs connect: the sockets that listen, and when they rest.
final class MuxListeners {
    private struct Listener {
        let descriptor: Int32
        let path: String?
        let isOurs: Bool
        var watch: HandlerWatch?
    }

    /// New connections in one turn of kcsmuxd's loop.
    private static let budget = 32
    /// How long no connection is taken when the system has no room for one.
    private static let rest = Duration.seconds(1)

    private let handler: Handler
    private let host: Host
    // Keeps its owner alive, as watches keep this object, until `close`.
    private var accepted: ((Int32) -> Void)?
    private var listeners: [Listener] = []
    private var timer: HandlerTimer?

    init(_ handler: Handler) {
        self.handler = handler
        host = handler.host
    }

    /// Opens what is configured: a socket passed by the service manager under `name`, or else one of that abstract name;
    /// and one at `path`, which everybody may open if `isOpen`. `accepted` gets each new connection's descriptor.
    func open(
        name: String, path: String?, isOpen: Bool, accepted: @escaping (Int32) -> Void
    ) throws(HandlerError) {
        self.accepted = accepted
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
                try listen(name, abstract: true, mode: 0)
            }
        }
        if let path { try listen(path, abstract: false, mode: isOpen ? 0o666 : 0o660) }
    }

    /// Closes everything.
    func close() {
        timer = nil
        accepted = nil
        for listener in listeners {
            listener.watch?.close()
            if let path = listener.path { try? Syscalls.unlink(path) }
            if listener.isOurs { Syscalls.close(listener.descriptor) }
        }
        listeners = []
    }

    private func listen(_ name: String, abstract: Bool, mode: UInt32) throws(HandlerError) {
        let shown = abstract ? "@\(name)" : name
        let descriptor: Int32
        do throws(SystemError) {
            let socket = try UnixSocket.make(.packets)
            if !abstract { removeStale(name) }
            try UnixSocket.bind(socket.raw, name, abstract: abstract).get("bind")
            if !abstract { try? Syscalls.setMode(name, mode) }
            try UnixSocket.listen(socket.raw).get("listen")
            descriptor = socket.release()
        } catch {
            let owner = error.errno == .addressInUse ? Self.owner(name, abstract: abstract) : ""
            throw HandlerError("socket \(shown): \(error.errno.description)\(owner)")
        }
        try add(Listener(descriptor: descriptor, path: abstract ? nil : name, isOurs: true))
    }

    private func add(_ listener: Listener) throws(HandlerError) {
        var listener = listener
        let descriptor = listener.descriptor
        listener.watch = host.watch(descriptor, .read, for: handler) { _, _, _ in self.accept(descriptor) }
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

    /// Who has a name that is in use.
    private static func owner(_ name: String, abstract: Bool) -> String {
        guard let probe = try? UnixSocket.make(.packets),
            case .success = UnixSocket.connect(probe.raw, name, abstract: abstract),
            let owner = LocalPeer(of: probe.raw)
        else { return "" }
        return ": process \(owner.process) of user \(owner.user) has it"
    }

    private func accept(_ listener: Int32) {
        for _ in 0..<Self.budget {
            switch UnixSocket.accept(listener) {
            case .success(let descriptor): accepted?(descriptor)
            case .failure(.wouldBlock): return
            case .failure(.connectionAborted): continue
            // A connection that cannot be taken stays, and would be told of again at once.
            case .failure(let errno): return pause(errno)
            }
        }
    }

    private func pause(_ errno: Errno) {
        host.log(.warning, "takes no new clients for a second: \(errno.description)")
        for listener in listeners { listener.watch?.set([]) }
        if timer == nil { timer = host.timer(for: handler) { _, _ in self.resume() } }
        timer?.set(host.now + Self.rest)
    }

    private func resume() {
        for listener in listeners { listener.watch?.set(.read) }
    }
}
