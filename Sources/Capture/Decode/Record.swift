// SPDX-License-Identifier: Apache-2.0
import Capture
import JSON

/// A record of a capture, and what it means.
public struct Record {
    /// The channel.
    public let channel: String
    /// As it stands in the file.
    public let packet: PcapngReader.Packet
    /// The interface that the packet names.
    public let interface: PcapngReader.Interface
    let entry: Entry

    /// Requests that it ended: answered by it, or given up for it.
    public var exchanges: [Exchange] { entry.exchanges }

    /// The record itself, in words.
    public var summary: String { entry.summary }
    /// What it means, a line each.
    public var meaning: [String] { entry.meaning }
    /// Would somebody who looks for the fault want to see it?
    public var isError: Bool { entry.isError }

    /// As an object, for programs.
    public var json: JSONValue {
        var members = [
            JSONMember("time", .string(UTCTime.standard(packet.time))), JSONMember("channel", .string(channel)),
            JSONMember("stream", .string(interface.name)),
        ]
        switch packet.direction {
        case .none: break
        case .fromHost: members.append(JSONMember("direction", .string("host-to-bmc")))
        case .toHost: members.append(JSONMember("direction", .string("bmc-to-host")))
        }
        members += entry.fields
        if let access = entry.access { members += access.fields }
        members.append(JSONMember("error", .bool(entry.isError)))
        return .object(members)
    }
}
