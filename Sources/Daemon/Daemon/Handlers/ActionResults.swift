// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the records and their texts are the ABI's, and live until the plugin has returned.
import CKCSPlugin
import CLinux
import PluginHost

/// What became of an action list, as a plugin is told.
enum ActionResults {
    /// Calls a plugin's `done`.
    static func tell(
        _ outcomes: [ActionRunner.Outcome], _ pointer: UnsafeMutableRawPointer?,
        _ done: HandlerInstance.ActionsCallback
    ) {
        var records: [UnsafePointer<kcs_action_result>] = []
        for outcome in outcomes {
            let record = UnsafeMutablePointer<kcs_action_result>.allocate(capacity: 1)
            record.initialize(
                to: kcs_action_result(
                    size: UInt32(MemoryLayout<kcs_action_result>.size), outcome: outcome.result.rawValue,
                    action: outcome.action.withCString { strdup($0) }, detail: outcome.detail.withCString { strdup($0) }
                ))
            records.append(UnsafePointer(record))
        }
        // An empty list still has an address.
        records.withUnsafeBufferPointer { list in
            let base = list.baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<UInt>.alignment)!
            done(pointer, base, UInt64(list.count))
        }
        for record in records {
            free(UnsafeMutableRawPointer(mutating: record.pointee.action))
            free(UnsafeMutableRawPointer(mutating: record.pointee.detail))
            record.deallocate()
        }
    }
}
