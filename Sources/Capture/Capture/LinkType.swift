// SPDX-License-Identifier: Apache-2.0

/// How the bytes of a captured frame are to be understood: a number of the tcpdump.org registry.
public struct LinkType: RawRepresentable, Equatable, Sendable {
    /// The registry's number.
    public let rawValue: UInt16

    /// Any number of the registry.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// No bytes of a protocol: text only.
    public static let none = LinkType(rawValue: 0)
    /// LINKTYPE_USER0: here the register record (`RegisterRecord`).
    public static let registers = LinkType(rawValue: 147)
    /// LINKTYPE_IPMI_HPM_2: IPMI messages behind PICMG's trace header.
    public static let ipmi = LinkType(rawValue: 260)
    /// LINKTYPE_LINUX_SLL2: MCTP packets as the kernel's AF_MCTP would show them.
    public static let mctp = LinkType(rawValue: 276)
}
