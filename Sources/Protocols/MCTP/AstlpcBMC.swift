// SPDX-License-Identifier: Apache-2.0

/// The BMC's side of the astlpc binding, without registers: signals of the host go in, and the register writes that are
/// due are asked for.
///
///     start ──▶ inactive ◀──────────── refused
///                  │  host: initialise    ▲
///                  └──────▶ negotiation ──┴──▶ active ──▶ (host: initialise: again)
///
/// After every call, its user performs `write` until there is none, or the host must read ODR first; `written` says that
/// one was done. Every value in the window is the host's to change at any time, so each is copied out once and judged
/// before it is used, and where our own buffers lie is never taken from the window.
public struct AstlpcBMC: ~Copyable {
    private let versions: AstlpcVersionRange
    private let requestedUnit: Int?
    private let original: AstlpcLayout
    private var layout: AstlpcLayout
    private var buffers: AstlpcBuffers
    private var status: UInt8?

    /// `unit`: payload bytes that a packet may carry at most; nil for what the window allows. Nil if the window cannot
    /// carry two buffers for the baseline unit, or the unit is below it.
    public init?(_ window: Window, versions: AstlpcVersionRange = .all, unit: Int? = nil) {
        precondition(
            versions.minimum >= 1 && versions.minimum <= versions.current && versions.current <= 3,
            "versions 1 to 3 are implemented")
        // Space is laid out for the newest version, which needs the most.
        let newest = AstlpcVersion(rawValue: versions.current)!
        let layout = AstlpcLayout(window: window.count, version: newest, unit: unit)
        guard (unit ?? PacketHeader.baselineUnit) >= PacketHeader.baselineUnit,
            layout.fault(version: newest, window: window.count) == nil
        else { return nil }
        self.versions = versions
        requestedUnit = unit
        original = layout
        self.layout = layout
        buffers = AstlpcBuffers(window)
    }

    /// Begins: the control area is written, and the host told that the BMC is there.
    public mutating func start() {
        buffers.close()
        layout = original
        _ = AstlpcHeader(bmcVersions: versions, layout: layout).write(to: buffers.window)
        status = AstlpcStatus.bmcReady
    }

    /// Ends: the host is told that the BMC is gone.
    public mutating func stop() {
        buffers.close()
        status = 0
    }

    /// A byte of the host came out of IDR.
    public mutating func hostWrote(_ signal: UInt8) -> AstlpcEvent {
        switch signal {
        case AstlpcSignal.initialise: return initialise()
        case AstlpcSignal.dummy: return .none
        case AstlpcSignal.transmitBegin: return buffers.transmitBegan()
        case AstlpcSignal.receiveComplete: return buffers.receiveCompleted()
        default: return .protocolError(signal)
        }
    }

    /// The register write that is due; nil if there is none.
    public var write: AstlpcWrite? {
        if let status { return .status(status) }
        return buffers.signal.map { .data($0) }
    }

    /// The write that `write` asked for was done.
    public mutating func written() {
        if status != nil { status = nil } else if buffers.signal != nil { buffers.signalled() }
    }

    /// Whether packets may flow.
    public var isActive: Bool { buffers.version != nil }
    /// The version agreed on.
    public var version: AstlpcVersion? { buffers.version }
    /// Whether a packet can be sent now.
    public var hasCredit: Bool { buffers.transmitting == .acquired }
    /// Payload bytes that the next packet may carry.
    public var unit: Int { min(buffers.unit, agreedUnit) }
    /// The packet that came last, private to this process; valid until the next signal.
    public var received: UnsafeMutableRawBufferPointer { buffers.received }

    /// Memory for a packet of `count` bytes, which `send` then sends.
    public mutating func packet(_ count: Int) -> UnsafeMutableRawBufferPointer { buffers.packet(count) }

    /// Sends the packet in that memory. It needs a credit, which it uses.
    public mutating func send(_ count: Int) { buffers.send(count) }

