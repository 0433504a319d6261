// SPDX-License-Identifier: Apache-2.0
import CFuse
import CLinux
import LinuxIO
import SimulatedDevice

/// A system call on an open node that waits for its answer.
struct PendingCall: Equatable {
    /// Names it towards the kernel.
    let unique: UInt64
    /// The thread that makes it.
    let thread: UInt32
    /// Was the file opened, or later set, with O_NONBLOCK?
    let isNonBlocking: Bool
}

/// One open node, and the driver behind it: what each system call does. A call that would sleep is answered later; until
/// then every other call of any node goes on.
class NodeClient {
    let port: SimulatedPort
    let connection: FuseConnection
    /// The kernel's name for those who poll; it stays good until the file is closed.
    private var pollHandle: UInt64?

    init(_ port: SimulatedPort, _ connection: FuseConnection) {
        self.port = port
        self.connection = connection
    }

    /// read(2) and pread(2).
    func read(_ call: PendingCall, offset: Int, count: Int) { connection.reply(call.unique, error: EINVAL) }

    /// write(2) and pwrite(2).
    func write(_ call: PendingCall, offset: Int, _ bytes: UnsafeRawBufferPointer) {
        connection.reply(call.unique, error: EINVAL)
    }

    /// poll(2): the events that are there.
    func events() -> Int32 { 0 }

    /// ioctl(2): 0 or an error number.
    func control(_ command: UInt32) -> Int32 { ENOTTY }

    /// A signal came to a call that sleeps.
    func interrupt(_ unique: UInt64) {}

    /// The device's doorbell rang.
    func driverWoke() {}

    /// The device goes away: every call that sleeps is answered.
    func abandon() {}

    /// The last close(2).
    func close() { port.close() }

    final func poll(_ unique: UInt64, _ argument: fuse_poll_in) {
        if argument.flags & UInt32(FUSE_POLL_SCHEDULE_NOTIFY) != 0 { pollHandle = argument.kh }
        let found = port.isGone ? PollBits.gone : events()
        connection.reply(unique, fuse_poll_out(revents: UInt32(found), padding: 0))
    }

    /// Those who poll call it anew.
    final func wakePollers() {
        if let pollHandle { connection.wakePollers(pollHandle) }
    }
}

/// The bits of poll(2) that drivers report.
enum PollBits {
    static let input = POLLIN | POLLRDNORM
    static let output = POLLOUT | POLLWRNORM
    /// The device was taken away.
    static let gone = POLLERR | POLLHUP
}
