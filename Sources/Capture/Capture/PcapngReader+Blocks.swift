// SPDX-License-Identifier: Apache-2.0

// What stands in a block whose ends were found.

extension PcapngReader {
    mutating func interface(_ start: Int, _ body: Range<Int>) -> Item {
        guard body.count >= 8 else { return fail(start, "an interface description has 8 bytes") }
        guard interfaces.count < PcapngReader.maximumInterfaces else {
            return fail(start, "a section has at most \(PcapngReader.maximumInterfaces) interfaces")
        }
        var name = ""
        var description = ""
        var resolution: UInt8 = 6
        for option in options(body.dropFirst(8)) {
            switch option.code {
            case 2: name = text(option.value)
            case 3: description = text(option.value)
            case 9 where !option.value.isEmpty: resolution = bytes[option.value.lowerBound]
            default: break
            }
        }
        let interface = Interface(
            link: LinkType(rawValue: UInt16(number(body.lowerBound, 2))), name: name, description: description,
            resolution: resolution)
        interfaces.append(interface)
        return .interface(interface)
    }

    mutating func packet(_ start: Int, _ body: Range<Int>) -> Item {
        guard body.count >= 20 else { return fail(start, "a packet block has 20 bytes") }
        let number = size(body.lowerBound)
        guard number < interfaces.count else { return fail(start, "a packet's interface was described before") }
        let captured = size(body.lowerBound + 12)
        guard captured <= body.count - 20 else { return fail(start, "a packet's bytes lie inside its block") }
        let data = (body.lowerBound + 20)..<(body.lowerBound + 20 + captured)
        var comment = ""
        var direction = Direction.none
        let padded = min(body.upperBound, data.upperBound + (4 - captured % 4) % 4)
        for option in options(padded..<body.upperBound) {
            switch option.code {
            case 1: comment += (comment.isEmpty ? "" : "; ") + text(option.value)
            case 2 where option.value.count == 4:
                direction = Direction(rawValue: UInt8(self.number(option.value.lowerBound, 4) & 3)) ?? .none
            default: break
            }
        }
        return .packet(
            Packet(
                interface: number, time: time(body.lowerBound + 4, interfaces[number].resolution),
                direction: direction, bytes: Array(bytes[data]),
                originalLength: size(body.lowerBound + 16), comment: comment))
    }

    mutating func statistics(_ start: Int, _ body: Range<Int>) -> Item {
        guard body.count >= 12 else { return fail(start, "an interface statistics block has 12 bytes") }
        var received: UInt64?
        var lost: UInt64?
        var comment = ""
        for option in options(body.dropFirst(12)) {
            switch option.code {
            case 1: comment = text(option.value)
            case 4 where option.value.count == 8: received = number(option.value.lowerBound, 8)
            case 5 where option.value.count == 8: lost = number(option.value.lowerBound, 8)
            default: break
            }
        }
        return .statistics(
            interface: size(body.lowerBound), received: received, lost: lost, comment: comment)
    }

    /// The options of a block: those that lie wholly in it.
    private func options(_ range: Range<Int>) -> [(code: UInt16, value: Range<Int>)] {
        var options: [(code: UInt16, value: Range<Int>)] = []
        var next = range.lowerBound
        while range.upperBound - next >= 4 {
            let code = UInt16(number(next, 2))
            let length = Int(number(next + 2, 2))
            guard code != 0, length <= range.upperBound - next - 4 else { break }
            options.append((code, (next + 4)..<(next + 4 + length)))
            next = min(range.upperBound, next + 4 + (length + 3) / 4 * 4)
        }
        return options
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Nanoseconds from a time's two halves and its interface's unit; what does not fit is cut to the last that does.
    private func time(_ start: Int, _ resolution: UInt8) -> UInt64 {
        let units = number(start, 4) << 32 | number(start + 4, 4)
        if resolution & 0x80 == 0 {
            var value = units
            if resolution <= 9 {
                for _ in 0..<(9 - resolution) {
                    let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                    if overflow { return UInt64.max }
                    value = product
                }
            } else {
                for _ in 0..<min(resolution - 9, 20) { value /= 10 }
            }
            return value
        }
        let shift = UInt64(min(resolution & 0x7F, 63))
        let product = units.multipliedFullWidth(by: 1_000_000_000)
        let unit = UInt64(1) << shift
        guard product.high < unit else { return UInt64.max }
        return unit.dividingFullWidth(product).quotient
    }
}
