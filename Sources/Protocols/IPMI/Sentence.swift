// SPDX-License-Identifier: Apache-2.0

/// Text for a log line or an error: an interpolated literal whose parts are put together by calls. String's own
/// interpolation is inlined at each place, which costs a plugin several hundred bytes a sentence.
public struct Sentence: ExpressibleByStringInterpolation {
    /// The parts of a literal, one after the other.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        /// Nothing yet; the sizes are not made use of.
        public init(literalCapacity: Int, interpolationCount: Int) {}

        /// What stands between the values.
        @inline(never)
        public mutating func appendLiteral(_ literal: String) { text += literal }

        /// Text.
        @inline(never)
        public mutating func appendInterpolation(_ value: String) { text += value }

        /// A number, in decimal.
        @inline(never)
        public mutating func appendInterpolation(_ value: Int) { text += String(value) }

        /// A byte, in decimal.
        public mutating func appendInterpolation(_ value: UInt8) { appendInterpolation(Int(value)) }
    }

    /// The whole.
    public let text: String

    /// A literal without values.
    public init(stringLiteral value: String) { text = value }

    /// A literal with values.
    @inline(never)
    public init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }
}
