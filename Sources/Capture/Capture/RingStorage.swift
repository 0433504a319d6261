// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: owns the ring's raw memory, heap or file, for as long as the recorder lives.
import CCapture
import CLinux
import LinuxIO

/// Whose recorder it is, as the capture will name it.
public struct RecorderIdentity: Sendable {
    /// The channel's name, at most 47 bytes.
    public let channel: String
    /// What the channel is, "raw-kcs /dev/raw-kcs1", at most 127 bytes.
    public let description: String
    /// The plugin that serves it: named as the culprit when it crashes.
    public let plugin: String
    /// 0 to 15: tells channels apart in trace headers that have four bits for it.
    public let number: UInt8

    /// An identity. Longer names are cut.
    public init(channel: String, description: String, plugin: String = "", number: UInt8 = 15) {
        precondition(number < 16, "a channel's number in a capture has four bits")
        self.channel = channel
        self.description = description
        self.plugin = plugin
        self.number = number
    }
}

/// The ring's memory.
final class RingStorage {
    let words: UnsafeMutablePointer<UInt64>
    let capacity: Int
    let header: RingHeader
    /// Were there records of an earlier process?
    let isRecovered: Bool
    /// The file, locked; or -1 for memory of the heap.
    let file: Int32

    /// The whole ring, header first.
    var memory: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: words, count: RingLayout.bytes(capacity: capacity))
    }

    /// A new ring on the heap.
    init(_ identity: RecorderIdentity, capacity: Int) {
        let bytes = RingLayout.bytes(capacity: capacity)
        words = .allocate(capacity: bytes / 8)
        words.initialize(repeating: 0, count: bytes / 8)
        self.capacity = capacity
        file = -1
        isRecovered = false
        let whole = UnsafeMutableRawBufferPointer(start: words, count: bytes)
        RingHeader.write(identity, capacity: capacity, into: whole)
        header = RingHeader(UnsafeRawBufferPointer(whole))!
    }

    /// A ring in a file: the one that is there, if it is one of this size, or a new one.
    convenience init(_ identity: RecorderIdentity, capacity: Int, path: String) throws(SystemError) {
        let bytes = RingLayout.bytes(capacity: capacity)
        let file = try Syscalls.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        let status = try Syscalls.status(of: file.raw)
        guard status.isRegular else { throw SystemError(.invalidArgument, "open", path) }
        // Two writers would tear each other's records.
        try FileLock.take(file.raw).get("flock", path)
        guard !RingStorage.isNewer(file.raw) else {
            throw SystemError(Errno(rawValue: EPROTONOSUPPORT), "a newer version wrote the ring in", path)
        }
        if status.size != Int64(bytes) {
            try Syscalls.truncate(file.raw, to: 0).get("ftruncate", path)
        }
        // Blocks first: a store into a hole of a full file system would be a fatal signal.
        if let errno = Syscalls.allocate(file.raw, Int64(bytes)).errno {
            _ = Syscalls.truncate(file.raw, to: 0)
            throw SystemError(errno, "posix_fallocate", path)
        }
        try self.init(identity, capacity: capacity, file: file.release(), path)
    }

    /// A ring of memory that another process may be given, which then writes it in this one's place.
    convenience init(sharing identity: RecorderIdentity, capacity: Int) throws(SystemError) {
        let file = try MemoryFile.shared(RingLayout.bytes(capacity: capacity), named: "kcsring")
        try self.init(identity, capacity: capacity, file: file.release(), "kcsring")
    }

    /// The ring in memory that another process gave to this one, to write it.
    convenience init(adopting file: Int32) throws(SystemError) {
        let owned = FileDescriptor(owning: file)
        let size = try Syscalls.status(of: owned.raw).size
        let capacity = Int(clamping: (size - Int64(RingLayout.headerBytes)) / Int64(RingLayout.recordBytes))
        guard capacity >= RingLayout.minimumCapacity, capacity <= RingLayout.maximumCapacity,
            capacity & (capacity - 1) == 0
        else { throw SystemError(.invalidArgument, "mmap", "kcsring") }
        try self.init(nil, capacity: capacity, file: owned.release(), "kcsring")
    }

    /// Takes over a file of the right size; without an identity it holds a ring, which stays as it is.
    private init(_ identity: RecorderIdentity?, capacity: Int, file descriptor: Int32, _ path: String)
        throws(SystemError)
    {
        let file = FileDescriptor(owning: descriptor)
        let bytes = RingLayout.bytes(capacity: capacity)
        let map: MemoryMap
        do throws(SystemError) { map = try MemoryMap(shared: file.raw, length: bytes) } catch {
            throw SystemError(error.errno, "mmap", path)
        }
        let base = map.release()
        words = base.bindMemory(to: UInt64.self, capacity: bytes / 8)
        self.capacity = capacity
        self.file = file.release()
        let whole = UnsafeMutableRawBufferPointer(start: base, count: bytes)
        if let found = RingHeader(UnsafeRawBufferPointer(whole)), found.capacity == capacity {
            if let identity { found.takeOver(identity, whole) }
            isRecovered = found.position > found.first
        } else {
            memset(base, 0, bytes)
            RingHeader.write(
                identity ?? RecorderIdentity(channel: "", description: ""), capacity: capacity, into: whole)
            isRecovered = false
        }
        header = RingHeader(UnsafeRawBufferPointer(whole))!
    }

    /// Does the file begin with the mark of a later layout? "KCSRING1" has its version behind the name.
    private static func isNewer(_ file: Int32) -> Bool {
        var mark: UInt64 = 0
        let count = withUnsafeMutableBytes(of: &mark) { pread(file, $0.baseAddress, $0.count, 0) }
        let (own, found) = (RingLayout.magic, UInt64(littleEndian: mark))
        return count == 8 && found << 8 == own << 8 && found >> 56 > own >> 56
    }

    deinit {
        if file >= 0 {
            MemoryMap.unmap(words, RingLayout.bytes(capacity: capacity))
            Syscalls.close(file)
        } else {
            words.deallocate()
        }
    }

    /// Enters the ring among those that a fatal signal dumps.
    func register(plugin: String) -> Int32 {
        let name = header.name
        return name.withCString { name in
            plugin.withCString { plugin in cc_dump_add(memory.baseAddress, memory.count, name, plugin) }
        }
    }
}
