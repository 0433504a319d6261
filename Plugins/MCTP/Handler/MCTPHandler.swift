// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import MCTP
import MCTPMux
import PluginKit

/// An MCTP endpoint on a channel: makes the endpoint, its link and its sockets, and passes on what happens.
public final class MCTPHandler: Handler {
    private static let tickInterval = Duration.seconds(1)
    /// While nothing happens: a host may test its memory, and write over the window.
    private static let restInterval = Duration.seconds(30)

    private let options: MCTPOptions
    private(set) var endpoint: Endpoint?
    private var link: Link?
    private var astlpc: AstlpcLink?
    private var messages: DSP0254Link?
    private(set) var sockets: MuxSockets?
    private var timer: HandlerTimer?
    /// Something happened since the last tick, and the next is soon.
    private var isBusy = false
    /// For a host that does not read that the BMC was not ready.
    private var pauseTimer: HandlerTimer?
    /// For a host that waits for an answer.
    private var answerTimer: HandlerTimer?

    /// The plugin.
    public static let plugin: Plugin = Plugin(
        name: "mctp", version: "0.1.0", summary: "an MCTP endpoint for local programs (mctp-mux protocol)",
        inputs: [.none, .automatic, .messages], options: MCTPOptions.declaration, requests: [packet],
        check: { plugin.check($0, $1) { MCTPOptions($0).check($1) } },
        create: { plugin.create($0, $1, $2, $3) { MCTPHandler(host: $0, options: $1) } })

    /// A packet of DSP0254: three bytes, as many as the third one says, and one. DCMI's requests have DC there, with the same NetFn
    /// and command 01: of packets as long as that the length is not known.
    private static let packet = kcs_request_length(
        net_fn: DSP0254.networkFunction >> 2, command: DSP0254.definingBody,
        shortest: UInt16(DSP0254.overhead + PacketHeader.size), longest: UInt16(DSP0254.overhead) + 0xDB,
        reserved: UInt16(DSP0254.overhead) << 8 | 2)

    /// An instance with options that have passed the check.
    init(host: Host, options: OptionValue) {
        self.options = MCTPOptions(options)
        super.init(host: host)
    }

