// SPDX-License-Identifier: Apache-2.0
import CCapture
import LinuxIO

/// A channel's flight recorder: the last register accesses, messages and events, in a ring that is always on.
///
/// One thread writes. A record costs three stores and the count's; nothing is formatted, allocated or locked. Time is
/// an argument everywhere: nanoseconds of CLOCK_BOOTTIME (`Clock.boot`).
public final class Recorder {
    // All constant: what changes lies in the ring itself, so that it survives the process with the rest.
    private let words: UnsafeMutablePointer<UInt64>
    private let records: UnsafeMutablePointer<UInt64>
    private let mask: UInt64
    private let storage: RingStorage
    /// Its number among the rings that a fatal signal dumps, or -1.
    private let dumpNumber: Int32

    /// A recorder over storage that holds a valid ring header.
    init(_ storage: RingStorage, plugin: String) {
        self.storage = storage
        words = storage.words
        records = words + RingLayout.headerBytes / 8
        mask = UInt64(storage.capacity - 1)
        dumpNumber = storage.register(plugin: plugin)
    }

    deinit { cc_dump_remove(dumpNumber) }

    /// A recorder of at least `events` records in memory (16 bytes each; rounded up to a power of two).
    public convenience init(_ identity: RecorderIdentity, events: Int) {
        self.init(RingStorage(identity, capacity: RingLayout.capacity(events: events)), plugin: identity.plugin)
    }

    /// A recorder in a preallocated file, which outlives the process. Records that an earlier process left there stay
    /// and are dumped with the new ones. Fails, with the call's name and the path, when the file or its blocks can't be
    /// had: the caller warns once and records in memory.
    public convenience init(_ identity: RecorderIdentity, events: Int, path: String) throws(SystemError) {
        let storage = try RingStorage(identity, capacity: RingLayout.capacity(events: events), path: path)
        self.init(storage, plugin: identity.plugin)
    }

    /// A recorder in memory that another process may be given, which then writes it in this one's place.
    public convenience init(sharing identity: RecorderIdentity, events: Int) throws(SystemError) {
        let storage = try RingStorage(sharing: identity, capacity: RingLayout.capacity(events: events))
        self.init(storage, plugin: identity.plugin)
    }

    /// The recorder that another process shares by this descriptor, to be written by this process.
    public convenience init(adopting descriptor: Int32, plugin: String) throws(SystemError) {
        self.init(try RingStorage(adopting: descriptor), plugin: plugin)
    }

    /// What to give to another process; nil for memory of this process alone.
    public var descriptor: Int32? { storage.file >= 0 ? storage.file : nil }

    /// Does another process write it at present?
    public var isWrittenElsewhere = false

    /// How many records were ever written: where the next one goes. Whatever another process writes there, it can be
    /// calculated with.
    public var position: UInt64 { UInt64(littleEndian: words[RingLayout.positionWord]) & (1 << 62 - 1) }

    /// How many records the ring holds.
    public var capacity: Int { storage.capacity }

    /// Does the ring hold records of an earlier process?
    public var isRecovered: Bool { storage.isRecovered }

    /// CLOCK_REALTIME minus CLOCK_BOOTTIME in nanoseconds, as last told.
    public var wallOffset: Int64 { Int64(bitPattern: UInt64(littleEndian: words[RingLayout.offsetWord])) }

    /// Whose recorder it is.
    public var identity: RecorderIdentity {
        let header = storage.header
        return RecorderIdentity(channel: header.name, description: header.description, number: header.number)
    }

    /// The oldest record that the ring still holds.
    public var oldest: UInt64 { RingView(storage.memory, header: storage.header).start(end: position) }

    /// Nanoseconds since 1970 of an event of this recorder.
    public func wallTime(of event: Event) -> UInt64 {
        let header = storage.header
        return WallTime.of(
            event.time, offset: event.position < header.bootPosition ? header.previousOffset : wallOffset)
    }

    /// The ring as it is now, to be read elsewhere, on another thread too.
    public func snapshot() -> RingSnapshot { RingSnapshot(copying: storage.memory, identity, capacity: capacity) }

    /// The event at or after `position`, which moves behind it; nil when there is none yet.
    /// `lost` grows by the records that were overwritten before they were asked for.
    public func next(after position: inout UInt64, lost: inout UInt64) -> Event? {
        RingView(storage.memory, header: storage.header).next(at: &position, end: self.position, lost: &lost)
    }

    // MARK: Registers

    /// IDR was read: its value, and the STR that came with it.
    public func idrRead(_ value: UInt8, str: UInt8, stale: Bool = false, at time: UInt64) {
        append(.idrRead, value, str, stale ? 3 : 2, time)
    }

