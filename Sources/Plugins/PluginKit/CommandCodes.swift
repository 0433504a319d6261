// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: C's array is a tuple in Swift.
import CKCSPlugin

extension kcs_command {
    /// Says which completion codes it may answer: twelve at most.
    public mutating func set(codes list: [UInt8]) {
        let count = min(list.count, MemoryLayout.size(ofValue: codes))
        code_count = UInt8(count)
        withUnsafeMutableBytes(of: &codes) { $0.copyBytes(from: list[..<count]) }
    }
}
