// SPDX-License-Identifier: Apache-2.0
import CLinux
import DriverModel
import SimulatedDevice

/// The raw-KCS driver's node: offset 0 is IDR and ODR, offset 1 is STR.
final class RawNodeClient: NodeClient {
    private struct Read {
        let call: PendingCall
        let offset: Int
        let count: Int
        /// 2 where the call is of two vectors of one byte: each is a read of its own then.
        let vectors: Int
        /// What the vectors before gave.
        var given: [UInt8] = []
        var isAsleep = false
    }

    private struct Write {
        let call: PendingCall
        let odr: UInt8
        let count: Int
    }

    private var reads: [Read] = []
    private var writes: [Write] = []
    private var position = ClientPosition()
    private let spurious: UInt64
    private var fate: SeededRandom

    /// `spurious` of a thousand polls tell of a byte that is not there, as `fate` has it.
    init(_ port: SimulatedPort, _ connection: FuseConnection, spurious: UInt64, _ fate: SeededRandom) {
        self.spurious = spurious
        self.fate = fate
        super.init(port, connection)
    }

    // MARK: Calls

    override func read(_ call: PendingCall, offset: Int, count: Int) {
        let start = position.start(offset, count: count, thread: call.thread)
        let vectors = start == 0 && count == 2 && position.isVectored(thread: call.thread) ? 2 : 1
        var read = Read(call: call, offset: start, count: count / vectors, vectors: vectors)
        if !advance(&read) { reads.append(read) }
        inputMayHaveCome()
    }

    override func write(_ call: PendingCall, offset: Int, _ bytes: UnsafeRawBufferPointer) {
        let start = position.start(offset, count: bytes.count, thread: call.thread)
        let first = bytes.first ?? 0
        let action = port.write(
            offset: start, count: bytes.count, first: first, second: bytes.count > 1 ? bytes[1] : 0,
            nonBlocking: call.isNonBlocking)
        let write = Write(call: call, odr: first, count: bytes.count)
        if !finish(write, action) { writes.append(write) }
        inputMayHaveCome()
    }

    override func events() -> Int32 {
        let readiness = port.poll()
        let isInput = readiness.contains(.input) || (spurious > 0 && fate.chance(spurious))
        return (isInput ? PollBits.input : 0) | (readiness.contains(.output) ? PollBits.output : 0)
    }

    override func interrupt(_ unique: UInt64) {
        if let index = reads.firstIndex(where: { $0.call.unique == unique }) {
            answer(reads.remove(at: index), error: EINTR)
        } else if let index = writes.firstIndex(where: { $0.call.unique == unique }) {
            writes.remove(at: index)
            _ = port.abandonWrite()
            connection.reply(unique, error: EINTR)
        }
    }

    override func abandon() {
        for read in reads { answer(read, error: ENODEV) }
        for write in writes { connection.reply(write.call.unique, error: ENODEV) }
        reads = []
        writes = []
    }

    // MARK: Sleepers

    override func driverWoke() {
        resumeReads()
        while let write = writes.first, finish(write, port.resumeWrite(write.odr, count: write.count)) {
            writes.removeFirst()
        }
        wakePollers()
    }

    /// This side's calls run the interrupts that are due, as the host's do, and nobody rings for those.
    private func inputMayHaveCome() {
        guard port.isReadable else { return }
        resumeReads()
        if port.isReadable { wakePollers() }
    }

    private func resumeReads() {
        while !reads.isEmpty && advance(&reads[0]) { reads.removeFirst() }
    }

    /// Goes on with a read: true when it was answered, false when it sleeps.
    private func advance(_ read: inout Read) -> Bool {
        while true {
            let action =
                read.isAsleep
                ? port.resumeRead(count: read.count)
                : port.read(offset: read.offset, count: read.count, nonBlocking: read.call.isNonBlocking)
            switch action {
            case .sleep:
                read.isAsleep = true
                return false
            case .data(let value):
                read.isAsleep = false
                read.given.append(value)
                if read.given.count < read.vectors { continue }
                connection.reply(read.call.unique, bytes: read.given)
            case .both(let data, let status): connection.reply(read.call.unique, bytes: [data, status])
            case .status(let value): connection.reply(read.call.unique, bytes: [value])
            case .nothing: connection.reply(read.call.unique)
            case .again: answer(read, error: EAGAIN)
            case .invalid: answer(read, error: EINVAL)
            }
            return true
        }
    }

    // MARK: Answers

    /// An error, unless some vectors were served already.
    private func answer(_ read: Read, error: Int32) {
        if read.given.isEmpty {
            connection.reply(read.call.unique, error: error)
        } else {
            connection.reply(read.call.unique, bytes: read.given)
        }
    }

    /// False: the call sleeps.
    private func finish(_ write: Write, _ action: WriteAction) -> Bool {
        let unique = write.call.unique
        switch action {
        case .sleep: return false
        case .written(let count): connection.reply(unique, written: count)
        case .again: connection.reply(unique, error: EAGAIN)
        case .invalid: connection.reply(unique, error: EINVAL)
        case .interrupted: connection.reply(unique, error: EINTR)
        }
        return true
    }
}
