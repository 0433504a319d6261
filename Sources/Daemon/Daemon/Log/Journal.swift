// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// The journal's own socket, which takes a line's fields apart (systemd.io/JOURNAL_NATIVE_PROTOCOL). It never blocks.
final class Journal {
    private let socket: FileDescriptor
    private let path: String
    private var entry: [UInt8] = []
    /// Where journald listens.
    static let usualPath = "/run/systemd/journal/socket"

    /// Nil where nobody listens.
    init?(_ path: String) {
        self.path = path
        do throws(SystemError) { socket = try UnixSocket.make(.datagram) } catch { return nil }
        guard connect() else { return nil }
    }

    private func connect() -> Bool { UnixSocket.connect(socket.raw, path, abstract: false).errno == nil }

    /// Adds a field of the entry; its value is one line.
    func add(_ name: String, _ value: String) {
        entry.append(contentsOf: name.utf8)
        entry.append(UInt8(ascii: "="))
        for byte in value.utf8 { entry.append(Log.printable(byte)) }
        entry.append(0x0A)
    }

    /// Sends the entry; false when it was not taken.
    func send() -> Bool {
        defer { entry.removeAll(keepingCapacity: true) }
        if isSent() { return true }
        // A journald that was started again may have another socket.
        return connect() && isSent()
    }

    private func isSent() -> Bool {
        let result = entry.withUnsafeBytes { UnixSocket.send(socket.raw, $0, waiting: false) }
        if case .success = result { return true }
        return false
    }
}
