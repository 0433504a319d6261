// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import LinuxIO
import MCTP
import MCTPMux
import PluginKit

/// MCTP on a channel: makes an endpoint and its sockets, or an uplink to the kernel's stack, and the link that carries their
/// packets; and passes on what happens.
public final class MCTPHandler: Handler {
    private static let tickInterval = Duration.seconds(1)
    /// While nothing happens: a host may test its memory, and write over the window.
    private static let restInterval = Duration.seconds(30)

    private let options: MCTPOptions
    private(set) var endpoint: Endpoint?
    private(set) var uplink: Uplink?
    private(set) var kernel: UplinkReader?
    private(set) var link: Link?
    private(set) var astlpc: AstlpcLink?
    private(set) var messages: DSP0254Link?
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
        do {
            let input: Input
            if let place = options.uplink {
                input = try open(openUplink(place), info)
            } else {
                let sockets = MuxSockets(self, options.access)
                let endpoint = Endpoint(options.configuration, sockets: sockets, observer: ChannelObserver(host))
                self.sockets = sockets
                self.endpoint = endpoint
                input = try open(endpoint, info)
                try sockets.open(name: options.socketName, path: options.socketPath)
            }
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
        readUplink(now: now)
    }

    /// Binding astlpc: ODR is free.
    public override func outputReady(str: STR, now: UInt64) {
        astlpc?.outputReady(now: now)
        readUplink(now: now)
    }

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

    /// Figures of the link, and of what it carries packets for.
    public override func stats(_ stats: Stats) { tell(stats) }

    /// Sends what clients gave us.
    func pump(now: UInt64) {
        happened(now)
        link?.pump(now: now)
    }

    /// The kernel's side can be read or written, or is gone.
    func uplinkReady(_ events: WatchEvents, now: UInt64) {
        if events.contains(.hangup) { return host.fail("uplink: the kernel's side is gone") }
        if events.contains(.write) { kernel?.write() }
        readUplink(now: now)
    }

    /// Passes on what the kernel sends, as far as the link takes it.
    private func readUplink(now: UInt64) {
        guard let uplink, let kernel else { return }
        while uplink.hasRoom {
            switch kernel.read(uplink, now: now) {
            case .nothing: return
            case .failed(let reason): return host.fail("uplink: \(reason)")
            case .read: pump(now: now)
            }
        }
    }

    private func tick(now: UInt64) {
        isBusy = false
        link?.tick(now: now)
        if link?.user.needsTick == true { return happened(now) }
        // Without a window there is nothing to look at.
        if astlpc != nil { timer?.set(now + Self.restInterval) }
    }

    private func happened(_ now: UInt64) {
        guard !isBusy else { return }
        isBusy = true
        timer?.set(now + Self.tickInterval)
    }

    private func openUplink(
        _ place: (kind: MCTPOptions.UplinkKind, name: String?, path: String?)
    ) throws(HandlerError) -> Uplink {
        let passed: Int32? = if let name = place.name { host.socket(name) } else { nil }
        if let passed, let errno = Descriptors.setNonBlocking(passed).errno {
            throw HandlerError("uplink: descriptor \(place.name ?? "") of the service manager: \(errno.description)")
        }
        let kernel: UplinkReader
        switch place.kind {
        case .tun:
            let interface = if let passed { passed } else { try TunPort.open(place.name ?? "") }
            kernel = TunPort(
                interface, isOurs: passed == nil, longestPacket: PacketHeader.size + options.usualUnit)
        case .serial:
            let terminal: Int32
            if let passed {
                terminal = passed
            } else if let path = place.path {
                terminal = try SerialPort.open(path)
            } else {
                throw HandlerError("uplink: the service manager passes no descriptor \(place.name ?? "")")
            }
            kernel = SerialPort(terminal, isOurs: passed == nil)
        }
        kernel.watch = host.watch(kernel.descriptor, .read, for: self) { $0.uplinkReady($1, now: $2) }
        guard kernel.watch != nil else { throw HandlerError("uplink: its descriptor cannot be watched") }
        self.kernel = kernel
        let uplink = Uplink(kernel, unit: options.usualUnit, observer: ChannelObserver(host))
        self.uplink = uplink
        return uplink
    }

    private func open(_ user: PacketUser, _ info: StartInfo) throws(HandlerError) -> Input {
        switch options.binding {
        case .loopback:
            guard let endpoint else { throw HandlerError("binding loopback has no host for an uplink") }
            let link = LoopbackLink(endpoint, unit: options.usualUnit)
            self.link = link
            link.start(now: host.now)
            return .none
        case .dsp0254:
            guard info.capabilities.contains(.messages) else {
                throw HandlerError("binding dsp0254 needs a device that carries messages")
            }
            let link = DSP0254Link(user, ChannelMessages(host), unit: options.usualUnit)
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
            guard let link = AstlpcLink(user, window, ChannelRegisters(host), unit: options.usualUnit) else {
                throw HandlerError("binding astlpc: a window of \(memory.count) bytes is too small for two buffers")
            }
            self.link = link
            astlpc = link
            // There is no host until one has made the channel.
            user.linkBecameInactive()
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
        kernel?.watch?.close()
        kernel = nil
        uplink = nil
        link = nil
        astlpc = nil
        messages = nil
        endpoint = nil
        sockets = nil
    }
}
