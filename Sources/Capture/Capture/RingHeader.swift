// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// The ring's header, read from memory that may hold anything.
struct RingHeader {
    let capacity: Int
    let number: UInt8
    let position: UInt64
    let first: UInt64
    let bootPosition: UInt64
    let offset: Int64
    let previousOffset: Int64
    let bootIdentity: [UInt8]
    let name: String
    let description: String

    /// Nil unless `memory` begins with a header, and holds as many records as that says.
    init?(_ memory: UnsafeRawBufferPointer) {
        guard memory.count >= RingLayout.headerBytes else { return nil }
        func word(_ index: Int) -> UInt64 {
            UInt64(littleEndian: memory.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        func half(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: memory.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        guard word(0) == RingLayout.magic, half(8) == RingLayout.headerBytes, half(12) == RingLayout.recordBytes else {
            return nil
        }
        let capacity = Int(clamping: half(16))
        guard capacity >= RingLayout.minimumCapacity, capacity <= RingLayout.maximumCapacity,
            capacity & (capacity - 1) == 0, memory.count >= RingLayout.bytes(capacity: capacity)
        else { return nil }
        self.capacity = capacity
        number = UInt8(half(20) & 15)
        position = word(RingLayout.positionWord)
        first = word(RingLayout.firstWord)
        bootPosition = word(RingLayout.bootPositionWord)
        offset = Int64(bitPattern: word(RingLayout.offsetWord))
        previousOffset = Int64(bitPattern: word(RingLayout.previousOffsetWord))
        bootIdentity = Array(memory[RingLayout.bootIdentity])
        name = RingHeader.text(memory[RingLayout.name])
        description = RingHeader.text(memory[RingLayout.description])
        // 2^63 records take ten thousand years: more is damage, and arithmetic below stays clear of overflow.
        guard position < 1 << 63, first <= position, bootPosition <= position else { return nil }
    }

    /// The first header of a new ring, in zeroed memory; the magic last, so that half a header is none.
    static func write(_ identity: RecorderIdentity, capacity: Int, into memory: UnsafeMutableRawBufferPointer) {
        name(identity, memory)
        for (index, byte) in BootIdentity.current.enumerated() where index < RingLayout.bootIdentity.count {
            memory[RingLayout.bootIdentity.lowerBound + index] = byte
        }
        func half(_ value: Int, _ offset: Int) {
            memory.storeBytes(of: UInt32(value).littleEndian, toByteOffset: offset, as: UInt32.self)
        }
        half(RingLayout.headerBytes, 8)
        half(RingLayout.recordBytes, 12)
        half(capacity, 16)
        memory.storeBytes(
            of: UInt64(bitPattern: currentOffset()).littleEndian, toByteOffset: RingLayout.offsetWord * 8,
            as: UInt64.self)
        memory.storeBytes(of: RingLayout.magic.littleEndian, toByteOffset: 0, as: UInt64.self)
    }

    /// Goes on with the ring of an earlier process: counts the records that it completed without having counted them,
    /// and keeps the wall clock of the boot that they belong to.
    func takeOver(_ identity: RecorderIdentity, _ memory: UnsafeMutableRawBufferPointer) {
        func store(_ value: UInt64, _ word: Int) {
            memory.storeBytes(of: value.littleEndian, toByteOffset: word * 8, as: UInt64.self)
        }
        let end = RingView(UnsafeRawBufferPointer(memory), header: self).recoveredEnd()
        store(end, RingLayout.positionWord)
        let boot = BootIdentity.current
        if boot != bootIdentity {
            // Records of the boot before stay, with their own offset; those of one before that have none left.
            store(bootPosition, RingLayout.firstWord)
            store(end, RingLayout.bootPositionWord)
            store(UInt64(bitPattern: offset), RingLayout.previousOffsetWord)
            for (index, byte) in boot.enumerated() where index < RingLayout.bootIdentity.count {
                memory[RingLayout.bootIdentity.lowerBound + index] = byte
            }
            store(UInt64(bitPattern: RingHeader.currentOffset()), RingLayout.offsetWord)
        }
        RingHeader.name(identity, memory)
    }

    private static func name(_ identity: RecorderIdentity, _ memory: UnsafeMutableRawBufferPointer) {
        memory.storeBytes(of: UInt32(identity.number).littleEndian, toByteOffset: 20, as: UInt32.self)
        put(identity.channel, memory, RingLayout.name)
        put(identity.description, memory, RingLayout.description)
    }

    private static func put(_ text: String, _ memory: UnsafeMutableRawBufferPointer, _ range: Range<Int>) {
        var index = range.lowerBound
        for byte in text.utf8 where index < range.upperBound - 1 {
            memory[index] = byte
            index += 1
        }
        while index < range.upperBound {
            memory[index] = 0
            index += 1
        }
    }

    /// Up to the first zero; what is not UTF-8 is replaced.
    static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            if byte == 0 { break }
            text.append(byte)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func currentOffset() -> Int64 { Int64(bitPattern: Clock.real &- Clock.boot) }
}

/// Which boot of the machine this is: CLOCK_BOOTTIME means nothing across two of them.
enum BootIdentity {
    /// The kernel's 16 bytes, or zeros where it doesn't tell.
    static var current: [UInt8] {
        var identity: [UInt8] = []
        var high: UInt8?
        let text = (try? Syscalls.readFile("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        for character in text {
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x61...0x66: digit = character - 0x61 + 10
            default: continue
            }
            if let first = high {
                identity.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return identity.count == 16 ? identity : [UInt8](repeating: 0, count: 16)
    }
}
