// SPDX-License-Identifier: Apache-2.0

/// How a linear sensor's one-byte reading stands for a value: y = (M·x + B·10^K1)·10^K2 (IPMI 2.0 §36.3).
///
/// Values are fixed point, thousandths of the sensor's unit, so that no floating point is needed.
public struct SensorConversion: Equatable, Sendable {
    /// Multiplier, -512 to 511.
    public let m: Int16
    /// Offset, -512 to 511.
    public let b: Int16
    /// K1, the offset's decimal exponent, -8 to 7.
    public let offsetExponent: Int8
    /// K2, the result's decimal exponent, -8 to 7.
    public let resultExponent: Int8
    /// True if the reading is two's complement; otherwise it is unsigned.
    public let signed: Bool

    /// The reading is the value.
    public static let plain = SensorConversion()

    private init() {
        m = 1
        b = 0
        offsetExponent = 0
        resultExponent = 0
        signed = false
    }

    /// A conversion as a record states it; nil outside the fields' ranges, or with M = 0, or a product too large for
    /// this arithmetic.
    public init?(m: Int16, b: Int16, offsetExponent: Int8, resultExponent: Int8, signed: Bool) {
        guard m >= -512, m <= 511, m != 0, b >= -512, b <= 511 else { return nil }
        guard offsetExponent >= -8, offsetExponent <= 7, resultExponent >= -8, resultExponent <= 7 else { return nil }
        self.m = m
        self.b = b
        self.offsetExponent = offsetExponent
        self.resultExponent = resultExponent
        self.signed = signed
    }

    /// The conversion that a full sensor record (type 01) states; nil if it is none, is cut off, or is not linear.
    public init?(record: [UInt8]) {
        guard record.count >= 30, record[3] == 0x01, record[23] & 0x7F == 0 else { return nil }
        // Ones' complement, and no analogue reading at all, have no conversion here.
        guard record[20] >> 6 & 1 == 0 else { return nil }
        func signed10(_ low: UInt8, _ high: UInt8) -> Int16 {
            let value = Int16(low) | Int16(high >> 6) << 8
            return value >= 512 ? value - 1024 : value
        }
        func signed4(_ value: UInt8) -> Int8 { value >= 8 ? Int8(value) - 16 : Int8(value) }
        self.init(
            m: signed10(record[24], record[25]), b: signed10(record[26], record[27]),
            offsetExponent: signed4(record[29] & 15), resultExponent: signed4(record[29] >> 4),
            signed: record[20] >> 6 == 2)
    }

    /// The conversion with the finest round step that covers `minimum...maximum` (thousandths of the unit).
    ///
    /// Steps are 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten, and the offset is a multiple of the step
    /// wherever three digits can state one: values in whole steps then come out exactly. nil if the range is empty or
    /// beyond ±10^9 units.
    public init?(minimum: Int64, maximum: Int64) {
        let limit: Int64 = 1_000_000_000_000
        guard minimum < maximum, minimum >= -limit, maximum <= limit else { return nil }
        // A step is mantissa·10^exponent thousandths of a thousandth: micro-units keep millivolt steps exact.
        let low = minimum * 1000
        let high = maximum * 1000
        for exponent in 0...14 {
            guard let power = SensorConversion.power10(exponent) else { return nil }
            for mantissa: Int64 in [10, 12, 15, 20, 25, 30, 40, 50, 60, 80] {
                let (step, overflow) = mantissa.multipliedReportingOverflow(by: power)
                guard !overflow else { return nil }
                let aligned = (low >= 0 || low % step == 0 ? low / step : low / step - 1) * step
                guard let offset = SensorConversion.offset(for: aligned, step: step) else { continue }
                // x = 255 must reach the top.
                guard offset.value + 255 * step >= high else { continue }
                let resultExponent = exponent - 6
                guard resultExponent >= -8, resultExponent <= 7 else { return nil }
                let offsetExponent = offset.exponent - resultExponent
                guard offsetExponent >= -8, offsetExponent <= 7 else { continue }
                self.m = Int16(mantissa)
                self.b = Int16(offset.mantissa)
                self.offsetExponent = Int8(offset.mantissa == 0 ? 0 : offsetExponent)
                self.resultExponent = Int8(resultExponent)
                self.signed = false
                return
            }
        }
        return nil
    }

