// SPDX-License-Identifier: Apache-2.0
import Common

/// The LAN configuration parameters (IPMI 2.0 table 23-4) that a host may write, as bytes.
struct LANSettings: Equatable {
    /// What a parameter is as long as nobody has written it; its size is fixed.
    private static let initial: [(number: UInt8, bytes: [UInt8])] = [
        (2, [0, 0, 0, 0, 0]), (address, [0, 0, 0, 0]), (source, [0]), (mac, [0, 0, 0, 0, 0, 0]), (mask, [0, 0, 0, 0]),
        // Time to live 64, no fragments, precedence 0, low delay.
        (7, [0x40, 0x40, 0x10]), (10, [0]), (11, [0]), (gateway, [0, 0, 0, 0]), (13, [0, 0, 0, 0, 0, 0]),
        (14, [0, 0, 0, 0]), (15, [0, 0, 0, 0, 0, 0]), (16, [UInt8](repeating: 0, count: 18)), (vlan, [0, 0]), (21, [0]),
    ]

    static let address: UInt8 = 3
    static let source: UInt8 = 4
    static let mac: UInt8 = 5
    static let mask: UInt8 = 6
    static let gateway: UInt8 = 12
    static let vlan: UInt8 = 20

    /// A parameter and its data.
    struct Parameter: Equatable {
        let number: UInt8
        let bytes: [UInt8]
    }

    /// Those that differ from the initial ones, in no order.
    private(set) var parameters: [Parameter] = []

    /// A parameter's data; nil for one that is not supported.
    subscript(number: UInt8) -> [UInt8]? {
        for parameter in parameters where parameter.number == number { return parameter.bytes }
        for parameter in LANSettings.initial where parameter.number == number { return parameter.bytes }
        // No authentication type, no destinations, no cipher suites: facts that nobody writes.
        return LANSettings.isReadOnly(number) ? [0] : nil
    }

    static func isReadOnly(_ number: UInt8) -> Bool { number == 1 || number == 17 || number == 22 }

    /// Sets a parameter; false if that is none that can be written, or `bytes` are no value of it.
    mutating func set(_ number: UInt8, _ bytes: [UInt8]) -> Bool {
        guard !LANSettings.isReadOnly(number), let old = self[number], old.count == bytes.count else { return false }
        switch number {
        case LANSettings.source where !(1...4).contains(bytes[0] & 0x0F): return false
        case LANSettings.vlan where bytes[1] & 0x80 != 0 && !(1...4094).contains(LANSettings.number(bytes)):
            return false
        default: break
        }
        parameters.removeAll { $0.number == number }
        parameters.append(Parameter(number: number, bytes: bytes))
        return true
    }

    /// The VLAN that parameter 20 names, whether or not it is enabled.
    static func number(_ bytes: [UInt8]) -> Int { Int(bytes[0]) | Int(bytes[1] & 0x0F) << 8 }

    // MARK: Text

    /// `192.0.2.1`
    static func quad(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes { text += (text.isEmpty ? "" : ".") + String(byte) }
        return text
    }

    /// The bytes of `192.0.2.1`, or, with colons and base 16, of `02:00:00:00:00:01`.
    static func bytes(_ text: String, count: Int, separator: UInt8, base: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        for part in text.utf8.split(separator: separator, omittingEmptySubsequences: false) {
            guard !part.isEmpty, part.count <= (base == 16 ? 2 : 3) else { return nil }
            var value = 0
            for digit in part {
                guard let number = Hex.value(digit).map({ Int($0) }), number < base else { return nil }
                value = value * base + number
            }
            guard value <= 255 else { return nil }
            bytes.append(UInt8(value))
        }
        return bytes.count == count ? bytes : nil
    }

    /// The words of an address's source, by the number that the standard gives it.
    static let sources = ["unspecified", "static", "dhcp", "bios", "other"]
}
