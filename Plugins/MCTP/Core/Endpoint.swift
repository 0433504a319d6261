// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// An MCTP endpoint with local clients: answers control requests itself, and carries all other messages between the host
/// and programs that speak the `mctp-mux` socket protocol.
///
/// That protocol: a client's first packet is one byte, the message type that it listens to; every later one, in both
/// directions, is the other end's EID and a whole message. A message to our own EID goes to one other client.
///
/// It does no input or output: packets come in from a link (`AstlpcLink`, `DSP0254Link`, `LoopbackLink`), which takes
/// outgoing ones from it. After every call but those of links, the link's `pump` is due.
public final class Endpoint: PacketUser {
    let terminus: Terminus
    private let configuration: EndpointConfiguration
    private let sockets: ClientSockets
    private var responder: ControlResponder
    private var clients = ClientTable()
    private var requests = PendingRequests()
    private var hostAddress: HostAddress?
    private var isLinkActive = false
    private var reading = ClientReading.all
    /// Whether answers that nobody asked for are dropped. False where there is no host.
    var dropsLateAnswers = true
    private let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: ControlResponder.capacity, alignment: 8)

    /// Less than this much room in the transmit queue, and clients are not read: the longest message that one read of a
    /// client can bring.
    public static let readingRoom = longestMessage
    /// The longest message that a client can send.
    public static let longestMessage = 256 << 10
    /// Less than this much more, and only root's clients are read.
    static let rootRoom = 256 << 10

    /// An endpoint without a link yet.
    public init(_ configuration: EndpointConfiguration, sockets: ClientSockets, observer: EndpointObserver) {
        self.configuration = configuration
        self.sockets = sockets
        terminus = Terminus(
            eid: configuration.eid, limits: configuration.reassembly,
            queueBound: max(configuration.queueBound, 2 * Self.readingRoom))
        responder = ControlResponder(
            eid: configuration.eid, uuid: configuration.uuid, isBusOwner: configuration.hostEID != nil,
            vendors: configuration.vendors, mediumSpecific: configuration.mediumSpecific)
        hostAddress = configuration.hostEID.map { HostAddress($0) }
        super.init(observer: observer)
    }

    deinit { answer.deallocate() }

    /// This endpoint's address now.
    public var eid: EID { terminus.eid }
    /// What went through.
    public override var counters: Counters { terminus.counters }
    /// What clients did.
    public var clientCounters: ClientCounters { clients.counters }
    /// Clients that are connected.
    public var clientCount: Int { clients.count }
    /// Messages that wait for the link.
    public override var queued: Int { terminus.queued }

    // MARK: Time

    public override var needsTick: Bool {
        terminus.queued > 0 || terminus.incomplete > 0 || isLinkActive && hostAddress?.isUnderWay == true
    }

    public override func tick(now: UInt64) {
        _ = terminus.expire(now: now)
        if now > configuration.requestLife { terminus.dropRequests(queuedBefore: now - configuration.requestLife) }
        updateReading()
        assignHostAddress(now: now)
    }

    // MARK: The link

    override func nextPacketSize(unit: Int) -> Int { terminus.nextPacketSize(unit: unit) }

    override func nextPacket(unit: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        terminus.nextPacket(unit: unit, into: packet)
    }

    override func packetRefused() { terminus.packetRefused() }

    override func bringForward(to destination: EID, tag: MessageTag) -> Bool {
        terminus.bringForward(to: destination, tag: tag)
    }

    override func dropAnswers(to destination: EID, tag: MessageTag) { terminus.dropAnswers(to: destination, tag: tag) }

    override func dropAnswers(queuedBefore time: UInt64) { terminus.dropAnswers(queuedBefore: time) }

    override func hostAppeared(now: UInt64) {
        isLinkActive = true
        assignHostAddress(now: now)
    }

    override func linkBecameActive(now: UInt64) {
        isLinkActive = true
        linkReset()
        assignHostAddress(now: now)
    }

    public override func linkBecameInactive() {
        isLinkActive = false
        linkReset()
    }

    /// What waits was meant for the host that was there, and so are the answers that are awaited.
    private func linkReset() {
        terminus.dropQueued()
        terminus.linkReset()
        requests.removeAll()
        hostAddress?.reset()
        updateReading()
    }

    override func packetTaken() {
        terminus.packetTaken()
        updateReading()
    }

    override func receivedCorrupt(_ packet: UnsafeRawBufferPointer) { terminus.receivedCorrupt(packet) }

    override func received(_ packet: UnsafeMutableRawBufferPointer, now: UInt64) -> Outcome {
        observer.record(UnsafeRawBufferPointer(packet), toHost: false)
        guard case .message(let message) = terminus.receive(packet, now: now) else { return .nothing }
        if message.type == .control { return control(message, now: now) }
        message.frame[0] = message.source.rawValue
        let listeners = deliver(UnsafeRawBufferPointer(message.frame), message.tag)
        guard listeners > 0, message.tag.isOwner else { return .handled }
        guard requests.add(message, now: now) else { return .handled }
        return .awaiting(message.source, message.tag.answer)
    }

    private func control(_ message: ReceivedMessage, now: UInt64) -> Outcome {
        guard let header = ControlHeader(message.body) else { return .handled }
        guard header.isRequest else {
            if let response = ControlResponse(message.body), let line = hostAddress?.received(response) {
                observer.log(.notice, line)
            }
            return .handled
        }
        // A request owns its tag; one that does not would be an answer to an answer.
        guard message.tag.isOwner else { return .handled }
        let count = responder.respond(to: message.body, types: clients.types, into: answer)
        guard count > 0 else { return .handled }
        // The requester looks for the answer from the address that it asked.
        let asked = message.destination
        let source = asked == .null || asked == .broadcast ? responder.eid : asked
        _ = terminus.send(
            UnsafeRawBufferPointer(rebasing: answer[..<count]), to: message.source, tag: message.tag.answer,
            from: source, overtakes: true, now: now)
        if responder.eid != terminus.eid {
            observer.log(.notice, "the host changed our EID from \(terminus.eid.rawValue) to \(responder.eid.rawValue)")
            terminus.setEID(responder.eid)
        }
        return .awaiting(message.source, message.tag.answer)
    }

    private func assignHostAddress(now: UInt64) {
        guard isLinkActive, let request = hostAddress?.request(now: now) else { return }
        _ = request.withUnsafeBytes { terminus.send(request: $0, to: .null, now: now) }
    }

    // MARK: Clients

    /// A program of that user connected: its number, or nil if there are too many and it is to be closed.
    public func clientConnected(user: UInt32 = 0) -> Int? {
        if let client = clients.connect(user: user) { return client }
        observer.log(.warning, "refused a client of user \(user): \(clients.refusal(user) ?? "")")
        return nil
    }

    /// A program connected that may not, and is to be closed.
    public func clientRefused(user: UInt32) {
        clients.refuse()
        observer.log(.warning, "refused a client of user \(user): neither it nor its groups are allowed")
    }

    /// A client closed its socket, or it failed. The number is free from here on; the socket is the caller's to close.
    public func clientGone(_ client: Int) { clients.disconnect(client) }

    /// A client's socket can be written again.
    public func clientWritable(_ client: Int) { clients.writable(client, sockets) }

    /// A client sent a packet.
    public func clientSent(_ client: Int, _ bytes: UnsafeRawBufferPointer, now: UInt64) {
        precondition(clients.isConnected(client), "packets come from clients that are connected")
        guard clients.type(of: client) != nil else { return register(client, bytes) }
        guard let frame = ClientFrame(bytes, isTagged: clients.isTagged(client)) else {
            return clients.countMalformed()
        }
        let type = MessageType(frame.body[0])
        guard configuration.allowedTypes?.contains(type) ?? true else { return clients.countMalformed() }
        if frame.address == terminus.eid {
            deliverLocally(bytes, frame, from: client)
        } else {
            send(frame, of: client, now)
        }
        updateReading()
    }

    /// Sends a client's message to the host: as an answer if it is one, or else as a request.
    private func send(_ frame: ClientFrame, of client: Int, _ now: UInt64) {
        let (body, destination) = (frame.body, frame.address)
        let answered =
            frame.tag.map { requests.take(tag: $0, answer: body, to: destination, now: now) }
            ?? requests.take(answer: body, to: destination, now: now)
        let isAnswer = frame.tag.map { !$0.isOwner } ?? PendingRequests.isAnswer(body)
        var isQueued = true
        if let (tag, local) = answered {
            let source = local == .null || local == .broadcast ? terminus.eid : local
            isQueued = terminus.send(body, to: destination, tag: tag, from: source, now: now)
        } else if dropsLateAnswers, isAnswer {
            clients.countLateAnswer()
            observer.log(.debug, "dropped an answer of client \(client): its request is not open")
        } else if needsChannel, !isLinkActive {
            clients.countRefusedRequest()
            observer.log(.debug, "dropped a request of client \(client): there is no channel")
        } else if let tag = frame.tag {
            isQueued = terminus.send(request: body, to: destination, tag: tag, now: now)
        } else {
            isQueued = terminus.send(request: body, to: destination, now: now) != nil
        }
        if !isQueued { logFull(client) }
    }

    private func register(_ client: Int, _ bytes: UnsafeRawBufferPointer) {
        var reason: String?
        let isTagged = bytes.count == 2 && bytes[1] == ClientFrame.asksForTags
        if bytes.count != 1, !isTagged {
            reason = "its first packet has \(bytes.count) bytes, and must be one message type"
        } else if bytes[0] == MessageType.control.rawValue {
            reason = "message type 0 is answered by the endpoint itself"
        } else if let allowed = configuration.allowedTypes, !allowed.contains(MessageType(bytes[0])) {
            reason = "message type \(bytes[0]) is not among the types configured"
        }
        guard let reason else {
            clients.register(client, MessageType(bytes[0]), isTagged: isTagged)
            // A daemon that knows no tags would have closed the socket.
            if isTagged { _ = sockets.send(bytes, to: client) }
            return observer.log(.debug, "client \(client) listens to message type \(bytes[0])")
        }
        clients.refuse()
        clients.disconnect(client)
        sockets.close(client)
        logDropped(client, reason)
    }

    private func deliver(_ frame: UnsafeRawBufferPointer, _ tag: MessageTag) -> Int {
        var dropped: [(Int, String)] = []
        let listeners = clients.deliver(frame, tag, sockets, dropped: &dropped)
        for (client, reason) in dropped { logDropped(client, reason) }
        return listeners
    }

    /// A message to our own EID goes to one other client of its type: what a client sends does not multiply.
    private func deliverLocally(_ bytes: UnsafeRawBufferPointer, _ frame: ClientFrame, from client: Int) {
        var dropped: [(Int, String)] = []
        let tag = frame.tag ?? MessageTag(0, owner: true)
        // The address stands where the tag of a frame that has one stood.
        let plain = frame.tag == nil ? [] : [frame.address.rawValue] + frame.body
        plain.withUnsafeBytes {
            clients.deliver(
                frame.tag == nil ? bytes : $0, tag, toOneBut: client, sockets, dropped: &dropped)
        }
        for (client, reason) in dropped { logDropped(client, reason) }
    }

    private func updateReading() {
        let room = terminus.room
        let wanted: ClientReading =
            room >= Self.readingRoom + Self.rootRoom ? .all : room >= Self.readingRoom ? .root : .none
        guard wanted != reading else { return }
        reading = wanted
        sockets.setReading(wanted)
    }

    private func logDropped(_ client: Int, _ reason: String) {
        observer.log(.warning, "closed client \(client): \(reason)")
    }

    private func logFull(_ client: Int) {
        observer.log(.warning, "dropped a message of client \(client): \(terminus.queued) wait for the host")
    }
}
