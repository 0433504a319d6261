// SPDX-License-Identifier: Apache-2.0
import DriverModel
import LinuxIO
import MCTP
import SimulatedDevice

/// MCTP by the shared window and the data registers of a simulated device.
public final class AstlpcChannel: MCTPCarrier {
    private let access: HostAccess
    private let link: AstlpcHostLink
    private var lastRefusal: AstlpcRefusal?

    /// A host on a device; `unit`: payload bytes that a packet may carry at most, nil for what the BMC offers.
    public init(
        _ access: HostAccess, eid: EID, versions: AstlpcVersionRange = .all, unit: Int? = nil
    ) throws(HostFailure) {
        guard let window = access.host.window, let base = window.baseAddress else {
            throw HostFailure("the device has no shared window: make it with kcssim create DIR --window 1MiB")
        }
        self.access = access
        link = AstlpcHostLink(Window(base, count: window.count), eid: eid, versions: versions, unit: unit)
    }

    /// Waits for the BMC, and goes on with the channel that is active, or makes it so.
    public func start(anew: Bool) throws(HostFailure) {
        let deadline = access.deadline
        let host = access.host
        // A BMC that starts waits until somebody has read that it was not ready.
        let both = AstlpcStatus.bmcReady | STRBit.obf
        if host.readStatus() & both == STRBit.obf { _ = host.readData() }
        guard host.wait(for: AstlpcStatus.bmcReady, toBe: AstlpcStatus.bmcReady, deadline: deadline) else {
            throw HostFailure("the BMC does not say that it is ready, in bit 7 of STR" + absence)
        }
        if !anew, link.attach(status: host.readStatus()) { return }
        // What an earlier host had not read is not for this one.
        if host.readStatus() & STRBit.obf != 0 { _ = host.readData() }
        if let refusal = link.start(status: host.readStatus()) { throw HostFailure(text(refusal)) }
        lastRefusal = nil
        var refusalEnd: UInt64?
        while !link.isActive {
            try turn(deadline: refusalEnd ?? deadline)
            if let lastRefusal, !link.isActive {
                // It looks like the dummy of the BMC's start, if that came behind Initialise: the channel follows then.
                let end = refusalEnd ?? min(deadline, Clock.monotonic + Self.refusalPause)
                guard case .byBMC = lastRefusal, Clock.monotonic < end else { throw HostFailure(text(lastRefusal)) }
                refusalEnd = end
            }
            guard link.isActive || Clock.monotonic < deadline else {
                throw HostFailure("the BMC did not answer Initialise" + absence)
            }
        }
    }

    /// Whether packets may flow.
    public var isActive: Bool { link.isActive }
    /// Version and unit.
    public var summary: String { "version \(link.version?.rawValue ?? 0), \(link.unit) B a packet" }
    /// What went through.
    public var counters: Counters { link.counters }
    /// The version agreed on.
    public var version: AstlpcVersion? { link.version }
    /// Payload bytes that a packet may carry.
    public var unit: Int { link.unit }
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

    /// Drives both directions until a message is whole.
    public func receive(deadline: UInt64) throws(HostFailure) -> HostMessage? {
        while true {
            if let message = link.takeMessage() { return message }
            guard link.isActive else { throw HostFailure("the BMC ended the channel" + absence) }
            guard Clock.monotonic < deadline else { return nil }
            try turn(deadline: deadline)
        }
    }

    /// Drives the channel until nothing of ours is due.
    public func finish() throws(HostFailure) {
        let deadline = access.deadline
        while link.isActive, link.write != nil || link.isTransmitting {
            guard Clock.monotonic < deadline else { throw HostFailure("the BMC does not take what was sent" + absence) }
            try turn(deadline: deadline)
        }
    }

    /// Writes at most one signal and reads at most one; waits for the other side if there was neither.
    public func turn(deadline: UInt64) throws(HostFailure) {
        let host = access.host
        let isDue = link.write != nil
        let status = host.readStatus()
        if isDue, status & STRBit.ibf == 0, let signal = link.write {
            host.write(signal)
            link.written()
            if status & STRBit.obf == 0 { return }
        }
        if status & STRBit.obf != 0 {
            let value = host.readData()
            if case .refused(let refusal) = link.bmcWrote(value, status: status, now: Clock.monotonic) {
                lastRefusal = refusal
            }
        } else if isDue {
            _ = host.wait(for: STRBit.ibf, toBe: 0, deadline: min(deadline, Clock.monotonic + Self.pollInterval))
        } else {
            _ = host.wait(for: STRBit.obf, toBe: STRBit.obf, deadline: deadline)
        }
    }

    private static let pollInterval: UInt64 = 200_000
    private static let refusalPause: UInt64 = 200_000_000

    private var absence: String { access.host.state.isOpen ? "" : "; nobody has the device open on the BMC's side" }

    private func text(_ refusal: AstlpcRefusal) -> String {
        switch refusal {
        case .bmcNotReady: "the BMC is not ready"
        case .noMagic: "the window does not begin with the BMC's mark"
        case .versions(let bmc, let host):
            "the BMC speaks versions \(bmc.minimum) to \(bmc.current), this host \(host.minimum) to \(host.current)"
        case .layout(let fault, let layout):
            "the buffers cannot be where the window says (\(fault)): receive "
                + "\(layout.receive.offset)+\(layout.receive.size), transmit "
                + "\(layout.transmit.offset)+\(layout.transmit.size)"
        case .unit(let unit): "\(unit) bytes a packet are below the baseline, \(PacketHeader.baselineUnit)"
        case .byBMC: "the BMC refused the channel"
        }
    }
}
