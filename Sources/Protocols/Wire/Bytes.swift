// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: whole spans are copied at once; going byte by byte costs several instructions for each.

extension [UInt8] {
    /// Appends all of `bytes`.
    public mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// The same bytes, in memory of their own.
    public init(copying bytes: Span<UInt8>) {
        self = []
        append(copying: bytes)
    }
}
