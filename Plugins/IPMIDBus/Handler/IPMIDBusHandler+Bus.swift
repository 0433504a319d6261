// SPDX-License-Identifier: Apache-2.0
import DBus
import IPMIDBus
import PluginKit

/// What goes over the bus, and comes from it.
extension IPMIDBusHandler {
    /// An answer that comes later than this is not even counted; and how long the bus may take for its own.
    private static let longest: UInt64 = 60_000_000_000
    /// The most requests that are on their way: one, and those that the host CPU gave up.
    private static let mostCalls = 64

    /// What there is on the bus.
    func objects(_ names: ChannelNames) -> [Introspection.Object] {
        var objects = [
            Introspection.Object(
                path: names.object, interface: ChannelNames.interface,
                methods: [("setAttention", ""), ("clearAttention", ""), ("forceAbort", "")])
        ]
        if settings.isHostIPMI {
            objects.append(
                Introspection.Object(
                    path: ChannelNames.hostObject, interface: ChannelNames.hostIPMI, methods: [("setAttention", "x")]))
        }
        return objects
    }

    // MARK: The first calls

    /// Asks for the names, and whether ipmid is there. The bus answers in this order.
    func askNames(_ connection: BusConnection) throws(BusError) {
        guard let names else { return }
        try request(names.service, connection)
        if settings.isHostIPMI { try request(ChannelNames.hostIPMI, connection) }
        let rule =
            "type='signal',sender='\(BusConnection.bus)',interface='\(BusConnection.bus)',"
            + "member='NameOwnerChanged',arg0='\(settings.service)'"
        try ask(connection, "AddMatch", { $0.string(rule) }) { _, _ in }
        try ask(connection, "GetNameOwner", { $0.string(settings.service) }) { handler, reply in
            let isServed = if case .values = reply { true } else { false }
            handler.greeted(names, isServed: isServed)
        }
    }

    private func greeted(_ names: ChannelNames, isServed: Bool) {
        connections += 1
        isGreeted()
        self.isServed = isServed
        host.log(.notice, "on the bus as \(names.service), \(settings.service) is \(isServed ? "there" : "away")")
    }

    private func request(_ name: String, _ connection: BusConnection) throws(BusError) {
        let fill = { (writer: inout BusWriter) in
            writer.string(name)
            writer.uint32(0)
        }
        try ask(connection, "RequestName", fill) { handler, reply in
            switch reply {
            case .values(let values):
                guard values.uint32() == 2 else { return }
                handler.host.log(.warning, "\(name) is somebody else's: it is taken when it is free")
            case .failure(let failure):
                handler.host.log(.error, "the bus refuses the name \(name): \(failure.text)")
            }
        }
    }

    private func ask(
        _ connection: BusConnection, _ method: String, _ arguments: (inout BusWriter) -> Void,
        done: @escaping (IPMIDBusHandler, BusReply) -> Void
    ) throws(BusError) {
        try connection.call(
            BusConnection.bus, "/org/freedesktop/DBus", BusConnection.bus, method, limit: Self.longest, arguments
        ) { done(self, $0) }
    }

    // MARK: Requests

    /// Sends a request to ipmid; nil, or why it was not sent.
    func forward(_ serial: RequestLedger.Serial, _ bytes: UnsafeRawBufferPointer) -> RequestLedger.Failure? {
        guard let connection, isServed == true else { return .absent }
        guard connection.pendingCalls < Self.mostCalls else { return .busy }
        do throws(BusError) {
            try connection.call(
                settings.service, "/xyz/openbmc_project/Ipmi", "xyz.openbmc_project.Ipmi.Server", "execute",
                limit: Self.longest
            ) { writer in
                writer.byte(bytes[0] >> 2)
                writer.byte(bytes[0] & 3)
                writer.byte(bytes[1])
                writer.bytes(UnsafeRawBufferPointer(rebasing: bytes[2...]))
                writer.emptyArray(of: "{sv}")
            } done: { reply in
                self.answered(serial, reply)
            }
        } catch {
            host.log(.warning, "\(error.text), and not sent")
            return .absent
        }
        settle()
        return nil
    }

    private func answered(_ serial: RequestLedger.Serial, _ reply: BusReply) {
        switch reply {
        case .failure(let failure):
            let kind = RequestLedger.Failure(errorName: failure.name)
            let verdict = ledger.failed(serial, kind)
            if case .answer(_, let bytes) = verdict {
                host.log(
                    .warning, "\(Self.words(bytes)) failed on the bus: \(failure.name): \(failure.text)")
            }
            carryOut(verdict)
        case .values(let values):
            guard values.enter(.structure, "yyyyay"), let netFn = values.byte(), values.byte() != nil,
                let command = values.byte(), let code = values.byte(), let data = values.bytes()
            else {
                host.log(.warning, "\(settings.service) answered something that is not (yyyyay)")
                return carryOut(ledger.answeredOtherwise(serial))
            }
            if data.count > RequestLedger.longestAnswer - 3 {
                host.log(.warning, "\(settings.service) answered \(data.count) bytes, more than a KCS transfer carries")
            }
            carryOut(
                ledger.answered(serial, netFn: netFn, command: command, code: code, data: data))
        }
    }

    // MARK: What comes from the bus

    func note(_ event: BusEvent) {
        guard event.sender == BusConnection.bus, event.interface == BusConnection.bus,
            let name = event.arguments.string()
        else { return }
        switch event.member {
        case "NameOwnerChanged":
            guard name == settings.service, event.arguments.string() != nil,
                let owner = event.arguments.string(), let wasServed = isServed
            else { return }
            let isServed = !owner.isEmpty
            self.isServed = isServed
            if isServed != wasServed { host.log(.notice, "\(name) is \(isServed ? "there" : "away")") }
        case "NameLost": host.log(.warning, "\(name) was taken away by somebody else")
        default: break
        }
    }

    func answer(_ event: BusEvent) -> BusAnswer {
        switch event.interface {
        case "org.freedesktop.DBus.Introspectable":
            guard event.member == "Introspect", let text = introspection.document(event.path) else { return .unknown }
            return .values { $0.string(text) }
        case "org.freedesktop.DBus.Properties":
            // There are none, which is an answer for who asks for all.
            guard event.member == "GetAll", introspection.document(event.path) != nil else { return .unknown }
            return .values { $0.emptyArray(of: "{sv}") }
        case ChannelNames.interface, ChannelNames.hostIPMI, "": return attention(event)
        default: return .unknown
        }
    }

    private func attention(_ event: BusEvent) -> BusAnswer {
        if event.path == names?.object, event.interface != ChannelNames.hostIPMI {
            switch event.member {
            case "setAttention": return done(setAttention(true))
            case "clearAttention": return done(setAttention(false))
            case "forceAbort":
                ledger.reset()
                return done(host.abort())
            default: return .unknown
            }
        }
        guard settings.isHostIPMI, event.path == ChannelNames.hostObject, event.interface != ChannelNames.interface,
            event.member == "setAttention"
        else { return .unknown }
        let status = setAttentionForHostIPMI()
        return .values { $0.int64(status == .ok ? 0 : -5) }
    }

    private func done(_ status: Host.Status) -> BusAnswer {
        guard status != .ok else { return .values { _ in } }
        return .failure(
            BusFailure("xyz.openbmc_project.Common.Error.InternalFailure", "The operation failed internally."))
    }
}