    /// Opens the sockets, and tells the host CPU that there is an endpoint.
    public override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        let sockets = MuxSockets(self, options.access)
        let endpoint = Endpoint(options.configuration, sockets: sockets, observer: ChannelObserver(host))
        self.sockets = sockets
        self.endpoint = endpoint
        do {
            let input = try open(endpoint, info)
            try sockets.open(name: options.socketName, path: options.socketPath)
            timer = host.timer(for: self) { handler, now in handler.tick(now: now) }
            happened(host.now)
            return input
        } catch {
            close()
            throw error
        }
    }

    /// Tells the host CPU that the endpoint is gone, and closes the sockets.
    public override func stop(_ reason: Reason) {
        astlpc?.stop()
        messages?.reset()
        close()
    }

    /// Binding astlpc: a signal of the host CPU.
    public override func data(_ value: UInt8, str: STR, now: UInt64) {
        happened(now)
        astlpc?.data(value, now: now)
    }

    /// Binding astlpc: ODR is free.
    public override func outputReady(str: STR, now: UInt64) { astlpc?.outputReady(now: now) }

    /// Binding dsp0254: a KCS message, which may be somebody else's.
    public override func message(_ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64) -> Disposition {
        guard let messages else { return .declined }
        happened(now)
        switch messages.message(token, bytes, now: now) {
        case .declined: return .declined
        case .handled: return .handled
        case .pending:
            if let deadline = messages.deadline { answerTimer?.set(deadline) }
            return .pending
        }
    }

    /// The host CPU was reset: it knows nothing of what was under way.
    public override func reset(now: UInt64) {
        astlpc?.reset(now: now)
        if let deadline = astlpc?.deadline { pauseTimer?.set(deadline) }
        messages?.reset()
    }

    /// Counters of the link, of reassembly and of the clients.
    public override func stats(_ stats: Stats) {
        guard let endpoint else { return }
        let counters = endpoint.counters
        stats.gauge("eid", UInt64(endpoint.eid.rawValue))
        stats.count("packets_in", counters.packetsIn)
        stats.count("packets_out", counters.packetsOut)
        stats.count("messages_in", counters.messagesIn)
        stats.count("messages_out", counters.messagesOut)
        stats.gauge("queued", UInt64(endpoint.queued))
        for reason in DropReason.allCases where counters[reason] > 0 {
            stats.count(reason.name.description, counters[reason])
        }
        stats.gauge("clients", UInt64(endpoint.clientCount))
        stats.count("clients_connected", endpoint.clientCounters.connected)
        stats.count("clients_refused", endpoint.clientCounters.refused)
        stats.count("clients_slow", endpoint.clientCounters.slow)
        stats.count("client_packets_malformed", endpoint.clientCounters.malformed)
        stats.count("client_answers_late", endpoint.clientCounters.lateAnswers)
        stats.count("client_requests_refused", endpoint.clientCounters.refusedRequests)
        if let messages { stats.count("unanswered", messages.unanswered) }
        guard let astlpc else { return }
        stats.gauge("version", UInt64(astlpc.version?.rawValue ?? 0))
        stats.gauge("mtu", astlpc.version == nil ? 0 : UInt64(astlpc.unit), unit: "bytes")
        stats.count("protocol_errors", astlpc.protocolErrors)
        stats.count("channels_refused", astlpc.refusals)
        stats.count("window_repairs", astlpc.repairs)
    }

    /// Sends what clients gave us.
    func pump(now: UInt64) {
        happened(now)
        link?.pump(now: now)
    }

    private func tick(now: UInt64) {
        isBusy = false
        link?.tick(now: now)
        if endpoint?.needsTick == true { return happened(now) }
        // Without a window there is nothing to look at.
        if astlpc != nil { timer?.set(now + Self.restInterval) }
    }

    private func happened(_ now: UInt64) {
        guard !isBusy else { return }
        isBusy = true
        timer?.set(now + Self.tickInterval)
    }

    private func open(_ endpoint: Endpoint, _ info: StartInfo) throws(HandlerError) -> Input {
        switch options.binding {
        case .loopback:
            let link = LoopbackLink(endpoint, unit: options.unit ?? PacketHeader.baselineUnit)
            self.link = link
            link.start(now: host.now)
            return .none
        case .dsp0254:
            guard info.capabilities.contains(.messages) else {
                throw HandlerError("binding dsp0254 needs a device that carries messages")
            }
            let link = DSP0254Link(
                endpoint, ChannelMessages(host), unit: options.unit ?? PacketHeader.baselineUnit)
            self.link = link
            messages = link
            answerTimer = host.timer(for: self) { handler, now in
                handler.messages?.giveUp(now: now)
                if let deadline = handler.messages?.deadline { handler.answerTimer?.set(deadline) }
            }
            return .messagesFromIdle
        case .astlpc:
            guard info.capabilities.isSuperset(of: [.dataIn, .dataOut, .status]) else {
                throw HandlerError("binding astlpc needs a device with IDR, ODR and STR")
            }
            guard let memory = host.mapWindow(), let base = memory.baseAddress else {
                throw HandlerError("binding astlpc needs memory shared with the host: `window` of the channel's device")
            }
            let window = Window(base, count: memory.count)
            let unit = options.unit ?? AstlpcLink.usualUnit
            guard let link = AstlpcLink(endpoint, window, ChannelRegisters(host), unit: unit) else {
                throw HandlerError("binding astlpc: a window of \(memory.count) bytes is too small for two buffers")
            }
            self.link = link
            astlpc = link
            link.start(now: host.now)
            pauseTimer = host.timer(for: self) { handler, now in handler.astlpc?.pauseEnded(now: now) }
            if let deadline = link.deadline { pauseTimer?.set(deadline) }
            return .automatic
        }
    }

    private func close() {
        isBusy = false
        timer = nil
        answerTimer = nil
        pauseTimer = nil
        sockets?.close()
        link = nil
        astlpc = nil
        messages = nil
        endpoint = nil
        sockets = nil
    }
}
