// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import IPMI

/// Names IPMI messages, and matches responses with their requests.
struct IPMIDecoder {
    private struct Request {
        let netFn: UInt8
        let lun: UInt8
        let command: UInt8
        let name: String
        let time: UInt64
    }

    private var pending: [Request] = []
    /// A host has one request under way at a time; what lies further back was given up.
    private static let maximumPending = 16

    var unanswered: [String] { pending.map { $0.name } }

    mutating func decode(_ bytes: ArraySlice<UInt8>, _ direction: Direction, at time: UInt64) -> Meaning {
        guard bytes.count >= 2, let first = bytes.first else {
            return Meaning(lines: ["IPMI: shorter than NetFn/LUN and command"], isError: true)
        }
        let netFn = first >> 2
        let lun = first & 3
        let command = bytes[bytes.startIndex + 1]
        let body = bytes.dropFirst(2)
        // The network function's lowest bit tells a response; the direction tells who is asked.
        if netFn & 1 == 0 {
            let name =
                Command(rawValue: command).description(in: NetFn(rawValue: netFn), body: body.first)
                + place(netFn, lun, command)
            pending.append(Request(netFn: netFn, lun: lun, command: command, name: name, time: time))
            if pending.count > IPMIDecoder.maximumPending { pending.removeFirst() }
            return Meaning(lines: ["IPMI request: " + name + data(body)])
        }
        var line =
            "IPMI response: "
            + Command(rawValue: command).description(in: NetFn(rawValue: netFn - 1), body: body.dropFirst().first)
            + place(netFn, lun, command)
        guard let code = body.first else {
            return Meaning(lines: [line + ", no completion code"], isError: true)
        }
        line += ", completion code " + Hex.byte(code) + " "
        line += CompletionCode(rawValue: code).name(after: Command(rawValue: command), in: NetFn(rawValue: netFn - 1))
        if let index = pending.lastIndex(where: { $0.netFn == netFn - 1 && $0.lun == lun && $0.command == command }) {
            let request = pending[index]
            pending.remove(at: index)
            if time >= request.time { line += ", after " + UTCTime.short(time - request.time) }
        } else {
            line += ", to no request in this capture"
        }
        return Meaning(lines: [line + data(body.dropFirst())], isError: code != 0)
    }

    private func place(_ netFn: UInt8, _ lun: UInt8, _ command: UInt8) -> String {
        let unit = lun == 0 ? "" : " LUN \(lun)"
        return " (" + Hex.byte(netFn) + "/" + Hex.byte(command) + unit + ")"
    }

    private func data(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.isEmpty ? "" : ", data " + Hex.excerpt(bytes)
    }
}
