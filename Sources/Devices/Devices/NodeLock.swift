// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// kcsmuxd's own claim on a device node: a name in Linux's abstract socket namespace. The kernel takes it back when the
/// process ends, however it ends, and it needs neither a folder nor a second open of the node.
final class NodeLock {
    private let socket: FileDescriptor

    /// Claims the node; nil when another kcsmuxd has it.
    static func claim(_ status: FileStatus) throws(SystemError) -> NodeLock? {
        let raw = CLinux.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError(.current, "socket") }
        let lock = NodeLock(FileDescriptor(owning: raw))
        let name = "kcsmux-device-\(status.deviceKey)"
        switch UnixSocket.bind(raw, name, abstract: true) {
        case .success: return lock
        case .failure(.addressInUse): return nil
        case .failure(let errno): throw SystemError(errno, "bind", name)
        }
    }

    private init(_ socket: consuming FileDescriptor) { self.socket = socket }
}
