// SPDX-License-Identifier: Apache-2.0
import Common
import DriverModel
import KCS
import LinuxIO
import MCTP
import SimulatedDevice

/// MCTP by KCS transfers, one packet each. The fragments of a message are written one after the other; packets of the BMC
/// come in read phases, and are asked for while SMS_ATN is set.
public final class DSP0254Channel: MCTPCarrier {
    private let access: HostAccess
    private let link: DSP0254HostLink
    private var transfer: HostTransfer
    private let wantsIdle: Bool
    /// Nobody knows the BMC's address before it answered.
    private var bmc = EID.null

    /// Nanoseconds.
    private static let longestPollInterval: UInt64 = 100_000
    /// How many transfers had to be repeated so far.
    public var recoveries: Int { transfer.recoveries }
    /// The longest payload of a packet.
    public static let largestUnit = DSP0254.longestPacket - PacketHeader.size

    /// A host on a device; `unit`: payload bytes of a packet, at most `largestUnit`.
    public init(
        _ access: HostAccess, eid: EID, unit: Int = PacketHeader.baselineUnit,
        temperament: HostTemperament = .edk2
    ) {
        self.access = access
        link = DSP0254HostLink(eid: eid, unit: unit)
        var configuration = HostConfiguration(temperament)
        configuration.timeout = access.timeout
        configuration.pollInterval = min(configuration.pollInterval, Self.longestPollInterval)
        wantsIdle = configuration.wantsIdle
        transfer = HostTransfer(access.host, configuration)
        transfer.end = access.end
    }

    /// Nothing to do: the binding has no state to agree on.
    public func start(anew: Bool) throws(HostFailure) {}
    /// Always: there is nothing that could have ended.
    public var isActive: Bool { true }
    /// The binding.
    public var summary: String { "DSP0254, one packet a KCS transfer" }
    /// What went through.
    public var counters: Counters { link.counters }
    /// This host's address.
    public var eid: EID {
        get { link.eid }
        set { link.setEID(newValue) }
    }

    /// Queues a request.
    public func send(_ body: [UInt8], to destination: EID) throws(HostFailure) -> MessageTag {
        guard let tag = link.send(request: body, to: destination, now: Clock.monotonic) else { throw MCTPText.full }
        return tag
    }

    /// Queues an answer.
    public func answer(_ message: HostMessage, _ body: [UInt8]) throws(HostFailure) {
        guard link.answer(message, body, now: Clock.monotonic) else { throw MCTPText.full }
    }

    /// Writes all packets that are queued, reads behind the last one of a request, and asks for packets while the BMC has
    /// some.
    public func receive(deadline: UInt64) throws(HostFailure) -> HostMessage? {
        while true {
            try finish()
            if let message = takeMessage() { return message }
            guard Clock.monotonic < deadline else { return nil }
            let attention = STRBit.smsAttention
            guard link.isIncomplete || access.host.wait(for: attention, toBe: attention, deadline: deadline) else {
                return nil
            }
            guard let request = link.getPacket(from: bmc, now: Clock.monotonic) else { throw MCTPText.full }
            try exchange(request)
        }
    }

    /// Writes all packets that are queued.
    public func finish() throws(HostFailure) {
        while let request = link.next() { try exchange(request) }
    }

    /// A message that is not just the news that no packet waits.
    private func takeMessage() -> HostMessage? {
        while let message = link.takeMessage() {
            let response = message.body.withUnsafeBytes { ControlResponse($0) }
            if response?.command != .getPacket { return message }
        }
        return nil
    }

    private func exchange(_ request: [UInt8]) throws(HostFailure) {
        // Before a message IDLE is wanted, as edk2 has it, and only behind the last packet of a request an answer is read. A
        // packet's flags are its fourth byte.
        let flags = request[3 + 3]
        transfer.configuration.wantsIdle = wantsIdle && flags & 0x80 != 0
        let asks = flags & 0x48 == 0x48
        let result = asks ? transfer.send(request) : transfer.write(request)
        guard case .success(let response) = result else {
            throw HostFailure("a packet was not transferred: \(result.reason ?? "no response")")
        }
        if response.isEmpty || link.received(response, now: Clock.monotonic) { return }
        let bytes = Hex.numbers(response)
        throw HostFailure("the BMC answered a packet with what is none: \(bytes)")
    }
}
