// SPDX-License-Identifier: Apache-2.0
import Capture

/// Events that any process can predict: the one of a number, so that a reader knows what the writer must have written.
enum Script {
    /// Records the event of number `index`; its time is that number.
    static func record(_ index: UInt64, _ recorder: Recorder) {
        let low = UInt8(truncatingIfNeeded: index)
        switch index % 4 {
        case 0: recorder.idrRead(low, str: low &+ 1, at: index)
        case 1: recorder.odrAndSTRWritten(odr: low, str: low &+ 2, mask: 0xC1, at: index)
        case 2:
            // 0 to 20 bytes: every number of continuations, filled or not.
            var bytes: [UInt8] = []
            for offset in 0..<UInt8(index / 4 % 21) { bytes.append(low &+ offset) }
            bytes.withUnsafeBytes { recorder.message(.fromHost, link: .ipmi, $0, at: index) }
        default: recorder.recordsLost(index, at: index)
        }
    }
}
