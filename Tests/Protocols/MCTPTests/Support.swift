// SPDX-License-Identifier: Apache-2.0
import CLinux
import MCTP

/// SplitMix64: the same sequence for the same seed, on every machine.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}

/// The full number that a rule is stated for with KCSMUX_LONG=1, a hundredth of it otherwise.
func scaled(_ full: Int) -> Int { getenv("KCSMUX_LONG") == nil ? max(1, full / 100) : full }

func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = Seeded(seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        let word = random.next()
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * shift))) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
}

extension Terminus {
    /// Feeds a copy of the packet; a whole message comes back as its bytes.
    func take(_ packet: [UInt8], now: UInt64 = 0) -> Taken {
        var copy = packet
        return copy.withUnsafeMutableBytes { bytes in
            switch receive(bytes, now: now) {
            case .incomplete: .incomplete
            case .dropped(let reason): .dropped(reason)
            case .message(let message): .message(Array(message.body))
            }
        }
    }

    func packets(unit: Int) -> [[UInt8]] {
        var result: [[UInt8]] = []
        while true {
            var packet = [UInt8](repeating: 0, count: unit + PacketHeader.size)
            let count = packet.withUnsafeMutableBytes { nextPacket(unit: unit, into: $0) }
            if count == 0 { return result }
            result.append(Array(packet[..<count]))
            packetTaken()
        }
    }

    func request(_ body: [UInt8], to eid: UInt8, now: UInt64 = 0) -> MessageTag? {
        body.withUnsafeBytes { send(request: $0, to: EID(eid), now: now) }
    }

    func answer(_ body: [UInt8], to eid: UInt8, tag: MessageTag) -> Bool {
        body.withUnsafeBytes { send($0, to: EID(eid), tag: tag, now: 0) }
    }
}

enum Taken: Equatable {
    case incomplete
    case dropped(DropReason)
    case message([UInt8])
}

/// Memory with an inaccessible page on either side, so that one byte too far ends the test run.
final class GuardedMemory {
    let base: UnsafeMutableRawPointer
    let count: Int
    private let whole: UnsafeMutableRawPointer
    private let page = 4096

    init(_ count: Int) {
        precondition(count % page == 0)
        self.count = count
        whole = cl_mmap(count + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        base = whole + page
        mprotect(whole, page, PROT_NONE)
        mprotect(base + count, page, PROT_NONE)
    }

    deinit { munmap(whole, count + 2 * page) }

    var window: Window { Window(base, count: count) }
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: count) }

    func word(_ offset: Int) -> UInt32 {
        UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    func half(_ offset: Int) -> UInt16 {
        UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    func set(_ value: UInt32, at offset: Int) {
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
    func set(_ value: UInt16, at offset: Int) {
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }
}
