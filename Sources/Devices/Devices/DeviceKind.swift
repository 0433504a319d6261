// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// A kind of device: its name in a configuration, what it gives, and how it is opened. The one table of them is
/// `DeviceKind.kernel` with what other modules add; a new kind is a row and the file of its class.
public struct DeviceKind: Sendable {
    /// The word for it in a configuration.
    public let name: String
    /// What every such device gives.
    public let capabilities: DeviceCapabilities
    /// Does it bring memory of its own that it shares with the host CPU?
    public let hasWindow: Bool
    /// Does nothing of it reach the machine that the daemon runs on?
    public let isSimulated: Bool
    /// How a device is opened.
    public typealias Opener = @Sendable (DeviceSpecification) -> Result<OpenDevice, OpenFailure>
    /// How a device is taken over from the process that has it open; see `DeviceSpecification.adopt`.
    public typealias Adopter = @Sendable (DeviceSpecification, Int32?, [HostByte]) throws(Errno) -> OpenDevice
    let opener: Opener
    let adopter: Adopter

    /// A row of the table.
    public init(
        name: String, capabilities: DeviceCapabilities, hasWindow: Bool = false, isSimulated: Bool = false,
        adopter: @escaping Adopter = { _, _, _ throws(Errno) -> OpenDevice in throw .notSupported },
        opener: @escaping Opener
    ) {
        self.name = name
        self.capabilities = capabilities
        self.hasWindow = hasWindow
        self.isSimulated = isSimulated
        self.opener = opener
        self.adopter = adopter
    }

    /// What the kernel's drivers give.
    public static let kernel = [
        DeviceKind(
            name: "raw-kcs", capabilities: [.registers, .outputLags],
            adopter: { specification, descriptor, stale throws(Errno) -> OpenDevice in
                .registers(
                    try RegisterDevice(
                        adopting: NodeRegisters(try node(descriptor)), specification.capabilities, stale: stale))
            }
        ) { specification in
            OpenNode.open(specification.path) { node throws(Errno) -> OpenDevice in
                .registers(try RegisterDevice(NodeRegisters(node), specification.capabilities))
            }
        },
        DeviceKind(
            name: "serio-raw", capabilities: [.dataIn, .earlyIBF],
            adopter: { specification, descriptor, stale throws(Errno) -> OpenDevice in
                .bytes(SerioDevice(adopting: try node(descriptor), specification.capabilities, stale: stale))
            }
        ) { specification in
            OpenNode.open(specification.path) { node throws(Errno) -> OpenDevice in
                .bytes(try SerioDevice(node, specification.capabilities))
            }
        },
        DeviceKind(
            name: "ipmi-kcs", capabilities: [.messages, .attention],
            adopter: { specification, descriptor, _ throws(Errno) -> OpenDevice in
                .messages(MessageDevice(adopting: try node(descriptor), specification.capabilities))
            }
        ) { specification in
            OpenNode.open(specification.path, nonBlocking: true) { node throws(Errno) -> OpenDevice in
                .messages(try MessageDevice(node, specification.capabilities))
            }
        },
    ]
    private static func node(_ descriptor: Int32?) throws(Errno) -> OpenNode {
        guard let descriptor else { throw .invalidArgument }
        return OpenNode(adopting: descriptor)
    }
}
