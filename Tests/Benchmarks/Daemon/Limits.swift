// SPDX-License-Identifier: Apache-2.0

/// What kcsmuxd may cost; each figure is measured in the part that is named like its group. Ratios are to the C loop's
/// figure of the same run.
enum Limits {
    // Round trips.
    static let medianRatio = 1.05
    static let tailRatio = 1.15
    // Processor time a byte, user and system, when both sides sleep between bytes.
    static let processorRatio = 1.1

    // Counted in user space, for one byte on a node, or in all.
    static let instructions = 900.0
    /// One more in a run of many thousand bytes is not a byte's.
    static let allocations = 0.001
    /// Nor are those of threads that wake with time, which passes slowly under callgrind.
    static let locks = 0.05

    // System calls without a vDSO. The rest behind the point are threads that wake with time, not with bytes.
    static let callsForByte = 3.05
    static let clocksForTurn = 1.0
    /// Get Device ID under `handshake: strict`: 2 bytes come and 18 go, each with a look, a read or a write, and a wait.
    static let callsForTransfer = 200.0

    // At rest, a second.
    static let wakeUps = 0.0
    static let strictLooks = 6.0

    // Stripped, in units of 1024 bytes.
    static func size(_ file: String) -> Double {
        switch file {
        case "kcsmuxd": return 700
        case "kcsctl": return 400
        default: return 200
        }
    }

    // Footprint of three channels, and the way to them.
    static let privateMemory = 1536.0
    static let start = 15.0
    /// One busy channel among many costs as much as alone.
    static let manyRatio = 1.1

    // A debug build's stack.
    static let frames = 14.0
    static let ways = 1.0
    static let hops = 4.0
}
