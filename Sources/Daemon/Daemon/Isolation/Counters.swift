// SPDX-License-Identifier: Apache-2.0
//
// What is counted, as a list of numbers: so a channel's process tells it, and so it is added up over its lives.
import JSON
import KCS

extension ChannelCounters {
    /// In the order in which `init` takes them.
    var list: [UInt64] {
        [
            bytesIn, bytesOut, stale, dropped, refused, replaced, obfStalls, restarts, slowCalls, staleReplies,
        ]
    }

    /// Of a list that may be shorter.
    init(_ list: [UInt64]) {
        func at(_ index: Int) -> UInt64 { index < list.count ? list[index] : 0 }
        bytesIn = at(0)
        bytesOut = at(1)
        stale = at(2)
        dropped = at(3)
        refused = at(4)
        replaced = at(5)
        obfStalls = at(6)
        restarts = at(7)
        slowCalls = at(8)
        staleReplies = at(9)
    }

    static func + (left: ChannelCounters, right: ChannelCounters) -> ChannelCounters {
        ChannelCounters(zip(left.list, right.list).map { $0 &+ $1 })
    }
}

extension TransferCounters {
    var list: [UInt64] {
        [
            delivered, completed, stale, expired, aborted, abortCommands, errors, dropped, strays, looks, wrongGuesses,
        ]
    }

    init(_ list: [UInt64]) {
        self.init()
        func at(_ index: Int) -> UInt64 { index < list.count ? list[index] : 0 }
        delivered = at(0)
        completed = at(1)
        stale = at(2)
        expired = at(3)
        aborted = at(4)
        abortCommands = at(5)
        errors = at(6)
        dropped = at(7)
        strays = at(8)
        looks = at(9)
        wrongGuesses = at(10)
    }
}

extension JSONValue {
    /// A list of numbers; what is none counts 0.
    var numbers: [UInt64]? { elements.map { $0.map { $0.uint64 ?? 0 } } }
    static func numbers(_ values: [UInt64]) -> JSONValue { .array(values.map { .unsigned($0) }) }
}
