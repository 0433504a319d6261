// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import JSON
import MCTP

/// Names MCTP packets (DSP0236 §8) and control messages (§12), and matches responses with requests.
struct MCTPDecoder {
    private struct Request {
        let responder: UInt8
        let tag: UInt8
        let instance: UInt8
        let command: UInt8
        let exchange: Exchange
    }

    private var pending: [Request] = []
    private static let maximumPending = 32

    var unanswered: [Exchange] { pending.map { $0.exchange.ended(nil, nil, at: nil) } }

    mutating func decode(_ bytes: ArraySlice<UInt8>, at time: UInt64) -> Meaning {
        guard bytes.count >= 4 else { return Meaning(lines: ["MCTP: shorter than its header"], isError: true) }
        let header = Array(bytes.prefix(4))
        let flags = header[3]
        let body = bytes.dropFirst(4)
        var meaning = Meaning(lines: [], fields: MCTPDecoder.fields(header))
        var line = "MCTP \(header[2])>\(header[1])"
        if flags & 0x80 != 0 { line += " SOM" }
        if flags & 0x40 != 0 { line += " EOM" }
        line += " seq \(flags >> 4 & 3) tag \(flags & 7)" + (flags & 0x08 != 0 ? " TO" : "")
        if header[0] & 0x0F != 1 {
            meaning.lines = [line + ", header version \(header[0] & 0x0F) is not 1"]
            meaning.isError = true
        } else if flags & 0x80 == 0 {
            meaning.lines = [line + ", continued, \(body.count) bytes"]
        } else if let type = body.first {
            let messageType = MessageType(type)
            line += ", " + (messageType.name ?? "message type " + Hex.byte(messageType.number))
            if messageType.hasIntegrityCheck { line += " with integrity check" }
            meaning.fields.append(JSONMember("type", .integer(Int(messageType.number))))
            if type & 0x7F == 0, flags & 0x40 != 0 {
                control(Array(body), header, line, &meaning, at: time)
                return meaning
            }
            meaning.lines = [line + ", \(body.count) bytes"]
        } else {
            meaning.lines = [line + ", without a message type"]
            meaning.isError = true
        }
        meaning.fields.append(JSONMember("data", .string(Hex.bytes(body))))
        meaning.exchanges = [MCTPDecoder.alone(meaning, at: time)]
        return meaning
    }

    private static func fields(_ header: [UInt8]) -> [JSONMember] {
        [
            JSONMember("protocol", .string("mctp")), JSONMember("source", .integer(Int(header[2]))),
            JSONMember("destination", .integer(Int(header[1]))), JSONMember("tag", .integer(Int(header[3] & 7))),
            JSONMember("tag_owner", .bool(header[3] & 0x08 != 0)),
            JSONMember("sequence", .integer(Int(header[3] >> 4 & 3))),
            JSONMember("start", .bool(header[3] & 0x80 != 0)), JSONMember("end", .bool(header[3] & 0x40 != 0)),
        ]
    }

    /// A packet that is not looked into: nothing tells whether it is answered.
    private static func alone(_ meaning: Meaning, at time: UInt64) -> Exchange {
        var packet = Exchange(joined(meaning.lines, ", "), "", meaning.fields, request: [], at: time)
        packet.isAlone = true
        packet.isError = meaning.isError
        return packet
    }

    private mutating func control(
        _ body: [UInt8], _ header: [UInt8], _ line: String, _ meaning: inout Meaning, at time: UInt64
    ) {
        guard body.count >= 3 else {
            meaning.lines = [line + ", shorter than a control header"]
            meaning.isError = true
            return
        }
        let command = body[2]
        let name = ControlCommand(rawValue: command).name
        let isRequest = body[1] & 0x80 != 0
        let exchange = Exchange(
            "MCTP control " + name, Hex.byte(command),
            [
                JSONMember("protocol", .string("mctp")), JSONMember("source", .integer(Int(header[2]))),
                JSONMember("destination", .integer(Int(header[1]))), JSONMember("command", .integer(Int(command))),
            ], request: isRequest ? body.dropFirst(3) : nil, at: time)
        let request = Request(
            responder: header[1], tag: header[3] & 7, instance: body[1] & 0x1F, command: command, exchange: exchange)
        meaning.fields.append(JSONMember("command", .integer(Int(command))))
        meaning.fields.append(JSONMember("name", .string(name)))
        let text = line + ": " + name + " (" + Hex.byte(command) + ")"
        if !isRequest {
            response(request, body, from: header[2], text, &meaning, at: time)
        } else if body[1] & 0x40 != 0 {
            meaning.lines = [text + " datagram" + data(body.dropFirst(3))]
            meaning.exchanges = [MCTPDecoder.alone(meaning, at: time)]
        } else {
            meaning.lines = [text + " request" + data(body.dropFirst(3))]
            pending.append(request)
            if pending.count > MCTPDecoder.maximumPending {
                meaning.exchanges = [pending.removeFirst().exchange.ended(nil, nil, at: nil)]
            }
        }
        meaning.fields.append(JSONMember("message", .string(isRequest ? "request" : "response")))
    }

    private mutating func response(
        _ response: Request, _ body: [UInt8], from source: UInt8, _ line: String, _ meaning: inout Meaning,
        at time: UInt64
    ) {
        guard body.count >= 4 else {
            meaning.lines = [line + " response, no completion code"]
            meaning.isError = true
            return
        }
        let name = ControlCompletionCode(rawValue: body[3]).name
        var text = line + " response, completion code " + Hex.byte(body[3]) + " " + name
        // The responder may answer from an EID that it was just given: tag, instance and command identify the request.
        let found = pending.lastIndex {
            $0.tag == response.tag && $0.instance == response.instance && $0.command == response.command
                && ($0.responder == source || $0.responder == 0 || $0.responder == 0xFF || response.command == 1)
        }
        var asked = response.exchange
        if let found { asked = pending.remove(at: found).exchange } else { text += ", to no request in this capture" }
        let exchange = asked.ended(body.dropFirst(4), (body[3], name), at: time)
        if let latency = exchange.latency { text += ", after " + UTCTime.short(latency) }
        meaning.lines = [text + data(body.dropFirst(4))]
        meaning.fields += exchange.result + [JSONMember("data", .string(Hex.bytes(body.dropFirst(4))))]
        meaning.exchanges = [exchange]
        meaning.isError = body[3] != 0
    }

    private func data(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.isEmpty ? "" : ", data " + Hex.excerpt(bytes)
    }
}
