// SPDX-License-Identifier: Apache-2.0

/// Decimal text as thousandths, without floating point.
public enum FixedPoint {
    /// The value of `text` in thousandths, times `numerator` over `denominator`, rounded to nearest.
    ///
    /// Takes an optional sign, digits and at most one point; blanks and a newline around it, as kernel files have
    /// them. nil for anything else, and for what does not fit.
    public static func thousandths(_ text: [UInt8], numerator: Int64 = 1, denominator: Int64 = 1) -> Int64? {
        precondition(denominator > 0, "a scale divides by a positive number")
        var bytes = text[...]
        while let last = bytes.last, last == 0x20 || last == 0x0A || last == 0x0D || last == 0x09 || last == 0 {
            bytes = bytes.dropLast()
        }
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes = bytes.dropFirst() }
        var negative = false
        if let sign = bytes.first, sign == 0x2D || sign == 0x2B {
            negative = sign == 0x2D
            bytes = bytes.dropFirst()
        }
        var value: Int64 = 0
        var digits = 0
        var decimals: Int?
        for byte in bytes {
            if byte == 0x2E {
                guard decimals == nil else { return nil }
                decimals = 0
                continue
            }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            digits += 1
            if let count = decimals {
                // Beyond a millionth nothing is kept.
                guard count < 6 else { continue }
                decimals = count + 1
            }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            let (sum, carry) = product.addingReportingOverflow(Int64(byte - 0x30))
            guard !carry else { return nil }
            value = sum
        }
        guard digits > 0 else { return nil }
        var divisor = denominator
        for _ in 0..<(decimals ?? 0) {
            let (product, overflow) = divisor.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            divisor = product
        }
        let (thousand, overflow) = value.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return nil }
        let (scaled, carry) = thousand.multipliedReportingOverflow(by: numerator)
        guard !carry else { return nil }
        let half = divisor / 2
        let (rounded, excess) = scaled.addingReportingOverflow(scaled < 0 ? 0 - half : half)
        guard !excess else { return nil }
        let result = rounded / divisor
        return negative ? 0 - result : result
    }
}
