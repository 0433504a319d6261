// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The node of serio_raw over kcs_bmc_serio: data bytes in, through a queue that drops what does not fit while the host
/// still sees IBF fall.
final class SerioNodeClient: NodeClient {
    /// One element of the driver's ring of 64 stays free.
    static let capacity = 63

    private var queue: [UInt8] = []
    private var reads: [(call: PendingCall, count: Int)] = []

    override func read(_ call: PendingCall, offset: Int, count: Int) {
        takeInput()
        if !queue.isEmpty { return answer(call, count) }
        if call.isNonBlocking { return connection.reply(call.unique, error: EAGAIN) }
        reads.append((call, count))
    }

    // The port has no transmitter.
    override func write(_ call: PendingCall, offset: Int, _ bytes: UnsafeRawBufferPointer) {
        connection.reply(call.unique, error: EIO)
    }

    override func events() -> Int32 {
        takeInput()
        return queue.isEmpty ? PollBits.output : PollBits.output | PollBits.input
    }

    override func interrupt(_ unique: UInt64) {
        guard let index = reads.firstIndex(where: { $0.call.unique == unique }) else { return }
        reads.remove(at: index)
        connection.reply(unique, error: EINTR)
    }

    override func driverWoke() {
        takeInput()
        while let read = reads.first, !queue.isEmpty {
            reads.removeFirst()
            answer(read.call, read.count)
        }
        if !queue.isEmpty { wakePollers() }
    }

    override func abandon() {
        for read in reads { connection.reply(read.call.unique, error: ENODEV) }
        reads = []
    }

    private func answer(_ call: PendingCall, _ count: Int) {
        let taken = Array(queue.prefix(count))
        queue.removeFirst(taken.count)
        connection.reply(call.unique, bytes: taken)
    }

    /// The interrupt: every byte is taken, whether there is room for it or not.
    private func takeInput() {
        while let (value, _) = port.readData() {
            if queue.count < Self.capacity { queue.append(value) }
        }
    }
}
