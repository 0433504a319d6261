// SPDX-License-Identifier: Apache-2.0
//
// The Embedded build imports this module into every file. The standard library's members of these names are inlined into
// each string literal with values in it, at some hundred bytes for each value; these are called instead, which makes the
// programs a fifth smaller. What they append is the same.

extension DefaultStringInterpolation {
    /// The text between two values.
    @inline(never) public mutating func appendLiteral(_ literal: String) { write(literal) }
    /// A text.
    @inline(never) public mutating func appendInterpolation(_ value: String) { write(value) }
    /// A part of a text.
    @inline(never) public mutating func appendInterpolation(_ value: Substring) { write(String(value)) }
    /// A number in decimal.
    @inline(never) public mutating func appendInterpolation(_ value: Int) { write(String(value)) }
    /// A number in decimal.
    @inline(never) public mutating func appendInterpolation(_ value: Int64) { write(String(value)) }
    /// A number in decimal.
    @inline(never) public mutating func appendInterpolation(_ value: UInt64) { write(String(value)) }
    /// A number in decimal.
    public mutating func appendInterpolation(_ value: Int32) { appendInterpolation(Int64(value)) }
    /// A number in decimal.
    public mutating func appendInterpolation(_ value: UInt32) { appendInterpolation(UInt64(value)) }
    /// A number in decimal.
    public mutating func appendInterpolation(_ value: UInt16) { appendInterpolation(UInt64(value)) }
    /// A number in decimal.
    public mutating func appendInterpolation(_ value: UInt8) { appendInterpolation(UInt64(value)) }
}
