// SPDX-License-Identifier: Apache-2.0
//
// serio_raw over kcs_bmc_serio: the host CPU's bytes, and nothing else. The driver takes each byte in its interrupt handler
// and queues it; the queue holds 63, and later ones are dropped without a word, while the host CPU still sees IBF fall.
import CLinux
import LinuxIO

/// An open `/dev/serio_rawN`.
public final class SerioDevice: ByteDevice {
    private let node: OpenNode
    /// What the device gives.
    public let capabilities: DeviceCapabilities
    /// What the driver's queue held at open.
    public private(set) var stale: [HostByte] = []

    /// What the driver's queue holds at most. It is filled without an opener, too.
    static let capacity = 63

    init(_ node: OpenNode, _ capabilities: DeviceCapabilities) throws(Errno) {
        self.node = node
        self.capabilities = capabilities
        while stale.count < Self.capacity && node.isReadable, let byte = try receive() { stale.append(byte) }
    }

    /// Takes over a node from the process that opened it, and took these bytes out.
    init(adopting node: OpenNode, _ capabilities: DeviceCapabilities, stale: [HostByte]) {
        self.node = node
        self.capabilities = capabilities
        self.stale = stale
    }

    /// What the loop waits on.
    public var descriptor: Int32 { node.descriptor }
    /// As `Registers.interest`; there is no output.
    public func interest(input: Bool, output: Bool) -> DeviceEvents { input ? .input : [] }
    /// As `Registers.events`.
    public func events(_ readiness: DeviceEvents, awaitingOutput: Bool) -> DeviceEvents { readiness }

    /// Takes the oldest byte of the queue, only after it was told of.
    public func receive() throws(Errno) -> HostByte? {
        var value: UInt8 = 0
        let result = withUnsafeMutableBytes(of: &value) {
            Syscalls.read(node.descriptor, into: $0, retryOnInterrupt: false)
        }
        guard try result.get() == 1 else { throw .inputOutput }
        return HostByte(value: value, str: 0)
    }

    /// Takes out what the host CPU wrote last, for nobody, and closes the node.
    public func close() {
        var left = 2
        while left > 0 && node.isReadable, (try? receive()) != nil { left -= 1 }
        node.close()
    }
}
