// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: kcsmuxd's record, valid during `Handler.stats`.
import CKCSPlugin

/// Where an instance's figures go; only valid during `Handler.stats`.
public struct Stats {
    let pointer: UnsafePointer<kcs_stats>

    /// A figure. Names are [a-z0-9_]+.
    public func number(_ name: String, _ value: UInt64) {
        name.withCString { pointer.pointee.number(pointer.pointee.ctx, $0, value) }
    }

    /// A word or a sentence.
    public func text(_ name: String, _ value: String) {
        name.withCString { name in value.withCString { pointer.pointee.text(pointer.pointee.ctx, name, $0) } }
    }
}
