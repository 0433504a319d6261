// SPDX-License-Identifier: Apache-2.0

/// The names by which OpenBMC's programs find a channel on the bus.
public struct ChannelNames: Equatable, Sendable {
    /// The channel's name, as it stands in ipmid's `channel_config.json`.
    public let name: String

    /// The names of a channel; nil for one that D-Bus has no place for.
    public init?(_ name: String) {
        guard Self.isElement(name) else { return nil }
        self.name = name
    }

    /// The name that a channel has unless another is given: D-Bus has no hyphens.
    public static func suggested(for channel: String) -> String {
        String(decoding: channel.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }

    /// By which ipmid knows whose request it has.
    public var service: String { "xyz.openbmc_project.Ipmi.Channel." + name }
    /// The object with what the host CPU may be told.
    public var object: String { "/xyz/openbmc_project/Ipmi/Channel/" + name }
    /// Its interface.
    public static let interface = "xyz.openbmc_project.Ipmi.Channel.SMS"
    /// The name, and the interface, that ipmid calls for the host CPU's attention.
    public static let hostIPMI = "org.openbmc.HostIpmi"
    /// Its object.
    public static let hostObject = "/org/openbmc/HostIpmi/1"

    /// Is it a part of D-Bus's names: letters, digits and underscores, no digit first?
    public static func isElement(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, !isDigit(first), bytes.count <= 200 else { return false }
        return bytes.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }
    }

    /// Is it a name that a service may have: two elements or more, which may have hyphens, with dots between them?
    public static func isService(_ text: String) -> Bool {
        let elements = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return elements.count >= 2 && text.utf8.count <= 255
            && elements.allSatisfy { element in
                guard let first = element.first, !isDigit(first) else { return false }
                return element.allSatisfy {
                    isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                }
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    private static func isLetter(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
    }
}
