// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import MCTP

/// Names MCTP packets (DSP0236 §8) and control messages (§12), and matches responses with requests.
struct MCTPDecoder {
    private struct Request {
        let responder: UInt8
        let tag: UInt8
        let instance: UInt8
        let command: UInt8
        let time: UInt64
    }

    private var pending: [Request] = []
    private static let maximumPending = 32

    var unanswered: [String] { pending.map { "MCTP control " + ControlCommand(rawValue: $0.command).name } }

    mutating func decode(_ bytes: ArraySlice<UInt8>, _ direction: Direction, at time: UInt64) -> Meaning {
        guard bytes.count >= 4 else { return Meaning(lines: ["MCTP: shorter than its header"], isError: true) }
        let header = Array(bytes.prefix(4))
        let flags = header[3]
        var line = "MCTP \(header[2])>\(header[1])"
        if flags & 0x80 != 0 { line += " SOM" }
        if flags & 0x40 != 0 { line += " EOM" }
        line += " seq \(flags >> 4 & 3) tag \(flags & 7)" + (flags & 0x08 != 0 ? " TO" : "")
        guard header[0] & 0x0F == 1 else {
            return Meaning(lines: [line + ", header version \(header[0] & 0x0F) is not 1"], isError: true)
        }
        let body = bytes.dropFirst(4)
        guard flags & 0x80 != 0 else { return Meaning(lines: [line + ", continued, \(body.count) bytes"]) }
        guard let type = body.first else {
            return Meaning(lines: [line + ", without a message type"], isError: true)
        }
        let messageType = MessageType(type)
        line += ", " + (messageType.name ?? "message type " + Hex.byte(messageType.number))
        if messageType.hasIntegrityCheck { line += " with integrity check" }
        guard type & 0x7F == 0, flags & 0x40 != 0 else {
            return Meaning(lines: [line + ", \(body.count) bytes"])
        }
        return control(Array(body), header, line, at: time)
    }

    private mutating func control(_ body: [UInt8], _ header: [UInt8], _ line: String, at time: UInt64) -> Meaning {
        guard body.count >= 3 else {
            return Meaning(lines: [line + ", shorter than a control header"], isError: true)
        }
        let isRequest = body[1] & 0x80 != 0
        let instance = body[1] & 0x1F
        let command = body[2]
        var text = line + ": " + ControlCommand(rawValue: command).name + " (" + Hex.byte(command) + ")"
        if isRequest {
            text += body[1] & 0x40 != 0 ? " datagram" : " request"
            if body[1] & 0x40 == 0 {
                pending.append(
                    Request(
                        responder: header[1], tag: header[3] & 7, instance: instance, command: command, time: time))
                if pending.count > MCTPDecoder.maximumPending { pending.removeFirst() }
            }
            return Meaning(lines: [text + data(body.dropFirst(3))])
        }
        guard body.count >= 4 else {
            return Meaning(lines: [text + " response, no completion code"], isError: true)
        }
        text += " response, completion code " + Hex.byte(body[3]) + " " + ControlCompletionCode(rawValue: body[3]).name
        // The responder may answer from an EID that it was just given: tag, instance and command identify the request.
        let found = pending.lastIndex {
            $0.tag == header[3] & 7 && $0.instance == instance && $0.command == command
                && ($0.responder == header[2] || $0.responder == 0 || $0.responder == 0xFF || command == 1)
        }
        if let found {
            let request = pending.remove(at: found)
            if time >= request.time { text += ", after " + UTCTime.short(time - request.time) }
        } else {
            text += ", to no request in this capture"
        }
        return Meaning(lines: [text + data(body.dropFirst(4))], isError: body[3] != 0)
    }

    private func data(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.isEmpty ? "" : ", data " + Hex.excerpt(bytes)
    }
}