    /// Writes what is the BMC's to say in the control area again, if something else stands there: otherwise a host that
    /// once wrote over it could not find the BMC after its own restart. To be called now and then. True if it had to.
    public mutating func repair() -> Bool {
        guard let found = AstlpcHeader(buffers.window) else { return false }
        // Word by word, and only what is wrong: the host may be writing its own words at this moment.
        let window = buffers.window
        var repaired = false
        if found.magic != AstlpcHeader.magic || found.bmcVersions != versions {
            _ = window.writeUInt32BigEndian(AstlpcHeader.magic, at: 0)
            _ = window.writeUInt16BigEndian(versions.minimum, at: AstlpcHeader.bmcVersionsOffset)
            _ = window.writeUInt16BigEndian(versions.current, at: AstlpcHeader.bmcVersionsOffset + 2)
            repaired = true
        }
        let negotiated = buffers.version?.rawValue ?? 0
        if found.negotiated != negotiated {
            _ = window.writeUInt16BigEndian(negotiated, at: AstlpcHeader.negotiatedOffset)
            repaired = true
        }
        var right = found.layout
        right.receive.offset = layout.receive.offset
        right.transmit = layout.transmit
        // The size of its receive buffer is the host's to propose, as long as it is possible.
        let version = buffers.version ?? AstlpcVersion(rawValue: versions.current)!
        if right.fault(version: version, window: window.count) != nil { right.receive.size = layout.receive.size }
        if right != found.layout {
            let words = [
                (right.receive.offset, found.layout.receive.offset), (right.receive.size, found.layout.receive.size),
                (right.transmit.offset, found.layout.transmit.offset),
                (right.transmit.size, found.layout.transmit.size),
            ]
            for (index, word) in words.enumerated() where word.0 != word.1 {
                _ = window.writeUInt32BigEndian(word.0, at: AstlpcHeader.layoutOffset + 4 * index)
            }
            repaired = true
        }
        return repaired
    }

    /// What the host asked for: the buffers may be larger, for the sake of the host after it.
    private var agreedUnit = PacketHeader.baselineUnit

    private mutating func initialise() -> AstlpcEvent {
        guard let proposal = AstlpcHeader(buffers.window) else { return .none }
        guard let version = AstlpcVersionRange.negotiate(bmc: versions, host: proposal.hostVersions) else {
            return refuse(.versions(bmc: versions, host: proposal.hostVersions))
        }
        // Nothing that the host left in the layout before version 2 is a proposal.
        var unit = PacketHeader.baselineUnit
        if version >= .v2 {
            if let fault = proposal.layout.fault(version: version, window: buffers.window.count) {
                return refuse(.layout(fault, proposal.layout))
            }
            let room = Int(original.transmit.offset - original.receive.offset)
            let size = min(room, Int(clamping: proposal.layout.receive.size))
            unit = version.packetSize(buffer: size) - PacketHeader.size
            if let requestedUnit { unit = min(unit, requestedUnit) }
        }
        // From version 2 on the host takes the unit from the size. For version 1 it says nothing, and is what the next host
        // finds: one that speaks version 3 refuses buffers that could not carry the baseline unit with its trailer.
        let announced = version == .v1 ? AstlpcVersion(rawValue: versions.current) ?? version : version
        let size = UInt32(announced.bufferSize(packet: unit + PacketHeader.size))
        layout.receive = AstlpcRegion(offset: original.receive.offset, size: size)
        layout.transmit = AstlpcRegion(offset: original.transmit.offset, size: size)
        var header = AstlpcHeader(bmcVersions: versions, layout: layout)
        header.hostVersions = proposal.hostVersions
        header.negotiated = version.rawValue
        _ = header.write(to: buffers.window)
        buffers.open(version, incoming: layout.transmit, outgoing: layout.receive)
        agreedUnit = unit
        status = AstlpcStatus.bmcReady | AstlpcStatus.channelActive
        return .active
    }

    /// No channel: the window gets its first layout back, so that the host's next attempt starts from a sound one.
    private mutating func refuse(_ refusal: AstlpcRefusal) -> AstlpcEvent {
        start()
        return .refused(refusal)
    }
}