    /// IDR was read in a transfer, which knows of the byte's port what STR does not tell.
    public func idrRead(_ value: UInt8, str: UInt8, port: HostPort, at time: UInt64) {
        append(.idrRead, value, str, 2 | port.rawValue << 2, time)
    }

    /// IDR was read on a device that has no STR.
    public func idrRead(_ value: UInt8, stale: Bool = false, at time: UInt64) {
        append(.idrRead, value, 0, stale ? 1 : 0, time)
    }

    /// STR was read, and differs from what was last known.
    public func strRead(_ str: UInt8, at time: UInt64) { append(.strRead, str, 0, 0, time) }

    /// ODR was written.
    public func odrWritten(_ value: UInt8, at time: UInt64) { append(.odrWrite, value, 0, 0, time) }

    /// STR was written: the bits of `mask`, to those of `value`.
    public func strWritten(_ value: UInt8, mask: UInt8, at time: UInt64) { append(.strWrite, value, mask, 0, time) }

    /// STR and ODR were written in one step.
    public func odrAndSTRWritten(odr: UInt8, str: UInt8, mask: UInt8, at time: UInt64) {
        append(.odrAndSTRWrite, odr, str, mask, time)
    }

    /// STR and ODR were written over a byte that the host had not read.
    public func replaced(odr: UInt8, str: UInt8, mask: UInt8, at time: UInt64) {
        append(.replaced, odr, str, mask, time)
    }

    /// An access was refused.
    public func refused(_ access: RefusedAccess, value: UInt8, reason: RefusalReason, at time: UInt64) {
        append(.refused, access.rawValue, value, reason.rawValue, time)
    }

    /// A byte of the host was taken from IDR and given to nobody.
    public func hostByteDropped(_ value: UInt8, str: UInt8, reason: RefusalReason, at time: UInt64) {
        append(.hostByteDropped, value, str, reason.rawValue, time)
    }

    /// The host has left ODR unread for too long.
    public func obfStallBegan(str: UInt8, at time: UInt64) { append(.obfStallBegan, str, 0, 0, time) }

    /// The host has read ODR after all.
    public func obfStallEnded(str: UInt8, at time: UInt64) { append(.obfStallEnded, str, 0, 0, time) }

    // MARK: The channel's life

    /// The device was opened, and held `stale` bytes.
    public func deviceOpened(stale: UInt8, at time: UInt64) { append(.deviceOpened, stale, 0, 0, time) }

    /// The device was closed.
    public func deviceClosed(at time: UInt64) { append(.deviceClosed, 0, 0, 0, time) }

    /// The channel was reset.
    public func deviceReset(at time: UInt64) { append(.deviceReset, 0, 0, 0, time) }

    /// The device failed.
    public func deviceFailed(_ errno: Errno, at time: UInt64) {
        let number = UInt16(truncatingIfNeeded: errno.rawValue)
        append(.deviceFailed, UInt8(truncatingIfNeeded: number), UInt8(number >> 8), 0, time)
    }

    /// A handler started; `index` is its place in the channel's list, `reason` why (as the plugin interface numbers it).
    public func handlerStarted(index: UInt8, reason: UInt8, at time: UInt64) {
        append(.handlerStarted, index, reason, 0, time)
    }

    /// A handler stopped.
    public func handlerStopped(index: UInt8, at time: UInt64) { append(.handlerStopped, index, 0, 0, time) }

    /// A handler failed; `text` says which, in what, and why.
    public func handlerFailed(_ text: String, at time: UInt64) {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        appendBlock(.handlerFailed, .none, link: .none, kind: 0, none, text, time)
    }

    // MARK: Messages and annotations

    /// A whole message. For IPMI: NetFn/LUN, command, completion code in responses, data. For MCTP: the packet, its
    /// header first. What a capture file puts before it is added when it is dumped.
    public func message(_ direction: Direction, link: LinkType, _ bytes: UnsafeRawBufferPointer, at time: UInt64) {
        appendBlock(.message, direction, link: link, kind: 0, bytes, "", time)
    }

    /// A handler's note: bytes of a link type, or none, and a text.
    public func annotation(
        kind: UInt16, _ direction: Direction, link: LinkType, _ bytes: UnsafeRawBufferPointer, text: String,
        at time: UInt64
    ) {
        appendBlock(.annotation, direction, link: link, kind: kind, bytes, text, time)
    }

    // MARK: Clocks and counters

