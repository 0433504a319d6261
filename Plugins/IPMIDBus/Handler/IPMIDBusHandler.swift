// SPDX-License-Identifier: Apache-2.0
import DBus
import IPMI
import IPMIDBus
import PluginKit

/// Forwards the host CPU's requests to OpenBMC's ipmid, and gives ipmid the host CPU's attention. Whatever becomes of ipmid
/// or of the bus, the host CPU has an answer to its own request in time.
///
/// Each instance has a connection of its own, for ipmid knows its caller by it.
public final class IPMIDBusHandler: BusClient {
    let settings: BusSettings
    var ledger = RequestLedger()
    var names: ChannelNames?
    var introspection = Introspection([])
    /// ipmid is there; nil while the bus is not, or has not said.
    var isServed: Bool?
    /// How often the bus was reached.
    var connections: UInt64 = 0
    private var timer: HandlerTimer?

    // Who wants the host CPU's attention: the channel's own object, and ipmid by org.openbmc.HostIpmi. The latter has no way
    // to say that it does not any more: that the host CPU came and asked ends it.
    private var isWantedByChannel = false
    private var isWantedByHostIPMI = false
    private var attentions: UInt64 = 0

    /// The plugin.
    public static let plugin: Plugin = Plugin(
        name: "ipmi-dbus", version: "0.1.0", summary: "forwards IPMI messages to OpenBMC's ipmid over D-Bus",
        inputs: [.messages], needs: .messages, options: BusSettings.declarations,
        check: { plugin.check($0, $1) { BusSettings.check($0, $1) } },
        create: { plugin.create($0, $1, $2, $3) { IPMIDBusHandler(host: $0, options: $1) } })

    init(host: Host, options: OptionValue) {
        settings = BusSettings(options)
        super.init(host: host, address: settings.address)
    }

    /// Requests come from now on; the bus is reached for meanwhile.
    public override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        let name = settings.name ?? ChannelNames.suggested(for: info.channel)
        guard let names = ChannelNames(name) else {
            throw HandlerError("\(name) is no name on D-Bus: say another with the option name")
        }
        timer = host.timer(for: self) { handler, now in handler.expire(now) }
        guard timer != nil else { throw HandlerError("no timer is left for ipmi-dbus") }
        self.names = names
        introspection = Introspection(objects(names))
        try open()
        return .messages
    }

    /// The bus gives the names to whoever comes next.
    public override func stop(_ reason: Reason) {
        close()
        timer = nil
        ledger.reset()
    }

    // MARK: Requests

    /// Forwards a request, or gives it to the next handler if there is nobody to forward it to.
    public override func message(
        _ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64
    ) -> PluginKit.Disposition {
        guard bytes.count >= 2 else { return .declined }
        let deadline = now + settings.deadline
        let serial = ledger.begin(token: token, netFnAndLUN: bytes[0], command: bytes[1], deadline: deadline)
        if let failure = forward(serial, bytes) {
            carryOut(ledger.failed(serial, failure))
        } else {
            timer?.set(deadline)
        }
        return .pending
    }

    /// What the host CPU had asked is of no use to it any more.
    public override func reset(now: UInt64) {
        ledger.reset()
        timer?.cancel()
    }

    private func expire(_ now: UInt64) {
        let verdict = ledger.expire(now: now)
        if case .answer(_, let bytes) = verdict {
            host.log(.warning, "\(settings.service) has not answered \(Self.words(bytes)) in time: C3")
        }
        carryOut(verdict)
        if let deadline = ledger.deadline { timer?.set(deadline) }
    }

    /// Does what the ledger wants.
    func carryOut(_ verdict: RequestLedger.Verdict) {
        switch verdict {
        case .drop: break
        case .pass(let token, let answer):
            if host.pass(token, code: answer[2]) == .unavailable {
                answer.withUnsafeBytes { _ = host.reply(token, $0) }
            }
        case .answer(let token, let answer):
            noteFetch(answer)
            answer.withUnsafeBytes { _ = host.reply(token, $0) }
        }
    }

    static func words(_ answer: [UInt8]) -> String {
        "NetFn \(number(answer[0] >> 2 & 0xFE)) command \(number(answer[1]))"
    }

    private static func number(_ value: UInt8) -> String { (value < 16 ? "0x0" : "0x") + String(value, radix: 16) }

    // MARK: Attention

    /// By the channel's own object.
    func setAttention(_ isWanted: Bool) -> Host.Status {
        isWantedByChannel = isWanted
        if isWanted { attentions += 1 } else { isWantedByHostIPMI = false }
        return host.setAttention(isWanted)
    }

    /// By `org.openbmc.HostIpmi`.
    func setAttentionForHostIPMI() -> Host.Status {
        isWantedByHostIPMI = true
        attentions += 1
        return host.setAttention(true)
    }

    /// Get Message Flags, Get Message and Read Event Message Buffer are what a host CPU asks because of SMS_ATN. One that found
    /// it still set would ask for ever.
    private func noteFetch(_ answer: [UInt8]) {
        guard isWantedByHostIPMI, answer[0] >> 2 == 0x07, [0x31, 0x33, 0x35].contains(answer[1]) else { return }
        isWantedByHostIPMI = false
        _ = host.setAttention(isWantedByChannel)
    }

    /// What became of the requests, and how the bus is.
    public override func stats(_ stats: Stats) {
        let counters = ledger.counters
        stats.text("bus", busWords)
        stats.number("requests", counters.requests)
        stats.number("answered", counters.answered)
        stats.number("absent", counters.absent)
        stats.number("vanished", counters.vanished)
        stats.number("late", counters.late)
        stats.number("late_dropped", counters.dropped)
        stats.number("errors", counters.errors)
        stats.number("too_long", counters.tooLong)
        stats.number("malformed", counters.malformed)
        stats.number("attentions", attentions)
        stats.number("connections", connections)
    }

    private var busWords: String {
        if isImpossible { return "no \(SystemdLibrary.name)" }
        guard let isServed else { return connection == nil ? "away" : "connecting" }
        return isServed ? "serving" : "connected; \(settings.service) is away"
    }

    // MARK: The bus

    override func greet(_ connection: BusConnection) throws(BusError) { try askNames(connection) }

    override func isLost() {
        isServed = nil
        carryOut(ledger.disconnected())
    }

    override func called(_ event: BusEvent) -> BusAnswer { answer(event) }
    override func signalled(_ event: BusEvent) { note(event) }
}
