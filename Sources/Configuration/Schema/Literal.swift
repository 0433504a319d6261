// SPDX-License-Identifier: Apache-2.0
import Common

/// How numbers and file modes are written. Durations and sizes are in `Quantity`.
public enum Literal {
    /// Why a text is not what was wanted, to follow "not 'text'"; empty when there is nothing to add.
    public struct Fault: Error, Equatable {
        /// The remark.
        public let hint: String
    }

    /// Decimal or `0x…`, with an optional minus sign.
    public static func integer(_ text: String) throws(Fault) -> Int64 {
        var digits = Array(text.utf8)[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        let isHexadecimal = digits.starts(with: Array("0x".utf8))
        if isHexadecimal { digits.removeFirst(2) }
        let radix: UInt8 = isHexadecimal ? 16 : 10
        guard !digits.isEmpty, digits.allSatisfy({ (Hex.value($0) ?? 255) < radix }) else { throw Fault(hint: "") }
        guard isHexadecimal || digits.count == 1 || digits.first != UInt8(ascii: "0") else {
            throw Fault(hint: "a leading 0 means octal, which is for file modes only")
        }
        guard let magnitude = number(digits, radix: UInt64(radix)) else { throw tooLarge }
        if isNegative {
            guard magnitude <= UInt64(Int64.max) + 1 else { throw tooLarge }
            return magnitude == UInt64(Int64.max) + 1 ? Int64.min : -Int64(magnitude)
        }
        guard magnitude <= UInt64(Int64.max) else { throw tooLarge }
        return Int64(magnitude)
    }

    /// Octal digits behind a 0.
    public static func fileMode(_ text: String) throws(Fault) -> Int64 {
        let digits = Array(text.utf8)[...]
        guard digits.count > 1, digits.first == UInt8(ascii: "0"),
            digits.allSatisfy({ (Hex.value($0) ?? 255) < 8 })
        else { throw Fault(hint: "") }
        guard let mode = number(digits, radix: 8), mode <= UInt64(Int64.max) else { throw tooLarge }
        return Int64(mode)
    }

    static let tooLarge = Fault(hint: "the number is too large")

    static func number(_ digits: ArraySlice<UInt8>, radix: UInt64) -> UInt64? {
        var result: UInt64 = 0
        for byte in digits {
            let (product, overflow) = result.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(UInt64(Hex.value(byte) ?? 0))
            guard !overflow && !carry else { return nil }
            result = sum
        }
        return result
    }
}
