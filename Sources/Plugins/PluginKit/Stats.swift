// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: kcsmuxd's record, valid during `Handler.stats`.
import CKCSPlugin

/// Where an instance's figures go; only valid during `Handler.stats`.
public struct Stats {
    let pointer: UnsafePointer<kcs_stats>

    /// A figure that counts up, from 0 when the handler was created, such as what came and what failed.
    public func count(_ name: String, _ value: UInt64, unit: String? = nil) {
        put(name, UInt32(KCS_FIGURE_COUNTER), unit, value)
    }

    /// A figure that goes up and down, such as what is left. `unit`: "bytes", "watts", "milliseconds"; nil for what is counted.
    public func gauge(_ name: String, _ value: UInt64, unit: String? = nil) {
        put(name, UInt32(KCS_FIGURE_GAUGE), unit, value)
    }

    private func put(_ name: String, _ kind: UInt32, _ unit: String?, _ value: UInt64) {
        // kcsmuxd may be one of ABI 1.0, whose record ends before the fourth word behind its head.
        let end = 8 + 4 * MemoryLayout<UnsafeRawPointer>.size
        guard Int(pointer.pointee.size) >= end else { return number(name, value) }
        name.withCString { name in
            let (context, figure) = (pointer.pointee.ctx, pointer.pointee.figure)
            guard let unit else { return figure(context, name, kind, nil, value) }
            unit.withCString { figure(context, name, kind, $0, value) }
        }
    }

    /// A figure of which nothing more is known. Names are [a-z0-9_]+.
    public func number(_ name: String, _ value: UInt64) {
        name.withCString { pointer.pointee.number(pointer.pointee.ctx, $0, value) }
    }

    /// A word or a sentence.
    public func text(_ name: String, _ value: String) {
        name.withCString { name in value.withCString { pointer.pointee.text(pointer.pointee.ctx, name, $0) } }
    }
}
