// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP
import MCTPMux
import PluginKit
import Wire

/// The plugin's options: their declaration, and their values.
struct MCTPOptions {
    enum Binding: String, OptionChoice { case astlpc, dsp0254, loopback }
    /// How packets get to the kernel's MCTP stack.
    enum UplinkKind: String, OptionChoice { case tun, serial }

    static let largestUnit = 1 << 19

    private let options: OptionValue
    let binding: Binding
    let socketName: String
    let socketPath: String?
    /// Payload bytes of a packet; nil if not given.
    let unit: Int?

    static let declaration: [OptionDeclaration] = [
        .enumeration(
            "binding", of: Binding.self, required: true,
            help: "how packets travel: shared window and signals, KCS messages, or not at all"),
        .integer("eid", 8...254, default: "8", help: "this endpoint's address"),
        .integer("host_eid", 8...254, help: "assign this address to the host; makes this endpoint the bus owner"),
        .string("uuid", 36...36, help: "this endpoint's UUID, as 8-4-4-4-12 hexadecimal digits"),
        .integer(
            "mtu", 64...524_288,
            help: "payload bytes of a packet at most; default 64, for astlpc 4160; dsp0254 up to 251"),
        .object(
            "socket",
            [
                .string("name", 0...107, default: "mctp-mux", help: "abstract name for local clients; empty: none"),
                .path("path", help: "a socket in the file system as well"),
                .list("types", of: .integer(nil, 1...127), help: "message types that clients may use; default: all"),
                MuxAccess.declaration,
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
                .duration("timeout", .milliseconds(1) ... .hours(1), default: "6s", help: "from packet to packet"),
                .size("per_peer", 4096...16_777_216, default: "256KiB", help: "one sender's incomplete messages"),
                .size("total", 4096...67_108_864, default: "1MiB", help: "all incomplete messages"),
            ], default: "{}", help: "bounds of incomplete messages"),
        .object(
            "uplink",
            [
                .enumeration(
                    "type", of: UplinkKind.self, required: true,
                    help: "a TUN interface, or DSP0253 frames on a terminal"),
                .string("name", 1...15, help: "the interface, or the descriptor that the service manager passes"),
                .path("path", help: "the terminal"),
            ], help: "gives the channel to the kernel's MCTP stack instead of an endpoint here"),
        .duration(
            "request_life", .milliseconds(1) ... .hours(1), default: "6s",
            help: "how long a program's request waits for the host at most"),
    ]

    init(_ options: OptionValue) {
        self.options = options
        binding = options["binding"].enumeration(as: Binding.self)
        socketName = options["socket"]["name"].string
        socketPath = options["socket"]["path"].ifPresent?.path
        unit = options["mtu"].ifPresent.map { Int($0.integer) }
    }

    /// What the declaration alone cannot say.
    func check(_ report: OptionReport) {
        let eid = options["eid"].integer
        if let host = options["host_eid"].ifPresent, host.integer == eid {
            report.error(host, "host_eid must differ from eid, \(eid)")
        }
        if let uuid = options["uuid"].ifPresent, Self.uuidBytes(uuid.string) == nil {
            report.error(uuid, "uuid must be 8-4-4-4-12 hexadecimal digits, not \(uuid.string)")
        }
        if binding == .dsp0254, let unit, unit > DSP0254Link.largestUnit {
            report.error(options["mtu"], "mtu must be at most \(DSP0254Link.largestUnit) for dsp0254, not \(unit)")
        }
        checkUplink(report)
        if let allow = options["socket"]["allow"].ifPresent { MuxAccess.check(allow, report) }
        let perPeer = options["reassembly"]["per_peer"]
        let total = options["reassembly"]["total"].size
        if perPeer.size > total { report.error(perPeer, "per_peer must not exceed total, \(total) bytes") }
        for vendor in options["vendor"].ifPresent?.elements ?? [] {
            if (vendor["pci"].ifPresent == nil) == (vendor["iana"].ifPresent == nil) {
                report.error(vendor, "a vendor has either pci or iana")
            }
        }
    }

    private func checkUplink(_ report: OptionReport) {
        guard let uplink = options["uplink"].ifPresent else { return }
        let kind = uplink["type"].enumeration(as: UplinkKind.self)
        if binding == .loopback { report.error(uplink, "binding loopback has no host for an uplink") }
        for key in ["eid", "host_eid", "uuid", "socket", "vendor", "reassembly", "request_life"] as [StaticString]
        where options[key].isGiven {
            report.error(options[key], "\(key.description) is an endpoint's, which the kernel is beside uplink")
        }
        switch kind {
        case .tun:
            if uplink["name"].ifPresent == nil {
                report.error(uplink, "an uplink of type tun wants name, its interface")
            }
            if let path = uplink["path"].ifPresent { report.error(path, "path is for an uplink of type serial") }
        case .serial:
            if (uplink["name"].ifPresent == nil) == (uplink["path"].ifPresent == nil) {
                report.error(uplink, "an uplink of type serial wants either path or name")
            }
            if let unit, unit > PacketHeader.baselineUnit {
                report.error(options["mtu"], "mtu must be 64 for an uplink of type serial, not \(unit)")
            }
        }
    }

    /// Where the kernel's stack is; nil for an endpoint of our own.
    var uplink: (kind: UplinkKind, name: String?, path: String?)? {
        options["uplink"].ifPresent.map {
            ($0["type"].enumeration(as: UplinkKind.self), $0["name"].ifPresent?.string, $0["path"].ifPresent?.path)
        }
    }

    /// Payload bytes of a packet as the binding has it.
    var usualUnit: Int {
        if let unit { return unit }
        if binding != .astlpc || uplink?.kind == .serial { return PacketHeader.baselineUnit }
        return AstlpcLink.usualUnit
    }

    /// Who may connect.
    var access: MuxAccess { MuxAccess(options["socket"]["allow"].ifPresent) }

    /// Of options that have passed the check.
    var configuration: EndpointConfiguration {
        var configuration = EndpointConfiguration(eid: EID(UInt8(options["eid"].integer)))
        if let host = options["host_eid"].ifPresent { configuration.hostEID = EID(UInt8(host.integer)) }
        if let uuid = options["uuid"].ifPresent { configuration.uuid = Self.uuidBytes(uuid.string) }
        let reassembly = options["reassembly"]
        let perPeer = Int(reassembly["per_peer"].size)
        configuration.reassembly = ReassemblyLimits(
            timeout: reassembly["timeout"].duration.nanoseconds, perPeer: perPeer, total: Int(reassembly["total"].size))
        configuration.requestLife = options["request_life"].duration.nanoseconds
        // A queue that takes several of the longest messages.
        configuration.queueBound = max(2 << 20, 4 * perPeer)
        if let types = options["socket"]["types"].ifPresent {
            var allowed = MessageTypeSet()
            for type in types.elements { allowed.insert(MessageType(UInt8(type.integer))) }
            configuration.allowedTypes = allowed
        }
        for vendor in options["vendor"].ifPresent?.elements ?? [] {
            let commandSet = UInt16(vendor["command_set"].integer)
            if let pci = vendor["pci"].ifPresent {
                configuration.vendors.append(VendorSupport(.pci(UInt16(pci.integer)), commandSet: commandSet))
            } else if let iana = vendor["iana"].ifPresent {
                configuration.vendors.append(VendorSupport(.iana(UInt32(iana.integer)), commandSet: commandSet))
            }
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
        guard let bytes = Hex.parse(text), bytes.count == 16 else { return nil }
        return bytes
    }
}
