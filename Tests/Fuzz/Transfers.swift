// SPDX-License-Identifier: Apache-2.0
//
// The byte path: a host that writes and reads the ports as it likes, on every driver's model, and the transfer machine
// behind them.
import DriverModel

@testable import KCS

/// Whatever a host does, the machine reads only what is there, writes ODR only when it may, comes to rest, and answers the
/// next host that keeps the protocol.
func fuzzTransfer(_ input: UnsafeRawBufferPointer) {
    var input = Input(input)
    let kind = input.byte()
    var bench = TransferBench(
        driver: Driver(rawValue: kind % 3) ?? .v2, isStrict: kind & 0x10 == 0 && kind % 3 != 2,
        hasLengths: kind & 0x20 != 0)
    var steps = 0
    while !input.isEmpty && steps < 400 {
        steps += 1
        bench.act(input.byte(), &input)
    }
    // A clean host is answered in the end; one in so many inputs tries, for it takes its time.
    if kind & 0x0C == 0 { bench.recover() }
}

private struct TransferBench {
    private var device: DriverState
    private var machine: TransferMachine
    private var now: UInt64 = 1_000_000_000
    private var wakeAt: UInt64?
    private var wantsInput = false
    private var isStopped = false

    init(driver: Driver, isStrict: Bool, hasLengths: Bool) {
        var configuration = TransferConfiguration(handshake: isStrict ? .strict : .fast)
        if hasLengths {
            configuration.requestLengths = [
                RequestLength(netFn: 6, command: 1, shortest: 2, longest: 2),
                RequestLength(netFn: 6, command: 2, shortest: 3, longest: 8),
            ]
        }
        device = DriverState(driver: driver)
        _ = device.open()
        machine = TransferMachine(configuration)
        machine.started(StatusRegister(rawValue: device.readStatus()), staleBytes: 0, now: now)
        run()
    }

    /// One thing that a host, an interrupt, time or a handler does.
    mutating func act(_ code: UInt8, _ input: inout Input) {
        switch code & 0x0F {
        case 0...3: _ = device.hostWritesData(input.byte())
        case 4: _ = device.hostWritesCommand(input.byte())
        case 5: _ = device.hostWritesCommand(0x60 + code >> 4 & 3)
        case 6...8: _ = device.hostReadsData()
        case 9, 10: _ = device.interrupt()
        case 11: pass(1 << UInt64(10 + input.byte() % 24))
        case 12: reply(Int(input.byte()))
        case 13: machine.setAttention(code & 0x10 != 0)
        case 14 where code & 0xF0 == 0xF0:
            machine.stop()
            run()
            machine.started(StatusRegister(rawValue: device.readStatus()), staleBytes: 0, now: now)
        default: wake()
        }
        if code & 0x80 == 0 { _ = device.interrupt() }
        if code & 0x40 == 0 { wake() }
    }

    private mutating func pass(_ time: UInt64) {
        now &+= time
        if let at = wakeAt, now >= at { run() }
    }

    /// Readiness, if the machine waits for it.
    private mutating func wake() {
        if wantsInput && (device.isReadable || device.isInputFull) { machine.inputReady() }
        run()
    }

    private mutating func reply(_ length: Int) {
        guard let token = machine.owedToken else { return }
        let request = machine.request
        var answer: [UInt8] = [request[0] | 4, request.count > 1 ? request[1] : 0, 0]
        while answer.count < length { answer.append(UInt8(truncatingIfNeeded: answer.count)) }
        _ = machine.reply(token, with: answer.span, now: now)
        run()
    }

    /// Until the machine sleeps.
    private mutating func run() {
        for _ in 0..<10_000 {
            switch machine.next(now: now) {
            case .lookAtStatus: machine.statusRead(StatusRegister(rawValue: device.readStatus()), now: now)
            case .readInput:
                guard case .data(let value) = device.read(offset: 0, count: 1) else {
                    return rule(false, "a read that would sleep")
                }
                let status = device.str | STRBit.ibf
                machine.inputRead(value, status: StatusRegister(rawValue: status), now: now)
            case .writeStatus(let mask, let value): writeStatus(mask, value, drops: false)
            case .dropOutput(let mask, let value): writeStatus(mask, value, drops: true)
            case .writeBoth(let output, let mask, let value):
                rule(!device.isOutputFull, "ODR is written while OBF is set")
                writeStatus(mask, value, drops: false)
                _ = device.writeData(output)
            case .replace(let output, let mask, let value):
                writeStatus(mask, value, drops: true)
                _ = device.writeData(output)
            case .deliver: rule(machine.request.count >= 1 && machine.request.count <= 4096, "a request's length")
            case .ended: break
            case .sleep(let until, let input):
                (wakeAt, wantsInput) = (until, input)
                return
            case .stopped:
                (wakeAt, wantsInput) = (nil, false)
                return
            }
            _ = device.interrupt()
        }
        rule(false, "the machine never comes to rest")
    }

    private mutating func writeStatus(_ mask: StatusRegister, _ value: StatusRegister, drops: Bool) {
        let kept = device.str & ~mask.rawValue & ~STRBit.obf
        _ = device.writeStatus(kept | value.rawValue & mask.rawValue | (drops ? 0 : STRBit.obf))
    }

    /// A host that keeps the protocol, and retries as Linux does.
    mutating func recover() {
        // What lies about is given up by whoever waits.
        for _ in 0..<40 {
            _ = device.interrupt()
            now = max(now, min(wakeAt ?? now, now + 10_000_000_000)) + 1000
            wake()
            reply(3)
        }
        var configuration = HostConfiguration(.linux)
        (configuration.pollInterval, configuration.timeout) = (1_000_000, 6_000_000_000)
        var host = HostMachine(configuration, request: [0x18, 0x01])
        for _ in 0..<100_000 {
            let action = host.next(now: now)
            switch action {
            case .readStatus: host.statusRead(StatusRegister(rawValue: device.hostReadsStatus()), now: now)
            case .readData: host.dataRead(device.hostReadsData())
            case .writeData(let value): _ = device.hostWritesData(value)
            case .writeCommand(let value): _ = device.hostWritesCommand(value)
            case .wait(let time): pass(time &- now)
            case .finished(let result):
                return rule(result == .success([0x1C, 0x01, 0x00]), "a clean request is not answered")
            }
            _ = device.interrupt()
            now += 2000
            if let at = wakeAt, now >= at { run() }
            wake()
            reply(3)
        }
        rule(false, "a clean request does not end")
    }
}