    /// Tells the wall clock's offset (`Clock.real - Clock.boot`): a difference of more than `tolerance` is a step, and
    /// recorded; a lesser one is the clock being steered.
    public func wallOffset(_ offset: Int64, tolerance: Int64 = 1_000_000, at time: UInt64) {
        guard !isWrittenElsewhere else { return }
        let previous = wallOffset
        let difference = offset.subtractingReportingOverflow(previous)
        if difference.overflow || difference.partialValue.magnitude > tolerance.magnitude {
            appendNumbers(.clockStep, UInt64(bitPattern: previous), UInt64(bitPattern: offset), time)
        }
        words[RingLayout.offsetWord] = UInt64(bitPattern: offset).littleEndian
    }

    /// `count` things were not captured, for instance because a queue was full.
    public func recordsLost(_ count: UInt64, at time: UInt64) { appendNumbers(.recordsLost, count, 0, time) }

    /// A process takes the ring over. Called once, before anything else is recorded.
    public func lifeBegan(process: Int32, reason: UInt8, at time: UInt64) {
        appendNumbers(.lifeBegan, UInt64(UInt32(bitPattern: process)), UInt64(reason), time)
    }

    // MARK: Who runs, for a fatal signal's dump

    /// A handler of this channel is being called. `callback` is a constant.
    @inline(__always)
    public func enter(_ callback: StaticString) {
        callback.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) { cc_dump_enter(dumpNumber, $0) }
    }

    /// The handler has returned.
    @inline(__always)
    public func leave() { cc_dump_leave() }

    /// The plugin that serves the channel from now on.
    public func setPlugin(_ name: String) { name.withCString { cc_dump_set_plugin(dumpNumber, $0) } }

    // MARK: Stores

    @inline(__always)
    private func store(_ position: UInt64, _ kind: RecordKind, _ values: UInt64, _ time: UInt64) {
        let tag = UInt64(RingLayout.tag(position: position, time: time))
        let word = UInt64(kind.rawValue) | values << 8 | tag << 32
        let slot = Int(truncatingIfNeeded: (position & mask) &<< 1)
        cc_ring_store(records + slot, time.littleEndian, word.littleEndian)
    }

    @inline(__always)
    private func append(_ kind: RecordKind, _ first: UInt8, _ second: UInt8, _ third: UInt8, _ time: UInt64) {
        let position = self.position
        store(position, kind, UInt64(first) | UInt64(second) << 8 | UInt64(third) << 16, time)
        cc_ring_commit(words + RingLayout.positionWord, (position &+ 1).littleEndian)
    }

    private func appendNumbers(_ kind: RecordKind, _ first: UInt64, _ second: UInt64, _ time: UInt64) {
        let position = self.position
        store(position, kind, 16 << 8, time)
        store(position &+ 1, .continuation, 0, first)
        store(position &+ 2, .continuation, 0, second)
        cc_ring_commit(words + RingLayout.positionWord, (position &+ 3).littleEndian)
    }

    /// A head and its continuations. What exceeds a quarter of the ring is cut: one message does not push out all else.
    private func appendBlock(
        _ kind: RecordKind, _ direction: Direction, link: LinkType, kind annotation: UInt16,
        _ bytes: UnsafeRawBufferPointer, _ text: String, _ time: UInt64
    ) {
        let room = min(storage.capacity / 4 * 8, RingLayout.maximumData) - 8
        var textCount = min(text.utf8.count, room / 2)
        if textCount < text.utf8.count {
            // No part of a character: what reads a capture takes texts for UTF-8.
            let bytes = Array(text.utf8)
            while textCount > 0 && bytes[textCount] & 0xC0 == 0x80 { textCount -= 1 }
        }
        let count = min(bytes.count, room - textCount)
        let original = UInt64(min(bytes.count, Int(UInt16.max)))
        let prefix =
            UInt64(link.rawValue) | UInt64(annotation) << 16 | UInt64(textCount) << 32 | original << 48

        var position = self.position
        store(position, kind, UInt64(direction.rawValue) | UInt64(8 + count + textCount) << 8, time)
        position &+= 1
        store(position, .continuation, 0, prefix)
        position &+= 1
        var word: UInt64 = 0
        var filled: UInt64 = 0
        func add(_ byte: UInt8) {
            word |= UInt64(byte) << (filled * 8)
            filled += 1
            if filled == 8 {
                store(position, .continuation, 0, word)
                position &+= 1
                word = 0
                filled = 0
            }
        }
        var taken = 0
        while count - taken >= 8 {
            let whole = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: taken, as: UInt64.self))
            store(position, .continuation, 0, whole)
            position &+= 1
            taken += 8
        }
        while taken < count {
            add(bytes[taken])
            taken += 1
        }
        if textCount > 0 {
            var left = textCount
            for byte in text.utf8 {
                if left == 0 { break }
                left -= 1
                add(byte)
            }
        }
        if filled > 0 {
            store(position, .continuation, 0, word)
            position &+= 1
        }
        cc_ring_commit(words + RingLayout.positionWord, position.littleEndian)
    }
}
