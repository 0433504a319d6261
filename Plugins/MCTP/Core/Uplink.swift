// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// The kernel's side of an uplink, a network interface. No method calls back.
public protocol UplinkPort: AnyObject {
    /// Gives the kernel a packet of the host's; false if it has no room, or no interface.
    func send(_ packet: UnsafeRawBufferPointer) -> Bool
    /// Whether packets of the kernel's are read.
    func setReading(_ on: Bool)
    /// Shows programs whether there is a host.
    func setCarrier(_ on: Bool)
}

/// Gives the channel to the kernel's MCTP stack: what the host sends goes up as it is, what the kernel sends goes down, with no
/// endpoint of our own between. EIDs, tags, control messages and reassembly are the kernel's and mctpd's.
///
/// A few packets wait here; while they do, the interface's own queue fills, so that programs wait in their `send`.
public final class Uplink: PacketUser {
    private struct Waiting {
        let slot: Int
        let count: Int
        let queued: UInt64
        let header: PacketHeader
    }

    /// Packets that wait here at most.
    public static let capacity = 8
    /// Nanoseconds after which nobody waits for a packet any more: the kernel frees a request's tag then.
    static let life: UInt64 = 6_000_000_000

    private let port: UplinkPort
    /// The longest packet, header included.
    public let longestPacket: Int
    private let memory: UnsafeMutableRawBufferPointer
    private var waiting: [Waiting] = []
    private var free = Array(0..<capacity)
    private var isReading = true
    private var isLinkActive = false
    private var traffic = Counters()

    /// Packets of the kernel's that were longer than a packet of the link's may be, or none.
    public private(set) var refused: UInt64 = 0
    /// Packets of the kernel's that the host did not take in time, or for which there was no channel.
    public private(set) var expired: UInt64 = 0
    /// Packets of the host's that the kernel had no room for, or that were none.
    public private(set) var dropped: UInt64 = 0

    /// `unit`: payload bytes of a packet that the link takes.
    public init(_ port: UplinkPort, unit: Int, observer: EndpointObserver) {
        self.port = port
        longestPacket = PacketHeader.size + unit
        memory = .allocate(byteCount: Self.capacity * longestPacket, alignment: 8)
        super.init(observer: observer)
        waiting.reserveCapacity(Self.capacity)
    }

    deinit { memory.deallocate() }

    public override var counters: Counters { traffic }
    public override var queued: Int { waiting.count }

    /// The kernel sent a packet. Only called while there is room.
    public func kernelSent(_ packet: UnsafeRawBufferPointer, now: UInt64) {
        guard let header = PacketHeader(packet), packet.count <= longestPacket else { return refused &+= 1 }
        guard isLinkActive || !needsChannel, let slot = free.popLast() else { return expired &+= 1 }
        bytes(slot, packet.count).copyMemory(from: packet)
        waiting.append(Waiting(slot: slot, count: packet.count, queued: now, header: header))
        updateReading()
    }

    /// Whether another packet may come.
    public var hasRoom: Bool { !free.isEmpty }

    // MARK: The link

    override func nextPacketSize(unit: Int) -> Int {
        dropLongerThan(unit)
        return waiting.first?.count ?? 0
    }

    override func nextPacket(unit: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        dropLongerThan(unit)
        guard let first = waiting.first else { return 0 }
        UnsafeMutableRawBufferPointer(rebasing: packet[..<first.count]).copyMemory(
            from: UnsafeRawBufferPointer(bytes(first.slot, first.count)))
        return first.count
    }

    override func packetTaken() {
        guard let first = waiting.first else { return }
        traffic.packetLeft(isLast: first.header.eom)
        remove { $0.slot == first.slot }
    }

    override func received(_ packet: UnsafeMutableRawBufferPointer, now: UInt64) -> Outcome {
        observer.record(UnsafeRawBufferPointer(packet), toHost: false)
        guard let header = PacketHeader(UnsafeRawBufferPointer(packet)) else {
            dropped &+= 1
            return .nothing
        }
        traffic.packetCame(isLast: header.eom)
        guard port.send(UnsafeRawBufferPointer(packet)) else {
            dropped &+= 1
            return .nothing
        }
        return header.eom && header.tag.isOwner ? .awaiting(header.source, header.tag.answer) : .handled
    }

    override func receivedCorrupt(_ packet: UnsafeRawBufferPointer) { dropped &+= 1 }

    override func hostAppeared(now: UInt64) { setActive(true) }
    override func linkBecameActive(now: UInt64) {
        linkReset()
        setActive(true)
    }
    public override func linkBecameInactive() {
        linkReset()
        setActive(false)
    }

    override func bringForward(to destination: EID, tag: MessageTag) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.header.destination == destination && $0.header.tag == tag })
        else { return false }
        waiting.insert(waiting.remove(at: index), at: 0)
        return true
    }

    override func dropAnswers(to destination: EID, tag: MessageTag) {
        expire { $0.header.destination == destination && $0.header.tag == tag }
    }

    override func dropAnswers(queuedBefore time: UInt64) {
        expire { !$0.header.tag.isOwner && $0.queued < time }
    }

    public override func tick(now: UInt64) {
        guard now > Self.life else { return }
        expire { $0.queued < now - Self.life }
    }

    // MARK: What waits

    private func linkReset() { expire { _ in true } }

    private func setActive(_ on: Bool) {
        isLinkActive = on
        port.setCarrier(on || !needsChannel)
    }

    private func dropLongerThan(_ unit: Int) {
        while let first = waiting.first, first.count > PacketHeader.size + unit {
            refused &+= 1
            remove { $0.slot == first.slot }
        }
    }

    private func expire(where isMeant: (Waiting) -> Bool) {
        let before = waiting.count
        remove(where: isMeant)
        expired &+= UInt64(before - waiting.count)
    }

    private func remove(where isMeant: (Waiting) -> Bool) {
        for packet in waiting where isMeant(packet) { free.append(packet.slot) }
        waiting.removeAll(where: isMeant)
        updateReading()
    }

    private func updateReading() {
        guard isReading != hasRoom else { return }
        isReading = hasRoom
        port.setReading(isReading)
    }

    private func bytes(_ slot: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory[slot * longestPacket..<slot * longestPacket + count])
    }
}
