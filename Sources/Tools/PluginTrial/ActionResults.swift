// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: results in the form that the ABI gives them, C memory for the length of one call.
import CKCSPlugin
import Schema

/// What became of actions, as kcs_plugin.h describes it.
enum ActionResults {
    /// Calls `body` with a record for each of `actions`; `outcomes` are `KCS_ACTION_*`, and those beyond its end say done.
    static func with(
        _ actions: [Action], _ outcomes: [UInt32],
        _ body: (UnsafePointer<UnsafePointer<kcs_action_result>>, UInt64) -> Void
    ) {
        let details = ["", "failed", "timed out"]
        let records = UnsafeMutablePointer<kcs_action_result>.allocate(capacity: max(actions.count, 1))
        defer { records.deallocate() }
        var texts: [UnsafeMutablePointer<CChar>] = []
        defer { for text in texts { text.deallocate() } }
        func keep(_ text: String) -> UnsafePointer<CChar> {
            let characters = text.utf8CString
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
            for (index, character) in characters.enumerated() { (copy + index).initialize(to: character) }
            texts.append(copy)
            return UnsafePointer(copy)
        }
        var pointers: [UnsafePointer<kcs_action_result>] = []
        for (index, action) in actions.enumerated() {
            let outcome = index < outcomes.count ? outcomes[index] : 0
            (records + index).initialize(
                to: kcs_action_result(
                    size: UInt32(MemoryLayout<kcs_action_result>.size), outcome: outcome,
                    action: keep(action.kind.words), detail: keep(details[Int(outcome)])))
            pointers.append(UnsafePointer(records + index))
        }
        pointers.withUnsafeBufferPointer { pointers in
            // An empty list has an address too.
            let base = pointers.baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<UInt>.alignment)!
            body(base, UInt64(actions.count))
        }
    }
}
