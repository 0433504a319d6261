// SPDX-License-Identifier: Apache-2.0
//
// A soak of a channel that answers IPMI messages. Two kinds of request have answers that are known: Get Device ID and Get
// Self Test Results answer the same each time, and a command that nobody knows is answered by its completion code.
import Common
import DriverModel
import IPMI
import KCS
import LinuxIO
import SimulatedDevice

/// What one message is, all of it decided before it begins.
struct MessageExchange {
    let request: [UInt8]
    let temperament: HostTemperament
    /// After so many accesses the host forgets what it was doing.
    let resetAfter: Int?
    /// After so many accesses the host writes bytes whatever IBF says, and gives the transfer up.
    let rude: (after: Int, bytes: [(value: UInt8, command: Bool)])?
    /// After so many accesses the host stands still, and for how long.
    let stall: (after: Int, nanoseconds: UInt64)?
    /// If the device vanishes in this exchange: after so many accesses, and for how long.
    let vanish: (after: Int, nanoseconds: UInt64)
    /// Rings for nothing before it.
    let isSpurious: Bool

    init(_ random: inout SeededRandom, _ faults: Set<SoakFault>) {
        let kind = random.below(10)
        let length = Int(random.below(30))
        let data = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        switch kind {
        case 0..<3: request = MessageSoak.deviceID
        case 3..<5: request = MessageSoak.selfTest
        default: request = [MessageSoak.unknownNetFn << 2, UInt8(truncatingIfNeeded: random.next())] + data
        }
        temperament = random.chance(200) ? .edk2 : .linux
        let positions = (0..<4).map { _ in Int(random.below(120)) }
        resetAfter = random.chance(30) && faults.contains(.reset) ? positions[0] : nil
        let bytes = (0..<1 + random.below(4)).map { _ in
            (value: UInt8(truncatingIfNeeded: random.next()), command: random.chance(300))
        }
        rude = random.chance(30) && faults.contains(.ibf) ? (positions[1], bytes) : nil
        let (stallTime, vanishTime) = (random.below(20_000_000), random.below(200_000_000))
        stall = random.chance(50) && faults.contains(.stall) ? (positions[2], stallTime) : nil
        vanish = (positions[3], vanishTime + 1_000_000)
        isSpurious = random.chance(50) && faults.contains(.spurious)
    }
}

/// A soak of one such channel.
struct MessageSoak {
    static let deviceID: [UInt8] = [0x18, 0x01]
    static let selfTest: [UInt8] = [0x18, 0x04]
    /// A network function of the controller's maker, which no shipped handler takes.
    static let unknownNetFn: UInt8 = 0x3A

    private let soak: SoakHost
    /// What Get Device ID and Get Self Test Results are to answer, by the command.
    private var known: [UInt8: [UInt8]] = [:]

    /// A channel that answered Get Device ID like this.
    init(_ soak: SoakHost, deviceID: [UInt8]) {
        self.soak = soak
        known[Self.deviceID[1]] = deviceID
    }

    /// One message, and what goes wrong with it.
    mutating func exchange(_ plan: MessageExchange, vanishes: Bool) throws(SoakEnd) {
        if plan.isSpurious { soak.host.ringForNothing() }
        var configuration = HostConfiguration(plan.temperament)
        // After this time a real host gives the transfer up and repeats it, which may get it an answer.
        configuration.timeout = min(configuration.timeout, soak.settings.timeout)
        var transfer = HostTransfer(soak.host, configuration)
        var machine = HostMachine(configuration, request: plan.request)
        var done = 0
        var result: HostResult?
        /// Goes on with the transfer up to an access; true when it is over by then.
        func advance(to position: Int) -> Bool {
            if result == nil && position > done {
                result = transfer.run(&machine, accesses: position - done)
                done = position
            }
            return result != nil
        }
        if let stall = plan.stall, !advance(to: stall.after) { soak.stall(stall.nanoseconds) }
        try soak.check()
        if vanishes {
            if !advance(to: plan.vanish.after) { soak.counts.abandoned += 1 }
            try soak.vanish(for: plan.vanish.nanoseconds)
            if result == nil { return }
        } else if let rude = plan.rude, !advance(to: rude.after) {
            return giveUp(after: rude.bytes)
        } else if let reset = plan.resetAfter, !advance(to: reset) {
            soak.counts.resets += 1
            soak.counts.abandoned += 1
            return
        }
        _ = advance(to: .max)
        soak.counts.recoveries += transfer.recoveries
        try soak.check()
        guard let result else { return }
        try compare(plan.request, result)
    }

    /// A host that writes whatever IBF says, and then wants nothing more of the transfer. Its last byte is a command: behind
    /// a data byte that lies in IDR the next host would have to wait.
    private func giveUp(after bytes: [(value: UInt8, command: Bool)]) {
        for byte in bytes + [(ControlCode.getStatusAbort, true)] {
            if soak.host.readStatus() & STRBit.ibf != 0 { soak.counts.ignoredIBF += 1 }
            if !soak.host.write(byte.value, command: byte.command) { soak.counts.overwritten += 1 }
        }
        soak.counts.abandoned += 1
    }

    private mutating func compare(_ request: [UInt8], _ result: HostResult) throws(SoakEnd) {
        guard case .success(let response) = result else {
            let str = describeStatus(soak.host.readStatus())
            throw .wrong(
                "no response to \(Hex.bytes(request)): \(result.reason ?? ""); STR \(str); driver \(soak.host.state)")
        }
        let begins = [request[0] | 4, request[1]]
        if request[0] == Self.unknownNetFn << 2 {
            let wanted = begins + [CompletionCode.invalidCommand.rawValue]
            guard response == wanted else { throw wrong(request, response, wanted) }
        } else if let wanted = known[request[1]] {
            guard response == wanted else { throw wrong(request, response, wanted) }
        } else {
            guard response.count >= 3, Array(response[..<2]) == begins else { throw wrong(request, response, begins) }
            known[request[1]] = response
        }
        soak.counts.checked += 1
    }

    private func wrong(_ request: [UInt8], _ response: [UInt8], _ wanted: [UInt8]) -> SoakEnd {
        .wrong("\(Hex.bytes(request)) was answered \(Hex.bytes(response)), wanted was \(Hex.bytes(wanted))")
    }
}
