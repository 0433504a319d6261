// SPDX-License-Identifier: Apache-2.0
import Common
import PluginHost
import Schema

/// What a plugin declares of what it takes: the grammar of what is thrown at it.
struct FuzzGrammar {
    /// A kind of request, as far as it is known.
    struct Request {
        let netFn: UInt8
        let command: UInt8
        /// With NetFn and command.
        var shortest = 2
        var longest = 40
        var body: UInt8?
        var count: (offset: Int, added: Int)?
        /// Are its lengths declared?
        var isExact = false
    }

    let takesMessages: Bool
    let takesBytes: Bool
    let requests: [Request]
    let options: OptionShape
    /// Bytes that mean something to it, as far as its declaration tells.
    let bytes: [UInt8]
    /// Spans of time that do, in nanoseconds.
    let times: [UInt64]

    init(_ plugin: LoadedPlugin) {
        takesMessages = plugin.inputs.contains("messages")
        takesBytes = plugin.inputs.contains { $0.hasPrefix("bytes") }
        options = plugin.options
        var requests: [Request] = plugin.requests.map { entry in
            var request = Request(netFn: entry.netFn, command: entry.command)
            request.shortest = max(2, entry.shortest)
            request.longest = min(1000, max(request.shortest, entry.longest))
            request.count = entry.count
            request.isExact = true
            return request
        }
        for command in plugin.commands {
            let known = requests.indices.filter {
                requests[$0].netFn == command.netFn && requests[$0].command == command.command
            }
            for index in known where requests[index].count == nil && command.netFn == 0x2C {
                requests[index].body = command.body
            }
            if !known.isEmpty { continue }
            var request = Request(netFn: command.netFn, command: command.command)
            if command.netFn == 0x2C { request.body = command.body }
            requests.append(request)
        }
        self.requests = requests
        var words = Words()
        words.gather(plugin.options)
        bytes = words.bytes
        times = words.times
    }

    /// Bytes and times among the options' defaults and bounds.
    private struct Words {
        // Control codes of a transfer, and what begins a protocol.
        var bytes: [UInt8] = [0x60, 0x61, 0x62, 0x68, 0x00, 0x01, 0x02, 0xFF]
        var times: [UInt64] = [1_000, 1_000_000, 10_000_000, 250_000_000, 1_000_000_000, 5_000_000_000, 60_000_000_000]

        mutating func gather(_ shape: OptionShape) {
            switch shape.type {
            case .duration:
                for word in (shape.defaultText ?? "").split(separator: " ") {
                    if let time = try? Quantity.parse(duration: String(word)) { times += [time, time + 1] }
                }
            case .byte, .bytes, .map:
                for character in (shape.defaultText ?? "").utf8 where character > 0x20 && character < 0x7F {
                    if !bytes.contains(character) { bytes.append(character) }
                }
            default: break
            }
            for child in shape.children { gather(child) }
        }
    }
}
