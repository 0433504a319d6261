// SPDX-License-Identifier: Apache-2.0
import Wire

/// A vendor whose messages this endpoint speaks, as Get Vendor Defined Message Support tells it.
public struct VendorSupport: Equatable, Sendable {
    /// Who the vendor is.
    public enum Identity: Equatable, Sendable {
        /// A PCI vendor id: messages of type 0x7E.
        case pci(UInt16)
        /// An IANA enterprise number: messages of type 0x7F.
        case iana(UInt32)
    }

    /// Who the vendor is.
    public let identity: Identity
    /// The vendor's own number for the set of commands, or its version.
    public let commandSet: UInt16

    /// A vendor by its parts.
    public init(_ identity: Identity, commandSet: UInt16 = 0) {
        self.identity = identity
        self.commandSet = commandSet
    }
}

/// Answers control requests (DSP0236 §12): every one, with completion code 0x05 for what it does not know.
public struct ControlResponder {
    /// Room that every answer fits in.
    public static let capacity = 64 + 128
    /// The address from the configuration, which it had at start.
    public let staticEID: EID
    /// The address now: Set Endpoint ID changes it.
    public private(set) var eid: EID
    /// The identity that does not change; Get Endpoint UUID is an unknown command without it.
    public let uuid: [UInt8]?
    /// We assign addresses: nobody may set ours.
    public let isBusOwner: Bool
    /// Vendors whose messages are spoken.
    public let vendors: [VendorSupport]
    /// What the binding says about its medium in the answer to Get Endpoint ID.
    public let mediumSpecific: UInt8

    /// `uuid` has 16 bytes in the order of its text form.
    public init(
        eid: EID, uuid: [UInt8]? = nil, isBusOwner: Bool = false, vendors: [VendorSupport] = [],
        mediumSpecific: UInt8 = 0
    ) {
        precondition(uuid == nil || uuid!.count == 16, "a UUID has 16 bytes")
        precondition(vendors.count < 0xFF, "vendor set selectors are one byte, and 0xFF ends them")
        staticEID = eid
        self.eid = eid
        self.uuid = uuid
        self.isBusOwner = isBusOwner
        self.vendors = vendors
        self.mediumSpecific = mediumSpecific
    }

    /// Answers a request. `types` are those that somebody is listening to, control messages not among them. The answer is
    /// written to `answer`, which has room for `capacity` bytes; 0 bytes for a message that is not a request, or wants
    /// no answer, or is too short to have a command.
    public mutating func respond(
        to message: UnsafeRawBufferPointer, types: MessageTypeSet, into answer: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let header = ControlHeader(message), header.isRequest, !header.isDatagram else { return 0 }
        var request = ByteReader(message)
        _ = request.skip(ControlHeader.size)
        var writer = ByteWriter(answer)
        var response = header
        response.isRequest = false
        response.write(to: &writer)
        switch header.command {
        case .setEndpointID: setEndpointID(&request, &writer)
        case .getEndpointID: getEndpointID(&request, &writer)
        case .getEndpointUUID: getUUID(&request, &writer)
        case .getVersionSupport: getVersions(&request, types, &writer)
        case .getMessageTypeSupport: getTypes(&request, types, &writer)
        case .getVendorMessageSupport: getVendor(&request, &writer)
        default: writer.write(.unsupportedCommand)
        }
        return writer.overflowed ? 0 : writer.count
    }

    private mutating func setEndpointID(_ request: inout ByteReader, _ answer: inout ByteWriter) {
        guard !isBusOwner else { return answer.write(.unsupportedCommand) }
        guard let operation = request.readUInt8(), let value = request.readUInt8(), request.isAtEnd else {
            return answer.write(.invalidLength)
        }
        let wanted = EID(value)
        switch operation & 3 {
        case 0, 1:
            guard wanted.isAssignable else { return answer.write(.invalidData) }
            eid = wanted
        case 2: eid = staticEID
        default: return answer.write(.invalidData)
        }
        answer.write(.success)
        answer.writeUInt8(0)
        answer.writeUInt8(eid.rawValue)
        answer.writeUInt8(0)
    }

    private func getEndpointID(_ request: inout ByteReader, _ answer: inout ByteWriter) {
        guard request.isAtEnd else { return answer.write(.invalidLength) }
        answer.write(.success)
        answer.writeUInt8(eid.rawValue)
        // Simple endpoint or bus owner; a static address, which is the present one (2) or not (3).
        answer.writeUInt8((isBusOwner ? 0x10 : 0) | (eid == staticEID ? 2 : 3))
        answer.writeUInt8(mediumSpecific)
    }

    private func getUUID(_ request: inout ByteReader, _ answer: inout ByteWriter) {
        guard let uuid else { return answer.write(.unsupportedCommand) }
        guard request.isAtEnd else { return answer.write(.invalidLength) }
        answer.write(.success)
        answer.writeBytes(uuid)
    }

    private func getVersions(_ request: inout ByteReader, _ types: MessageTypeSet, _ answer: inout ByteWriter) {
        guard let type = request.readUInt8(), request.isAtEnd else { return answer.write(.invalidLength) }
        // Base and control protocol: 1.0 to 1.3.0. Of the others we carry only the binding, whose version is 1.0.
        let known: [[UInt8]] = [
            [0xF1, 0xF0, 0xFF, 0x00], [0xF1, 0xF1, 0xFF, 0x00], [0xF1, 0xF2, 0xFF, 0x00], [0xF1, 0xF3, 0xF3, 0x00],
        ]
        let isBase = type == 0xFF || type == MessageType.control.rawValue
        guard isBase || (type < 0x80 && types.contains(MessageType(type))) else {
            return answer.write(.unsupportedType)
        }
        answer.write(.success)
        answer.writeUInt8(isBase ? UInt8(known.count) : 1)
        for version in isBase ? known : [known[0]] { answer.writeBytes(version) }
    }

    private func getTypes(_ request: inout ByteReader, _ types: MessageTypeSet, _ answer: inout ByteWriter) {
        guard request.isAtEnd else { return answer.write(.invalidLength) }
        answer.write(.success)
        answer.writeUInt8(UInt8(types.count))
        for number in 0..<UInt8(0x80) where types.contains(MessageType(number)) { answer.writeUInt8(number) }
    }

    private func getVendor(_ request: inout ByteReader, _ answer: inout ByteWriter) {
        guard !vendors.isEmpty else { return answer.write(.unsupportedCommand) }
        guard let selector = request.readUInt8(), request.isAtEnd else { return answer.write(.invalidLength) }
        guard Int(selector) < vendors.count else { return answer.write(.invalidData) }
        let vendor = vendors[Int(selector)]
        answer.write(.success)
        answer.writeUInt8(Int(selector) + 1 < vendors.count ? selector + 1 : 0xFF)
        switch vendor.identity {
        case .pci(let number):
            answer.writeUInt8(0)
            answer.writeUInt16BigEndian(number)
        case .iana(let number):
            answer.writeUInt8(1)
            answer.writeUInt32BigEndian(number)
        }
        answer.writeUInt16BigEndian(vendor.commandSet)
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ code: ControlCompletionCode) { writeUInt8(code.rawValue) }
}
