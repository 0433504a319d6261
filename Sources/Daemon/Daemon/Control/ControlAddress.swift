// SPDX-License-Identifier: Apache-2.0
import CLinux
import DaemonConfiguration
import LinuxIO

/// Why there is no control socket, in words.
struct ControlFailure: Error, Equatable {
    let text: String
    /// Is it about a socket that a service manager passed?
    var isPassed = false
}

/// A listening control socket, and who may use it. Removes its file when it goes.
final class ControlAddress {
    /// Not blocking.
    private(set) var descriptor: Int32
    /// Where it is; nil for a passed one without a path.
    let path: String?
    private let owner: UInt32
    private var group: UInt32
    private var mode: UInt32
    /// The file that was made; nil for a passed socket, whose file is its maker's.
    private let made: FileIdentity?

    private init(
        _ descriptor: consuming FileDescriptor, path: String?, owner: UInt32, group: UInt32, mode: UInt32,
        made: FileIdentity?
    ) {
        self.descriptor = descriptor.release()
        self.path = path
        self.owner = owner
        self.group = group
        self.mode = mode
        self.made = made
    }

    deinit { end() }

    /// Closes it and removes its file, if that is still the one that was made.
    func end() {
        guard descriptor >= 0 else { return }
        if let path, let made, let found = try? Syscalls.stat(path), found.identity == made {
            try? Syscalls.unlink(path)
        }
        Syscalls.close(descriptor)
        descriptor = -1
    }

    /// May this peer command the daemon? What connect(2) checked is checked again: a file's mode can have been changed.
    func admits(_ peer: LocalPeer) -> Bool { peer.mayWrite(owner: owner, group: group, mode: mode) }

    /// A socket that a service manager opened. Its file's owner, group and mode are what that made them.
    static func passed(_ descriptor: Int32) throws(ControlFailure) -> ControlAddress {
        func failure(_ reason: String) -> ControlFailure {
            ControlFailure(text: "$LISTEN_FDS: descriptor \(descriptor), the control socket, \(reason)", isPassed: true)
        }
        switch UnixSocket.isListening(descriptor) {
        case .success(true): break
        case .success(false): throw failure("does not listen")
        case .failure(.notSocket): throw failure("is not a socket")
        case .failure(let errno): throw failure("cannot be used: \(errno.description)")
        }
        let owned: FileDescriptor
        do throws(SystemError) { owned = try Descriptors.duplicate(descriptor) } catch {
            throw failure("cannot be used: \(error.description)")
        }
        if let errno = Descriptors.setNonBlocking(owned.raw).errno {
            throw failure("cannot be used: \(errno.description)")
        }
        let path = UnixSocket.path(of: owned.raw)
        let file = path.flatMap { try? Syscalls.stat($0) }
        return ControlAddress(
            owned, path: path, owner: file?.user ?? CurrentProcess.user, group: file?.group ?? CurrentProcess.group,
            mode: file.map { $0.mode & 0o777 } ?? 0o600, made: nil)
    }

    /// A socket at the configured path. The file of a daemon that died is replaced; one that somebody listens on is not.
    static func make(_ control: ControlConfiguration) throws(ControlFailure) -> ControlAddress {
        let group = try self.group(control)
        do { return try make(control, group) } catch {
            if error.errno == .addressInUse { throw ControlFailure(text: error.operation) }
            throw ControlFailure(text: "control socket \(control.socket): \(error.description)")
        }
    }

    /// Gives the socket another group and mode, where it stays.
    func change(_ control: ControlConfiguration) throws(ControlFailure) {
        let group = try Self.group(control)
        do throws(SystemError) { try Self.give(control.socket, group, control.mode) } catch {
            throw ControlFailure(text: "control socket \(control.socket): \(error.description)")
        }
        self.group = group
        mode = control.mode
    }

    private static func group(_ control: ControlConfiguration) throws(ControlFailure) -> UInt32 {
        guard let name = control.group else { return CurrentProcess.group }
        guard let found = Accounts.group(named: name) else {
            throw ControlFailure(text: "control socket \(control.socket): there is no group \(name)")
        }
        return found
    }

    private static func give(_ path: String, _ group: UInt32, _ mode: UInt32) throws(SystemError) {
        try Syscalls.setGroup(path, group)
        try Syscalls.setMode(path, mode)
    }

    private static func make(_ control: ControlConfiguration, _ group: UInt32) throws(SystemError) -> ControlAddress {
        let path = control.socket
        let folder = Path.parent(of: path)
        try Syscalls.makeFolders(folder)
        let socket = try UnixSocket.stream(blocking: false)
        // The file that bind makes takes the socket's mode: it is never open to more than it is to be.
        try Syscalls.setMode(socket.raw, 0o600)
        try bind(socket.raw, path, folder)
        do throws(SystemError) {
            try give(path, group, control.mode)
            try UnixSocket.listen(socket.raw).get("listen")
            let identity = try Syscalls.stat(path).identity
            return ControlAddress(
                socket, path: path, owner: CurrentProcess.user, group: group, mode: control.mode, made: identity)
        } catch {
            try? Syscalls.unlink(path)
            throw error
        }
    }

    private static func bind(_ socket: Int32, _ path: String, _ folder: String) throws(SystemError) {
        // Two daemons that find the same dead socket must not both replace it.
        let lock = try Syscalls.open(folder, O_RDONLY | O_DIRECTORY)
        guard FileLock.take(lock.raw).errno == nil else {
            throw SystemError(.addressInUse, "control socket \(path): another process is making a socket in \(folder)")
        }
        if let errno = UnixSocket.bind(socket, path, abstract: false).errno {
            guard errno == .addressInUse else { throw SystemError(errno, "bind") }
            try removeDead(path)
            try UnixSocket.bind(socket, path, abstract: false).get("control socket \(path): another process made it")
        }
    }

    private static func removeDead(_ path: String) throws(SystemError) {
        guard try Syscalls.stat(path).mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) else {
            throw SystemError(.addressInUse, "control socket \(path): there is a file of another kind")
        }
        let probe = try UnixSocket.stream(blocking: false)
        switch UnixSocket.connect(probe.raw, path, abstract: false) {
        case .failure(.connectionRefused): try Syscalls.unlink(path)
        case .failure(.noSuchFile): break
        default:
            let owner = LocalPeer(of: probe.raw).map { $0.process > 0 ? " (process \($0.process))" : "" } ?? ""
            throw SystemError(.addressInUse, "control socket \(path): another daemon listens there\(owner)")
        }
    }
}
