// SPDX-License-Identifier: Apache-2.0
import Common

/// Kinds of requests whose latencies are told apart: by their NetFn, few enough for a label of a metric.
enum CommandClass: Int, CaseIterable {
    case chassis, bridge, sensor, app, firmware, storage, transport, group, oem, other

    /// The class of a request's first byte, NetFn and LUN.
    init(_ byte: UInt8) {
        switch byte >> 3 {
        case 0x00: self = .chassis
        case 0x01: self = .bridge
        case 0x02: self = .sensor
        case 0x03: self = .app
        case 0x04: self = .firmware
        case 0x05: self = .storage
        case 0x06: self = .transport
        case 0x16: self = .group
        case 0x17...0x1F: self = .oem
        default: self = .other
        }
    }

    /// One word.
    var name: String {
        switch self {
        case .chassis: return "chassis"
        case .bridge: return "bridge"
        case .sensor: return "sensor"
        case .app: return "app"
        case .firmware: return "firmware"
        case .storage: return "storage"
        case .transport: return "transport"
        case .group: return "group"
        case .oem: return "oem"
        case .other: return "other"
        }
    }
}

/// What a channel's messages took, since the daemon started. Times are the recorder's, in nanoseconds.
final class MessageLatency {
    /// From a whole request to its answer, by class.
    private(set) var answers = [LatencyHistogram](repeating: LatencyHistogram(), count: CommandClass.allCases.count)
    /// From an answer to the moment in which the host CPU was known to have read all of it.
    private(set) var fetches = LatencyHistogram()
    /// From the turn of the loop that found a request whole to the handler's call. Measured at each eighth request, as it takes a
    /// look at the clock.
    private(set) var deliveries = LatencyHistogram()

    private var requests: UInt64 = 0
    private var offered: UInt64 = 0
    private var kind = CommandClass.other
    private var answered: UInt64 = 0
    private var fetched: UInt64 = 0

    /// A request is offered to handlers, at the turn's time.
    func requestCame(_ first: UInt8, at time: UInt64, clock: @autoclosure () -> UInt64) {
        (kind, offered) = (CommandClass(first), time)
        if requests & 7 == 0 { deliveries.record(Self.span(time, clock())) }
        requests &+= 1
    }

    /// Its answer is on its way.
    func answerWent(at time: UInt64) {
        answered = time
        answers[kind.rawValue].record(Self.span(offered, time))
    }

    /// The carrier knows of so many answers that were read to their end.
    @inline(__always)
    func answersRead(_ count: UInt64, at time: @autoclosure () -> UInt64) {
        if count == fetched { return }
        fetched = count
        if answered != 0 { fetches.record(Self.span(answered, time())) }
        answered = 0
    }

    /// Another carrier begins to count.
    func carrierBegan() { (answered, fetched) = (0, 0) }

    private static func span(_ from: UInt64, _ to: UInt64) -> UInt64 { to > from ? to - from : 0 }
}
