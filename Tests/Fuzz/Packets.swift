// SPDX-License-Identifier: Apache-2.0
//
// MCTP: packets that come over any binding, and the window that the host can write at any time.
import MCTP

/// Packets into a terminus, and control messages into its responder.
func fuzzMCTP(_ input: UnsafeRawBufferPointer) {
    var input = Input(input)
    let limits = ReassemblyLimits(timeout: 6_000_000_000, perPeer: 4096, total: 16384, messages: 4)
    let terminus = Terminus(eid: EID(8), limits: limits, queueBound: 1 << 16)
    var now: UInt64 = 1_000_000_000
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 300, alignment: 16)
    defer { memory.deallocate() }
    while !input.isEmpty {
        let kind = input.byte()
        var packet = input.bytes(Int(input.byte()))
        if kind & 1 == 0 && packet.count >= 4 {
            // Addressed to us, so that it is taken.
            (packet[0], packet[1]) = (1, 8)
        }
        let place = UnsafeMutableRawBufferPointer(rebasing: memory[..<packet.count])
        place.copyBytes(from: packet)
        switch kind >> 1 & 7 {
        case 0: terminus.receivedCorrupt(UnsafeRawBufferPointer(place))
        case 1: _ = terminus.expire(now: now)
        case 2: terminus.linkReset()
        case 3: _ = DSP0254.packet(in: UnsafeRawBufferPointer(place))
        case 4:
            _ = ControlHeader(UnsafeRawBufferPointer(place))
            _ = ControlResponse(UnsafeRawBufferPointer(place))
        default:
            if case .message(let message) = terminus.receive(place, now: now) {
                rule(message.body.count <= 16384, "a message of \(message.body.count) bytes")
                _ = terminus.send(
                    UnsafeRawBufferPointer(message.body), to: message.source, tag: message.tag.answer, now: now)
            }
        }
        rule(terminus.reassemblyMemory <= 1 << 20, "reassembly holds \(terminus.reassemblyMemory) bytes")
        while terminus.nextPacketSize(unit: 64) > 0 {
            let size = terminus.nextPacketSize(unit: 64)
            rule(size <= 68, "a packet of \(size) bytes")
            rule(terminus.nextPacket(unit: 64, into: memory) == size, "a packet of another size")
            terminus.packetTaken()
        }
        now += UInt64(kind) << 24
    }
}

/// Signals of a host and changes of the window, at any moment.
func fuzzAstlpc(_ input: UnsafeRawBufferPointer) {
    var input = Input(input)
    let count = 4096
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    guard var bmc = AstlpcBMC(Window(memory, count: count)) else { return rule(false, "the window is large enough") }
    let terminus = Terminus(eid: EID(8))
    let awkward: [UInt32] = [0, 1, 4, 67, 68, 75, 76, 0x100, 0x200, 0x7F0, 0x1000, 0x7FFF_FFFF, 0x8000_0000, .max]
    bmc.start()
    while true {
        while bmc.write != nil { bmc.written() }
        if bmc.hasCredit {
            let size = terminus.nextPacketSize(unit: bmc.unit)
            if size > 0 {
                rule(size <= bmc.unit + 4, "a packet of \(size) bytes, and the unit is \(bmc.unit)")
                _ = terminus.nextPacket(unit: bmc.unit, into: bmc.packet(size))
                bmc.send(size)
                continue
            }
        }
        if input.isEmpty { return }
        let code = input.byte()
        switch code >> 6 {
        case 0, 1:
            switch bmc.hostWrote(code & 0x40 == 0 ? code & 7 : input.byte()) {
            case .packet:
                let packet = bmc.received
                rule(packet.count <= count, "a packet of \(packet.count) bytes")
                if case .message(let message) = terminus.receive(packet, now: 0) {
                    _ = terminus.send(
                        UnsafeRawBufferPointer(message.body), to: message.source, tag: message.tag.answer, now: 0)
                }
            case .corrupt: terminus.receivedCorrupt(UnsafeRawBufferPointer(bmc.received))
            case .credit: terminus.packetTaken()
            case .active, .inactive: terminus.linkReset()
            default: break
            }
        case 2:
            let place = Int(code & 0x3F) * 4
            let value = awkward[Int(input.byte()) % awkward.count].bigEndian
            memory.storeBytes(of: value, toByteOffset: place, as: UInt32.self)
        default:
            let place = (Int(input.byte()) << 4 | Int(code & 15)) % (count - 64)
            for index in 0..<Int(input.byte() & 63) {
                memory.storeBytes(of: input.byte(), toByteOffset: place + index, as: UInt8.self)
            }
        }
        if code == 0xFF { _ = bmc.repair() }
    }
}
