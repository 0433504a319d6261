// SPDX-License-Identifier: Apache-2.0
//
// The kernel's own KCS transfer: whole requests and answers. The node is opened with O_NONBLOCK, for a request that was
// reported may be given up before it is read.
import CLinux
import LinuxIO

/// An open `/dev/ipmi-kcsN`. One thread uses it.
public final class MessageDevice {
    private let node: OpenNode
    /// What the device gives.
    public let capabilities: DeviceCapabilities

    /// What the host CPU began was meant for a process that is gone. It sees an error, and begins anew.
    init(_ node: OpenNode, _ capabilities: DeviceCapabilities) throws(Errno) {
        self.node = node
        self.capabilities = capabilities
        try forceAbort()
    }

    /// Takes over a node from the process that opened it.
    init(adopting node: OpenNode, _ capabilities: DeviceCapabilities) {
        self.node = node
        self.capabilities = capabilities
    }

    /// What the loop waits on.
    public var descriptor: Int32 { node.descriptor }

    /// Reads one request: its length; nil when there is none (any longer).
    public func readMessage(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int? {
        switch Syscalls.read(descriptor, into: buffer, retryOnInterrupt: false) {
        case .success(let count): return count
        case .failure(.wouldBlock): return nil
        case .failure(let errno): throw errno
        }
    }

    /// Writes the answer to the request that was read last, of 3 to 1000 bytes. `EINVAL`: the host CPU no longer waits for
    /// it.
    public func writeMessage(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        let count = try Syscalls.write(descriptor, bytes, retryOnInterrupt: false).get()
        guard count == bytes.count else { throw .inputOutput }
    }

    /// Closes the node.
    public func close() { node.close() }

    /// Sets or clears SMS_ATN.
    public func setAttention(_ on: Bool) throws(Errno) {
        _ = try retryingInterrupts { cl_ipmi_set_attention(descriptor, on ? 1 : 0) }.get()
    }

    /// STATE becomes ERROR, and what is under way is forgotten.
    public func forceAbort() throws(Errno) {
        _ = try retryingInterrupts { cl_ipmi_force_abort(descriptor) }.get()
    }
}
