// SPDX-License-Identifier: Apache-2.0

/// Whole requests after a plugin's declared lengths, and sometimes beside them.
struct RequestGenerator {
    let grammar: FuzzGrammar
    /// Bytes of answers, which name what later requests may be about: reservations, record numbers, identifiers.
    private var answers: [[UInt8]] = []
    private var used: [[UInt8]] = []

    init(_ grammar: FuzzGrammar) { self.grammar = grammar }

    /// An answer came.
    mutating func learn(request: [UInt8], answer: [UInt8]) {
        guard answer.count > 3 else { return }
        answers.append(Array(answer[3...].prefix(16)))
        if answers.count > 8 { answers.removeFirst() }
    }

    /// The next request.
    mutating func next(_ random: inout FuzzRandom) -> [UInt8] {
        // One that was sent already, with a byte changed, or the same again.
        if !used.isEmpty && random.chance(30) {
            var bytes = random.pick(used)
            if bytes.count > 2 && random.chance(60) { bytes[random.between(2, bytes.count - 1)] = random.byte() }
            if bytes.count > 4 && random.chance(40), let answer = answers.last, answer.count >= 2 {
                let place = random.chance(75) ? 2 : random.between(2, bytes.count - 2)
                bytes.replaceSubrange(place..<place + 2, with: answer.prefix(2))
            }
            return note(bytes)
        }
        guard !grammar.requests.isEmpty, !random.chance(7) else { return note(strange(&random)) }
        let kind = random.pick(grammar.requests)
        if kind.netFn == 0x2C && kind.command == 0x01 && kind.count != nil && random.chance(85) {
            return note(packet(&random))
        }
        let length = length(kind, &random)
        var bytes = [kind.netFn << 2, kind.command]
        if let body = kind.body, length > 2, random.chance(95) { bytes.append(body) }
        bytes += data(max(0, length - bytes.count), &random)
        if let count = kind.count, count.offset < bytes.count, random.chance(85) {
            bytes[count.offset] = UInt8(truncatingIfNeeded: bytes.count - count.added)
        }
        if random.chance(3) { bytes[0] |= UInt8(random.below(4)) }
        return note(bytes)
    }

    private mutating func note(_ bytes: [UInt8]) -> [UInt8] {
        used.append(bytes)
        if used.count > 12 { used.removeFirst() }
        return bytes
    }

    private func length(_ kind: FuzzGrammar.Request, _ random: inout FuzzRandom) -> Int {
        switch random.below(10) {
        case 0: return max(2, kind.shortest - 1)
        case 1: return min(1000, kind.longest + 1)
        case 2 where random.chance(10): return random.pick([63, 64, 65, 128, 255, 256, 257, 512, 999, 1000])
        case 2...5:
            return kind.isExact
                ? random.between(kind.shortest, min(kind.longest, kind.shortest + 32)) : random.between(2, 12)
        case 6: return kind.longest
        default: return kind.shortest
        }
    }

    private mutating func data(_ length: Int, _ random: inout FuzzRandom) -> [UInt8] {
        var bytes: [UInt8] = []
        // A reservation stands first in what needs one.
        if length >= 4 && random.chance(25), let answer = answers.last, answer.count >= 2 { bytes += answer.prefix(2) }
        while bytes.count < length {
            switch random.below(10) {
            case 0...1 where !answers.isEmpty:
                let answer = random.pick(answers)
                let start = random.chance(60) ? 0 : random.below(answer.count)
                bytes += answer[start...].prefix(random.pick([1, 2, 2, 4]))
            // "CLR", which clearing wants, and what means "all" and "the last".
            case 2 where length >= 5 && (bytes.count == 2 || random.chance(30)): bytes += [0x43, 0x4C, 0x52]
            case 3: bytes += random.pick([[0xFF, 0xFF], [0x00, 0x00], [0x00], [0xAA], [0xFF]])
            default: bytes.append(random.byte())
            }
        }
        return Array(bytes.prefix(length))
    }

    private func strange(_ random: inout FuzzRandom) -> [UInt8] {
        var bytes = [random.byte(), random.byte()]
        for _ in 0..<random.pick([0, 0, 1, 2, 5, 16, 100, 998]) { bytes.append(random.byte()) }
        return bytes
    }

    /// An MCTP packet in the frame of DSP0254: NetFn 2C, its count, and a CRC-8 behind it.
    private func packet(_ random: inout FuzzRandom) -> [UInt8] {
        let own: UInt8 = random.pick([8, 8, 8, 0, 0xFF, random.byte()])
        var packet: [UInt8] = [1, own, random.pick([9, 9, 8, 0, random.byte()])]
        packet.append(random.pick([0xC8, 0xC9, 0xC0, 0x88, 0x48, 0x18, 0x28, random.byte()]))
        if random.chance(70) {
            // A control request, whose instance and command follow.
            packet += [0, random.pick([0x80, 0x81, 0x00]), random.pick([1, 2, 3, 4, 5, 6, random.byte()])]
        } else {
            packet.append(random.pick([0, 1, 5, 0x7E, 0x7F, random.byte()]))
        }
        for _ in 0..<random.pick([0, 0, 1, 1, 2, 3, 8, 57, 60, 64, 65]) { packet.append(random.byte()) }
        if random.chance(4) { packet.removeLast(random.below(packet.count)) }
        var count = UInt8(truncatingIfNeeded: packet.count)
        var check = Self.check(packet)
        if random.chance(4) { count = random.byte() }
        if random.chance(4) { check = random.byte() }
        return [0xB0, 0x01, count] + packet + [check]
    }

    private static func check(_ bytes: [UInt8]) -> UInt8 {
        var value: UInt8 = 0
        for byte in bytes {
            value ^= byte
            for _ in 0..<8 { value = value & 0x80 != 0 ? value << 1 ^ 7 : value << 1 }
        }
        return value
    }
}
