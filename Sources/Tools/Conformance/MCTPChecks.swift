// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO
import Wire

/// MCTP's control protocol in the frames of DSP0254.
enum MCTPChecks {
    private typealias Fault = StrictHost.Fault

    static let probe = frame([1, 0, 9, 0xC9, 0x00, 0x80, 0x02])

    /// NetFn 2C, defining body 01, the count, the packet and its CRC-8.
    static func frame(_ packet: [UInt8]) -> [UInt8] {
        [0xB0, 0x01, UInt8(packet.count)] + packet + [check(packet)]
    }

    private static func check(_ packet: [UInt8]) -> UInt8 { packet.withUnsafeBytes { CRC8.checksum($0) } }

    /// A control request, as endpoint 9, tag 1; its answer from the instance number on.
    private static func control(_ bench: Bench, _ command: UInt8, _ data: [UInt8] = []) throws(Fault) -> [UInt8] {
        let request = frame([1, 0, 9, 0xC9, 0x00, 0x95, command] + data)
        let answer = try bench.host.recover(with: request).answer
        guard answer.count >= 12, answer[0] == 0xB0, answer[1] == 0x01, Int(answer[2]) + 4 == answer.count else {
            throw Fault("the answer \(Hex.bytes(answer)) is no packet in its frame")
        }
        let packet = Array(answer[3..<answer.count - 1])
        guard check(packet) == answer[answer.count - 1] else { throw Fault("the answer's PEC is wrong") }
        guard packet[0] & 15 == 1 else { throw Fault("the answer's header version is \(packet[0] & 15)") }
        guard packet[1] == 9 else { throw Fault("the answer is for endpoint \(packet[1]), not for the asking 9") }
        guard packet[3] & 0xC0 == 0xC0, packet[3] & 0x0F == 0x01 else {
            throw Fault(
                "flags and tag of the answer are \(Hex.number(packet[3])): one packet, tag owner clear, tag 1 wanted")
        }
        guard packet[4] == 0, packet[5] & 0x80 == 0, packet[5] & 0x1F == 0x15, packet[6] == command else {
            throw Fault(
                "\(Hex.bytes(packet[4...6])) does not answer 00 95 \(Hex.byte(command)): Rq clear, instance and command"
            )
        }
        return Array(packet[7...])
    }

    private static func done(_ answer: [UInt8], atLeast count: Int) throws(Fault) {
        guard answer[0] == 0 else { throw Fault("its completion code is \(Hex.number(answer[0]))") }
        guard answer.count > count else {
            throw Fault("its answer has \(answer.count - 1) bytes, at least \(count) wanted")
        }
    }

    static let all: [Check] = [
        Check("MCTP-GET-EID", "DSP0236 §12.4", "Get Endpoint ID is answered") { bench throws(Fault) in
            try done(try control(bench, 2), atLeast: 3)
        },
        Check("MCTP-SET-EID", "DSP0236 §12.3", "Set Endpoint ID refuses 00 and ff with ERROR_INVALID_DATA") {
            bench throws(Fault) in
            for endpoint in [0x00, 0xFF] as [UInt8] {
                let answer = try control(bench, 1, [0, endpoint])
                guard answer[0] == 2 else {
                    throw Fault("endpoint \(Hex.number(endpoint)): completion code \(Hex.number(answer[0]))")
                }
            }
        },
        Check("MCTP-VERSION", "DSP0236 §12.6", "Get MCTP Version Support of the base has entries") {
            bench throws(Fault) in
            let answer = try control(bench, 4, [0xFF])
            try done(answer, atLeast: 5)
            guard answer.count == 2 + Int(answer[1]) * 4 else {
                throw Fault("\(answer[1]) entries in \(answer.count - 2) bytes")
            }
        },
        Check("MCTP-VERSION-UNKNOWN", "DSP0236 §12.6", "a message type that is none is refused with 80") {
            bench throws(Fault) in
            let answer = try control(bench, 4, [0x6E])
            guard answer[0] == 0x80 else { throw Fault("its completion code is \(Hex.number(answer[0]))") }
        },
        Check("MCTP-TYPES", "DSP0236 §12.7", "Get Message Type Support has as many types as it says") {
            bench throws(Fault) in
            let answer = try control(bench, 5)
            try done(answer, atLeast: 1)
            guard answer.count == 2 + Int(answer[1]) else {
                throw Fault("\(answer[1]) types in \(answer.count - 2) bytes")
            }
        },
        Check("MCTP-UNKNOWN", "DSP0236 §12.2", "a control command that is none is refused with ERROR_UNSUPPORTED_CMD") {
            bench throws(Fault) in
            let answer = try control(bench, 0x7A)
            guard answer[0] == 5 else { throw Fault("its completion code is \(Hex.number(answer[0]))") }
        },
        Check("MCTP-PEC", "DSP0254 §6", "a packet with a wrong PEC is not answered, and the next one is") {
            bench throws(Fault) in
            var request = probe
            request[request.count - 1] ^= 0x55
            try dropped(bench, request)
        },
        Check("MCTP-HEADER", "DSP0236 §8.1", "a packet of another header version is not answered, and the next one is")
        {
            bench throws(Fault) in
            try dropped(bench, frame([2, 0, 9, 0xC9, 0x00, 0x80, 0x02]))
        },
    ]

    /// Neither an answer in a frame, nor the end of service.
    private static func dropped(_ bench: Bench, _ request: [UInt8]) throws(Fault) {
        try bench.ready()
        let patient = StrictHost(bench.host.ports, timeout: 500_000_000)
        var answer: [UInt8] = []
        do throws(Fault) { answer = try patient.transfer(request) } catch {}
        // A frame without a packet says that there is none.
        guard answer.first != 0xB0 || answer.count <= 4 else { throw Fault("it is answered: \(Hex.bytes(answer))") }
        try bench.serves()
    }
}
