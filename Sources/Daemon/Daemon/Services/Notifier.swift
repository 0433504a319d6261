// SPDX-License-Identifier: Apache-2.0
import Events
import LinuxIO

/// Tells the service manager how it goes: the protocol of sd_notify(3), a datagram to $NOTIFY_SOCKET. Does nothing where
/// there is none.
final class Notifier: LoopTimer {
    /// Nil: there is nobody to tell.
    private let socket: Connection?
    private let loop: EventLoop
    private var period: UInt64 = 0

    /// Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID.
    init(_ loop: EventLoop) {
        self.loop = loop
        socket = CurrentProcess.environment("NOTIFY_SOCKET").flatMap { Connection($0) }
        super.init()
    }

    private final class Connection {
        let descriptor: FileDescriptor

        init?(_ name: String) {
            guard let made = try? UnixSocket.make(.datagram) else { return nil }
            descriptor = made
            // A leading @ stands for the abstract namespace.
            let isAbstract = name.utf8.first == UInt8(ascii: "@")
            let path = isAbstract ? String(decoding: name.utf8.dropFirst(), as: UTF8.self) : name
            if UnixSocket.connect(descriptor.raw, path, abstract: isAbstract).errno != nil { return nil }
        }
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
        guard socket != nil, period == 0, let text = CurrentProcess.environment("WATCHDOG_USEC"),
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
        guard let socket else { return }
        _ = Array(message.utf8).withUnsafeBytes { UnixSocket.send(socket.descriptor.raw, $0) }
    }
}
