// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO

/// Tells the service manager how it goes: the protocol of sd_notify(3), a datagram to $NOTIFY_SOCKET. Does nothing where
/// there is none.
final class Notifier: LoopTimer {
    /// Negative: there is nobody to tell.
    private let socket: Int32
    private let loop: EventLoop
    private var period: UInt64 = 0

    /// Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID.
    init(_ loop: EventLoop) {
        self.loop = loop
        socket = CurrentProcess.environment("NOTIFY_SOCKET").map { Self.connect($0) } ?? -1
        super.init()
    }

    deinit { if socket >= 0 { close(socket) } }

    private static func connect(_ name: String) -> Int32 {
        let raw = CLinux.socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard raw >= 0 else { return -1 }
        let descriptor = FileDescriptor(owning: raw)
        // A leading @ stands for the abstract namespace.
        let isAbstract = name.utf8.first == UInt8(ascii: "@")
        let path = isAbstract ? String(decoding: name.utf8.dropFirst(), as: UTF8.self) : name
        guard case .success = UnixSocket.connect(raw, path, abstract: isAbstract) else { return -1 }
        return descriptor.release()
    }

    /// Everything that can be started was tried; begins to feed the watchdog, if one is asked for.
    func ready(_ status: String) {
        send("READY=1\nSTATUS=\(status)")
        startWatchdog()
    }

    /// A reload begins.
    func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(Clock.monotonic / 1000)") }

    /// The daemon goes down.
    func stopping() { send("STOPPING=1") }

    /// One line on how it goes.
    func status(_ text: String) { send("STATUS=\(text)") }

    private func startWatchdog() {
        guard socket >= 0, period == 0, let text = CurrentProcess.environment("WATCHDOG_USEC"),
            let limit = UInt64(text),
            limit > 0
        else { return }
        if let process = CurrentProcess.environment("WATCHDOG_PID"), Int32(process) != CurrentProcess.identifier {
            return
        }
        period = limit &* 1000 / 2
        fire(now: Clock.monotonic)
    }

    override func fire(now: UInt64) {
        send("WATCHDOG=1")
        loop.set(self, deadline: now + period)
    }

    private func send(_ message: String) {
        guard socket >= 0 else { return }
        let bytes = Array(message.utf8)
        _ = bytes.withUnsafeBytes { CLinux.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
