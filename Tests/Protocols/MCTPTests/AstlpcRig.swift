// SPDX-License-Identifier: Apache-2.0
import MCTP

/// Both sides of an astlpc channel with the registers and the window between them. Each side moves only when told to, so
/// that a test can stop, restart or disturb either at any step.
final class AstlpcRig {
    let memory: GuardedMemory
    var bmc: AstlpcBMC
    var host: AstlpcHost
    let bmcTerminus = Terminus(eid: EID(8))
    let hostTerminus = Terminus(eid: EID(9))
    /// The registers: nil is an empty one.
    var idr: UInt8?
    var odr: UInt8?
    var status: UInt8 = 0
    /// What each side got, and what happened to it.
    var bmcMessages: [[UInt8]] = []
    var hostMessages: [[UInt8]] = []
    var bmcEvents: [AstlpcEvent] = []
    var hostEvents: [AstlpcEvent] = []
    var discarded = 0
    var keepMessages = true
    var onBMC: (([UInt8]) -> Void)?

    init(
        bmc bmcVersions: AstlpcVersionRange = .all, host hostVersions: AstlpcVersionRange = .all, bmcUnit: Int? = nil,
        hostUnit: Int? = nil, window: Int = 1 << 20
    ) {
        memory = GuardedMemory(window)
        bmc = AstlpcBMC(memory.window, versions: bmcVersions, unit: bmcUnit)!
        host = AstlpcHost(memory.window, versions: hostVersions, unit: hostUnit)
    }

    /// The BMC starts, the host starts, and they agree.
    func begin() -> Bool {
        startBMC()
        guard startHost() == nil else { return false }
        run()
        return bmc.isActive && host.isActive
    }

    func startBMC() {
        bmc.start()
        pumpBMC()
    }

    func startHost() -> AstlpcRefusal? {
        odr = nil
        let refusal = host.start(status: status)
        pumpHost()
        return refusal
    }

    /// A new host program: nothing of the old one is left.
    func replaceHost(_ versions: AstlpcVersionRange = .all, unit: Int? = nil) {
        host = AstlpcHost(memory.window, versions: versions, unit: unit)
    }

    func pumpBMC() {
        while true {
            if let write = bmc.write {
                switch write {
                case .status(let value):
                    if odr != nil { discarded += 1 }
                    status = value
                    odr = 0xFF
                    bmc.written()
                case .data(let value):
                    guard odr == nil else { return }
                    odr = value
                    bmc.written()
                }
                continue
            }
            guard bmc.hasCredit else { return }
            let size = bmcTerminus.nextPacketSize(unit: bmc.unit)
            guard size > 0 else { return }
            _ = bmcTerminus.nextPacket(unit: bmc.unit, into: bmc.packet(size))
            bmc.send(size)
        }
    }

    func pumpHost() {
        while true {
            if let write = host.write {
                guard idr == nil else { return }
                idr = write
                host.written()
                continue
            }
            guard host.hasCredit else { return }
            let size = hostTerminus.nextPacketSize(unit: host.unit)
            guard size > 0 else { return }
            _ = hostTerminus.nextPacket(unit: host.unit, into: host.packet(size))
            host.send(size)
        }
    }

    /// The BMC looks at its register once; false if there was nothing.
    func stepBMC() -> Bool {
        pumpBMC()
        guard let value = idr else { return false }
        idr = nil
        let event = bmc.hostWrote(value)
        bmcEvents.append(event)
        if bmcEvents.count > 1000 { bmcEvents.removeFirst(500) }
        switch event {
        case .packet:
            pumpBMC()
            if case .message(let message) = bmcTerminus.receive(bmc.received, now: 0) {
                let body = Array(message.body)
                if keepMessages { bmcMessages.append(body) }
                onBMC?(body)
            }
        case .corrupt: bmcTerminus.receivedCorrupt(UnsafeRawBufferPointer(bmc.received))
        case .credit: bmcTerminus.packetTaken()
        case .active, .inactive: bmcTerminus.linkReset()
        default: break
        }
        pumpBMC()
        return true
    }

    /// The host looks at its register once; false if there was nothing.
    func stepHost() -> Bool {
        pumpHost()
        guard let value = odr else { return false }
        odr = nil
        let event = host.bmcWrote(value, status: status)
        hostEvents.append(event)
        if hostEvents.count > 1000 { hostEvents.removeFirst(500) }
        switch event {
        case .packet:
            pumpHost()
            if case .message(let message) = hostTerminus.receive(host.received, now: 0) {
                if keepMessages { hostMessages.append(Array(message.body)) }
            }
        case .corrupt: hostTerminus.receivedCorrupt(UnsafeRawBufferPointer(host.received))
        case .credit: hostTerminus.packetTaken()
        case .active, .inactive: hostTerminus.linkReset()
        default: break
        }
        pumpHost()
        return true
    }

    /// Both, until neither has anything to do; traps if that never comes.
    func run(limit: Int = 1_000_000) {
        for _ in 0..<limit {
            let bmc = stepBMC()
            let host = stepHost()
            if !host && !bmc && idr == nil && odr == nil { return }
        }
        preconditionFailure("the channel never comes to rest")
    }

    func bmcSends(_ body: [UInt8]) { _ = bmcTerminus.request(body, to: 9) }
    func hostSends(_ body: [UInt8]) { _ = hostTerminus.request(body, to: 8) }
}

// What #expect can take: the machines themselves are not copyable.
extension AstlpcRig {
    var bmcIsActive: Bool { bmc.isActive }
    var hostIsActive: Bool { host.isActive }
    var bmcHasCredit: Bool { bmc.hasCredit }
    var hostHasCredit: Bool { host.hasCredit }
    var bmcUnit: Int { bmc.unit }
    var hostUnit: Int { host.unit }
    var bmcVersion: AstlpcVersion? { bmc.version }
    var hostVersion: AstlpcVersion? { host.version }
    var bmcWrite: AstlpcWrite? { bmc.write }
    var hostWrite: UInt8? { host.write }
    func bmcGets(_ signal: UInt8) -> AstlpcEvent { bmc.hostWrote(signal) }
    func hostGets(_ signal: UInt8, status: UInt8) -> AstlpcEvent { host.bmcWrote(signal, status: status) }
    func repair() -> Bool { bmc.repair() }

    static func exists(_ window: Window, unit: Int? = nil) -> Bool {
        let bmc = AstlpcBMC(window, unit: unit)
        return bmc != nil
    }
}
