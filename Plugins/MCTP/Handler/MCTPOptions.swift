// SPDX-License-Identifier: Apache-2.0
import MCTP
import MCTPMux
import PluginKit
import Wire

/// The plugin's options: their declaration, and their values.
struct MCTPOptions {
    enum Binding: Int {
        case astlpc
        case dsp0254
        case loopback
    }

    static let largestUnit = 1 << 19

    let binding: Binding
    let eid: OptionValue
    let hostEID: OptionValue
    let uuid: OptionValue
    let mtu: OptionValue
    let socketName: String
    let socketPath: String?
    private let types: OptionValue
    private let vendors: OptionValue
    private let timeout: UInt64
    private let perPeer: OptionValue
    private let total: OptionValue

    static let declaration: [OptionDeclaration] = [
        .enumeration(
            "binding", ["astlpc", "dsp0254", "loopback"], required: true,
            help: "how packets travel: shared window and signals, KCS messages, or not at all"),
        .integer("eid", 8...254, default: "8", help: "this endpoint's address"),
        .integer("host_eid", 8...254, help: "assign this address to the host; makes this endpoint the bus owner"),
        .string("uuid", 36...36, help: "this endpoint's UUID, as 8-4-4-4-12 hexadecimal digits"),
        .integer(
            "mtu", 64...524_288,
            help: "payload bytes of a packet at most; default 64, for astlpc what the window allows; dsp0254 up to 251"),
        .object(
            "socket",
            [
                .string("name", 0...107, default: "mctp-mux", help: "abstract name for local clients; empty: none"),
                .path("path", help: "a socket in the file system as well"),
                .list("types", of: .integer(nil, 1...127), help: "message types that clients may use; default: all"),
            ], default: "{}", help: "where local programs connect (mctp-mux protocol)"),
        .list(
            "vendor",
            of: .object(
                nil,
                [
                    .integer("pci", 0...0xFFFF, help: "PCI vendor id"),
                    .integer("iana", 0...0xFFFF_FFFF, help: "IANA enterprise number"),
                    .integer("command_set", 0...0xFFFF, default: "0", help: "the vendor's command set"),
                ]), 0...32, help: "vendors for Get Vendor Defined Message Support"),
        .object(
            "reassembly",
            [
                .duration("timeout", 1_000_000...3_600_000_000_000, default: "6s", help: "from packet to packet"),
                .size("per_peer", 4096...16_777_216, default: "256KiB", help: "one sender's incomplete messages"),
                .size("total", 4096...67_108_864, default: "1MiB", help: "all incomplete messages"),
            ], default: "{}", help: "bounds of incomplete messages"),
    ]

    init(_ options: OptionValue) {
        binding = Binding(rawValue: options[0].choice)!
        eid = options[1]
        hostEID = options[2]
        uuid = options[3]
        mtu = options[4]
        let socket = options[5]
        socketName = socket[0].string
        socketPath = socket[1].isAbsent ? nil : socket[1].string
        types = socket[2]
        vendors = options[6]
        timeout = options[7][0].duration
        perPeer = options[7][1]
        total = options[7][2]
    }

    /// What the declaration alone cannot say.
    func check(_ report: OptionReport) {
        if !hostEID.isAbsent, hostEID.integer == eid.integer {
            report.error(hostEID, "host_eid must differ from eid, \(eid.integer)")
        }
        if !uuid.isAbsent, Self.uuidBytes(uuid.string) == nil {
            report.error(uuid, "uuid must be 8-4-4-4-12 hexadecimal digits, not \(uuid.string)")
        }
        if binding == .dsp0254, let unit, unit > DSP0254Link.largestUnit {
            report.error(mtu, "mtu must be at most \(DSP0254Link.largestUnit) for dsp0254, not \(unit)")
        }
        if perPeer.size > total.size {
            report.error(perPeer, "per_peer must not exceed total, \(total.size) bytes")
        }
        for index in 0..<(vendors.isAbsent ? 0 : vendors.count) {
            let vendor = vendors[index]
            if vendor[0].isAbsent == vendor[1].isAbsent { report.error(vendor, "a vendor has either pci or iana") }
        }
    }

    /// Payload bytes of a packet; nil if not given.
    var unit: Int? { mtu.isAbsent ? nil : Int(mtu.integer) }

    var configuration: EndpointConfiguration {
        var configuration = EndpointConfiguration(eid: EID(UInt8(eid.integer)))
        if !hostEID.isAbsent { configuration.hostEID = EID(UInt8(hostEID.integer)) }
        if !uuid.isAbsent { configuration.uuid = Self.uuidBytes(uuid.string) }
        configuration.reassembly = ReassemblyLimits(
            timeout: timeout, perPeer: Int(perPeer.size), total: Int(total.size))
        // A queue that takes several of the longest messages.
        configuration.queueBound = max(2 << 20, 4 * Int(perPeer.size))
        if !types.isAbsent {
            var allowed = MessageTypeSet()
            for index in 0..<types.count { allowed.insert(MessageType(UInt8(types[index].integer))) }
            configuration.allowedTypes = allowed
        }
        for index in 0..<(vendors.isAbsent ? 0 : vendors.count) {
            let vendor = vendors[index]
            let commandSet = UInt16(vendor[2].integer)
            configuration.vendors.append(
                vendor[0].isAbsent
                    ? VendorSupport(.iana(UInt32(vendor[1].integer)), commandSet: commandSet)
                    : VendorSupport(.pci(UInt16(vendor[0].integer)), commandSet: commandSet))
        }
        // DSP0239: the physical medium's number for KCS.
        configuration.mediumSpecific = binding == .dsp0254 ? 0x04 : 0
        return configuration
    }

    static func uuidBytes(_ text: String) -> [UInt8]? {
        let hyphens = [8, 13, 18, 23]
        for (index, character) in text.utf8.enumerated() {
            guard (character == UInt8(ascii: "-")) == hyphens.contains(index) else { return nil }
        }
        guard let bytes = Hex.bytes(text), bytes.count == 16 else { return nil }
        return bytes
    }
}
