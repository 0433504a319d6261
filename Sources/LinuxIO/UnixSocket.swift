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
