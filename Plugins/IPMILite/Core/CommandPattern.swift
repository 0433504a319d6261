// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// One entry of an allow or deny list: `06/02`, `0x06/0x02` or `06/*`, in hexadecimal.
public struct CommandPattern: Equatable, Sendable {
    /// Network function of the request.
    public let netFn: UInt8
    /// Command; nil for all of the network function.
    public let command: UInt8?

    /// A pattern from its parts.
    public init(netFn: UInt8, command: UInt8?) {
        self.netFn = netFn
        self.command = command
    }

    /// A pattern from its text; nil if it is not one, or the network function is odd or above 3E.
    public init?(_ text: String) {
        let parts = Bytes.split(text, at: 0x2F)
        guard parts.count == 2, let netFn = CommandPattern.byte(parts[0]), netFn <= 0x3E, netFn & 1 == 0 else {
            return nil
        }
        self.netFn = netFn
        if parts[1].count == 1, parts[1].first == 0x2A {
            command = nil
        } else {
            guard let value = CommandPattern.byte(parts[1]) else { return nil }
            command = value
        }
    }

    /// True if `definition` is meant.
    public func matches(_ definition: CommandDefinition) -> Bool {
        netFn == definition.netFn.rawValue && (command == nil || command == definition.command.rawValue)
    }

    private static func byte(_ text: ArraySlice<UInt8>) -> UInt8? {
        var digits = text
        if digits.count > 2, digits[digits.startIndex] == 0x30, digits[digits.startIndex + 1] | 0x20 == 0x78 {
            digits = digits.dropFirst(2)
        }
        guard !digits.isEmpty, digits.count <= 2 else { return nil }
        var value: UInt8 = 0
        for digit in digits {
            guard let nibble = Hex.value(digit) else { return nil }
            value = value << 4 | nibble
        }
        return value
    }
}

/// Text as bytes.
public enum Bytes {
    /// The parts of `text` between separators, one more than there are separators; empty ones count.
    @inline(never)
    public static func split(_ text: String, at separator: UInt8) -> [ArraySlice<UInt8>] {
        let bytes = [UInt8](text.utf8)
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        for index in 0...bytes.count where index == bytes.count || bytes[index] == separator {
            parts.append(bytes[start..<index])
            start = index + 1
        }
        return parts
    }
}
