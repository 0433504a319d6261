// SPDX-License-Identifier: Apache-2.0
//
// serio_raw over kcs_bmc_serio: the host CPU's bytes, and nothing else. The driver takes each byte in its interrupt handler
// and queues it; the queue holds 63, and later ones are dropped without a word, while the host CPU still sees IBF fall.
import CLinux
import LinuxIO

final class SerioNode {
    private let node: OpenNode

    /// What the driver's queue holds at most.
    static let capacity = 63

    var descriptor: Int32 { node.descriptor }
    var isReadable: Bool { node.isReadable }

    init(_ node: OpenNode) { self.node = node }

    /// One byte; only after readiness was reported. There is no STR to tell.
    @inline(__always)
    func receive() -> Received {
        var value: UInt8 = 0
        let count = read(descriptor, &value, 1)
        if count == 1 { return .byte(value, str: 0) }
        return .failed(count < 0 ? .current : .inputOutput)
    }
}
