// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import IPMI
import JSON

/// Names IPMI messages, and matches responses with their requests.
struct IPMIDecoder {
    private struct Request {
        let netFn: UInt8
        let lun: UInt8
        let command: UInt8
        let exchange: Exchange
    }

    /// A host has one request under way at a time: the next one says that it has given this one up.
    private var pending: Request?

    var unanswered: [Exchange] { pending.map { [$0.exchange.ended(nil, nil, at: nil)] } ?? [] }

    mutating func decode(_ bytes: ArraySlice<UInt8>, at time: UInt64) -> Meaning {
        guard bytes.count >= 2, let first = bytes.first else {
            return Meaning(lines: ["IPMI: shorter than NetFn/LUN and command"], isError: true)
        }
        // The network function's lowest bit tells a response; the direction tells who is asked.
        let netFn = first >> 2
        let request = Request(
            netFn: netFn & ~1, lun: first & 3, command: bytes[bytes.startIndex + 1],
            exchange: IPMIDecoder.exchange(bytes, netFn, at: time))
        return netFn & 1 == 0
            ? self.request(request, bytes.dropFirst(2)) : response(request, bytes.dropFirst(2), at: time)
    }

    /// What a message would be the request of. The command's name may depend on the first byte behind it.
    private static func exchange(_ bytes: ArraySlice<UInt8>, _ netFn: UInt8, at time: UInt64) -> Exchange {
        let command = bytes[bytes.startIndex + 1]
        let isRequest = netFn & 1 == 0
        let body = bytes.dropFirst(isRequest ? 2 : 3)
        let lun = bytes[bytes.startIndex] & 3
        let name = Command(rawValue: command).description(in: NetFn(rawValue: netFn & ~1), body: body.first)
        let unit = lun == 0 ? "" : " LUN \(lun)"
        return Exchange(
            name, Hex.byte(netFn) + "/" + Hex.byte(command) + unit,
            [
                JSONMember("protocol", .string("ipmi")), JSONMember("netfn", .integer(Int(netFn & ~1))),
                JSONMember("lun", .integer(Int(lun))), JSONMember("command", .integer(Int(command))),
            ], request: isRequest ? body : nil, at: time)
    }

    private mutating func request(_ request: Request, _ body: ArraySlice<UInt8>) -> Meaning {
        var meaning = Meaning(lines: ["IPMI request: " + request.exchange.name + data(body)])
        meaning.fields = [JSONMember("message", .string("request"))] + request.exchange.fields(data: body)
        if let lost = pending {
            meaning.lines.append("no response to " + lost.exchange.name)
            meaning.exchanges = unanswered
            meaning.isError = true
        }
        pending = request
        return meaning
    }

    private mutating func response(_ response: Request, _ body: ArraySlice<UInt8>, at time: UInt64) -> Meaning {
        var line = "IPMI response: " + response.exchange.name
        var meaning = Meaning(lines: [])
        meaning.fields = [JSONMember("message", .string("response"))]
        guard let value = body.first else {
            meaning.fields += response.exchange.fields(data: body)
            meaning.lines = [line + ", no completion code"]
            meaning.isError = true
            return meaning
        }
        let name = CompletionCode(rawValue: value).name(
            after: Command(rawValue: response.command), in: NetFn(rawValue: response.netFn))
        line += ", completion code " + Hex.byte(value) + " " + name
        var asked = response.exchange
        if let request = pending, request.netFn == response.netFn, request.lun == response.lun,
            request.command == response.command
        {
            asked = request.exchange
            pending = nil
        } else {
            line += ", to no request in this capture"
        }
        let exchange = asked.ended(body.dropFirst(), (value, name), at: time)
        if let latency = exchange.latency { line += ", after " + UTCTime.short(latency) }
        meaning.lines = [line + data(body.dropFirst())]
        meaning.fields += response.exchange.fields(data: body.dropFirst()) + exchange.result
        meaning.exchanges = [exchange]
        meaning.isError = value != 0
        return meaning
    }

    private func data(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.isEmpty ? "" : ", data " + Hex.excerpt(bytes)
    }
}

extension Exchange {
    /// What a message of it says of itself.
    func fields(data: ArraySlice<UInt8>) -> [JSONMember] {
        [JSONMember("name", .string(title))] + identity + [JSONMember("data", .string(Hex.bytes(data)))]
    }

    /// What only its answer tells.
    var result: [JSONMember] {
        var members: [JSONMember] = []
        if let code {
            members.append(JSONMember("code", .integer(Int(code.value))))
            members.append(JSONMember("code_name", .string(code.name)))
        }
        if let latency { members.append(JSONMember("latency_ns", .unsigned(latency))) }
        return members
    }
}