    /// The largest offset not above `low` (micro-units) that B·10^K can state: B in -512...511, `exponent` relative to
    /// one unit. nil if the offset would lie more than a quarter of the range below.
    private static func offset(for low: Int64, step: Int64) -> (value: Int64, mantissa: Int64, exponent: Int)? {
        if low == 0 { return (0, 0, 0) }
        for exponent in 0...14 {
            guard let power = power10(exponent) else { return nil }
            var mantissa = low / power
            if low < 0 && mantissa * power != low { mantissa -= 1 }
            if mantissa >= -512 && mantissa <= 511 {
                let value = mantissa * power
                return low - value <= 64 * step ? (value, mantissa, exponent - 6) : nil
            }
        }
        return nil
    }

    private static func power10(_ exponent: Int) -> Int64? {
        guard exponent >= 0, exponent <= 18 else { return nil }
        var value: Int64 = 1
        for _ in 0..<exponent { value *= 10 }
        return value
    }

    /// The value that `reading` stands for, in thousandths of the unit, rounded to nearest.
    public func value(of reading: UInt8) -> Int64 {
        let x = signed ? Int64(Int8(bitPattern: reading)) : Int64(reading)
        // The sum in units of 10^low, where low is the smaller of the two terms' exponents.
        let first = Int(resultExponent)
        let second = Int(offsetExponent) + Int(resultExponent)
        let low = min(first, second)
        let sum =
            Int64(m) * x * (SensorConversion.power10(first - low) ?? 0)
            + Int64(b) * (SensorConversion.power10(second - low) ?? 0)
        let shift = low + 3
        if shift >= 0 {
            let (product, overflow) = sum.multipliedReportingOverflow(by: SensorConversion.power10(shift) ?? 0)
            return overflow ? (sum < 0 ? Int64.min : Int64.max) : product
        }
        let divisor = SensorConversion.power10(-shift) ?? 1
        return sum >= 0 ? (sum + divisor / 2) / divisor : (sum - divisor / 2) / divisor
    }

    /// The reading that stands for `value` (thousandths of the unit), the nearest that there is.
    public func reading(of value: Int64) -> UInt8 {
        // The conversion is monotonic in x: bisect over the 256 readings, without any division that could overflow.
        var low = signed ? -128 : 0
        var high = signed ? 127 : 255
        let rising = m > 0
        while low < high {
            let middle = low + (high - low) / 2
            let here = self.value(of: UInt8(truncatingIfNeeded: middle))
            if rising ? here < value : here > value { low = middle + 1 } else { high = middle }
        }
        let start = signed ? -128 : 0
        if low > start {
            let above = distance(self.value(of: UInt8(truncatingIfNeeded: low)), value)
            let below = distance(self.value(of: UInt8(truncatingIfNeeded: low - 1)), value)
            if below < above { low -= 1 }
        }
        return UInt8(truncatingIfNeeded: low)
    }

    /// `delta` thousandths of the unit as a number of reading steps, rounded to nearest, at most 255.
    public func steps(of delta: Int64) -> UInt8 {
        let origin = value(of: 0)
        let one = distance(value(of: 1), origin)
        guard one > 0, delta > 0 else { return 0 }
        return UInt8(clamping: (delta + one / 2) / one)
    }

    private func distance(_ a: Int64, _ b: Int64) -> Int64 {
        let (difference, overflow) = a.subtractingReportingOverflow(b)
        return overflow ? Int64.max : (difference < 0 ? 0 - difference : difference)
    }
}
