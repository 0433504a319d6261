// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP
import MCTPMux

/// Sockets that a test reads from, fills and breaks.
final class FakeSockets: ClientSockets {
    var received: [Int: [[UInt8]]] = [:]
    var full: Set<Int> = []
    var broken: Set<Int> = []
    var watched: Set<Int> = []
    var closed: [Int] = []
    var reading = ClientReading.all
    var isReading: Bool { reading != .none }

    func send(_ frame: UnsafeRawBufferPointer, to client: Int) -> ClientDelivery {
        if broken.contains(client) { return .failed }
        if full.contains(client) { return .full }
        received[client, default: []].append(Array(frame))
        return .sent
    }

    func watchWritable(_ client: Int, _ on: Bool) {
        if on { watched.insert(client) } else { watched.remove(client) }
    }

    func close(_ client: Int) { closed.append(client) }
    func setReading(_ reading: ClientReading) { self.reading = reading }

    func take(_ client: Int) -> [[UInt8]] {
        defer { received[client] = [] }
        return received[client] ?? []
    }
}

final class FakeObserver: EndpointObserver {
    var lines: [String] = []
    var packets: [(bytes: [UInt8], toHost: Bool)] = []

    func log(_ level: LogLevel, _ text: String) { lines.append(text) }
    func record(_ packet: UnsafeRawBufferPointer, toHost: Bool) { packets.append((Array(packet), toHost)) }
}

/// The BMC's registers, with the host's side of the channel behind them.
final class FakeRegisters: AstlpcRegisters {
    var odr: UInt8?
    var status: UInt8 = 0
    var wanted = false
    var replaced = 0
    var isBroken = false

    func write(odr value: UInt8) -> RegisterOutcome {
        if isBroken { return .failed }
        if odr != nil { return .full }
        odr = value
        return .done
    }

    func write(odr value: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome {
        if isBroken { return .failed }
        if odr != nil { return .full }
        odr = value
        status = status & ~mask | str & mask
        return .done
    }

    func replace(odr value: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome {
        if odr != nil { replaced += 1 }
        odr = nil
        return write(odr: value, mask: mask, str: str)
    }

    func wantOutput(_ on: Bool) { wanted = on }
}

final class FakePort: MessagePort {
    var replies: [(token: UInt64, message: [UInt8])] = []
    var attention = false
    var isStale = false

    func reply(_ token: UInt64, _ message: UnsafeRawBufferPointer) -> Bool {
        if isStale { return false }
        replies.append((token, Array(message)))
        return true
    }

    func setAttention(_ on: Bool) { attention = on }

    func take() -> [UInt8]? { replies.isEmpty ? nil : replies.removeFirst().message }
}

extension Endpoint {
    func client(listeningTo type: UInt8, user: UInt32 = 0) -> Int {
        let client = clientConnected(user: user)!
        sent(client, [type])
        return client
    }

    func sent(_ client: Int, _ bytes: [UInt8], now: UInt64 = 0) {
        bytes.withUnsafeBytes { clientSent(client, $0, now: now) }
    }
}

/// A host on the other end of an astlpc link.
final class AstlpcBench {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    let sockets = FakeSockets()
    let observer = FakeObserver()
    let registers = FakeRegisters()
    let endpoint: Endpoint
    let link: AstlpcLink
    var host: AstlpcHost
    let terminus: Terminus
    var received: [[UInt8]] = []
    /// Header flags of the packets that came, for tags.
    var tags: [MessageTag] = []
    var now: UInt64 = 1

    init(_ configuration: EndpointConfiguration = EndpointConfiguration(), unit: Int? = nil) {
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 1 << 20)
        let window = Window(memory, count: 1 << 20)
        endpoint = Endpoint(configuration, sockets: sockets, observer: observer)
        link = AstlpcLink(endpoint, window, registers, unit: unit)!
        host = AstlpcHost(window)
        terminus = Terminus(eid: EID(9))
    }

    deinit { memory.deallocate() }

    func begin() {
        link.start(now: now)
        registers.odr = nil
        link.outputReady(now: now)
        registers.odr = nil
        _ = host.start(status: registers.status)
        run()
    }

    func run() {
        while true {
            link.pump(now: now)
            var busy = false
            while host.write != nil || host.hasCredit {
                if let write = host.write {
                    host.written()
                    link.data(write, now: now)
                    busy = true
                    continue
                }
                let size = terminus.nextPacketSize(unit: host.unit)
                guard size > 0 else { break }
                _ = terminus.nextPacket(unit: host.unit, into: host.packet(size))
                host.send(size)
                terminus.packetTaken()
            }
            if let value = registers.odr {
                registers.odr = nil
                busy = true
                let event = host.bmcWrote(value, status: registers.status)
                if case .packet = event, case .message(let message) = terminus.receive(host.received, now: now) {
                    received.append(Array(message.body))
                    tags.append(message.tag)
                }
                if registers.wanted {
                    registers.wanted = false
                    link.outputReady(now: now)
                }
            }
            if !busy { return }
        }
    }

    func hostSends(_ body: [UInt8], tag: MessageTag? = nil) {
        body.withUnsafeBytes { bytes in
            if let tag {
                _ = terminus.send(bytes, to: EID(8), tag: tag, now: now)
            } else {
                _ = terminus.send(request: bytes, to: EID(8), now: now)
            }
        }
        run()
    }
}

/// SplitMix64: the same sequence for the same seed, on every machine.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
