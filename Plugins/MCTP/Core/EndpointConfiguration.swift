// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// What an endpoint is, as the configuration says.
public struct EndpointConfiguration {
    /// Its own address.
    public var eid: EID
    /// The address that the host gets: makes this endpoint the bus owner.
    public var hostEID: EID?
    /// 16 bytes; Get Endpoint UUID is not known without.
    public var uuid: [UInt8]?
    /// Vendors for Get Vendor Defined Message Support.
    public var vendors: [VendorSupport]
    /// Bounds of reassembly.
    public var reassembly: ReassemblyLimits
    /// Bytes of messages that may wait for the link.
    public var queueBound: Int
    /// Message types that clients may register and send; nil for all but control.
    public var allowedTypes: MessageTypeSet?
    /// For the answer to Get Endpoint ID.
    public var mediumSpecific: UInt8
    /// Nanoseconds that a client's request waits for the host at most.
    public var requestLife: UInt64

    /// An endpoint at `eid` that leaves everything else at its default.
    public init(
        eid: EID = EID(8), hostEID: EID? = nil, uuid: [UInt8]? = nil, vendors: [VendorSupport] = [],
        reassembly: ReassemblyLimits = ReassemblyLimits(), queueBound: Int = 2 << 20,
        allowedTypes: MessageTypeSet? = nil, mediumSpecific: UInt8 = 0, requestLife: UInt64 = 6_000_000_000
    ) {
        self.eid = eid
        self.hostEID = hostEID
        self.uuid = uuid
        self.vendors = vendors
        self.reassembly = reassembly
        self.queueBound = queueBound
        self.allowedTypes = allowedTypes
        self.mediumSpecific = mediumSpecific
        self.requestLife = requestLife
    }
}

/// Where an endpoint tells what it sees. No method calls back.
public protocol EndpointObserver: AnyObject {
    /// A line for the log.
    func log(_ level: LogLevel, _ text: String)
    /// A packet that came from the host, or that the link took for it.
    func record(_ packet: UnsafeRawBufferPointer, toHost: Bool)
}
