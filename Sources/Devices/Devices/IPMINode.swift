// SPDX-License-Identifier: Apache-2.0
//
// kcs_bmc_cdev_ipmi: the kernel runs the KCS transfer. A read gives one whole request, a write gives the answer to it, and
// is refused (EINVAL) once the host CPU no longer waits. O_NONBLOCK, which this driver tests as it should: a request that
// poll(2) reported may be given up before it is read.
import CLinux
import LinuxIO

final class IPMINode {
    private let node: OpenNode

    var descriptor: Int32 { node.descriptor }
    var isReadable: Bool { node.isReadable }

    init(_ node: OpenNode) { self.node = node }

    /// A request's length, or minus an error number: `EAGAIN` when there is none.
    func readMessage(into buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        outcome(read(descriptor, buffer.baseAddress, buffer.count))
    }

    /// 0 or minus an error number: `EINVAL` when no answer is owed.
    func writeMessage(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        let count = outcome(write(descriptor, bytes.baseAddress, bytes.count))
        return count < 0 || count == bytes.count ? min(count, 0) : -EIO
    }

    /// 0 or minus an error number.
    func setAttention(_ on: Bool) -> Int32 { outcome(Int(cl_ipmi_set_attention(descriptor, on ? 1 : 0))) }

    /// STATE becomes ERROR, and what is under way is forgotten. 0 or minus an error number.
    func forceAbort() -> Int32 { outcome(Int(cl_ipmi_force_abort(descriptor))) }

    private func outcome(_ result: Int) -> Int32 { result < 0 ? -Errno.current.rawValue : Int32(result) }
}
