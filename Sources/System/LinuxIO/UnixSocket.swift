// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Names of local sockets.
public enum UnixSocket {
    /// Gives a socket a name: a path, or a name in Linux's abstract namespace. `ENAMETOOLONG` when it does not fit.
    public static func bind(_ socket: Int32, _ name: String, abstract: Bool) -> Result<Void, Errno> {
        outcome(retryingInterrupts { name.withCString { cl_unix_bind(socket, $0, name.utf8.count, abstract ? 1 : 0) } })
    }

    /// Connects to the socket of that name.
    public static func connect(_ socket: Int32, _ name: String, abstract: Bool) -> Result<Void, Errno> {
        outcome(
            retryingInterrupts { name.withCString { cl_unix_connect(socket, $0, name.utf8.count, abstract ? 1 : 0) } })
    }

    private static func outcome(_ result: Result<Int32, Errno>) -> Result<Void, Errno> {
        switch result {
        case .success: return .success(())
        case .failure(let errno): return .failure(errno)
        }
    }
}

extension UnixSocket {
    /// A stream socket, close-on-exec; `blocking` or not.
    public static func stream(blocking: Bool) throws(SystemError) -> FileDescriptor {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (blocking ? 0 : Int32(SOCK_NONBLOCK.rawValue))
        let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
        guard raw >= 0 else { throw SystemError(.current, "socket") }
        return FileDescriptor(owning: raw)
    }

    /// The path that a socket is bound to; nil for one without.
    public static func path(of socket: Int32) -> String? {
        var name = [CChar](repeating: 0, count: 128)
        let count = cl_unix_name(socket, &name, name.count)
        guard count > 0 else { return nil }
        return name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}
