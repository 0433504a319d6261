// SPDX-License-Identifier: Apache-2.0
import MCTP
import MCTPMux
import PluginKit

extension MCTPHandler {
    /// Counters of the link, of reassembly and of the clients, or of the uplink.
    func tell(_ stats: Stats) {
        guard let link else { return }
        let counters = link.user.counters
        if let endpoint { stats.gauge("eid", UInt64(endpoint.eid.rawValue)) }
        stats.count("packets_in", counters.packetsIn)
        stats.count("packets_out", counters.packetsOut)
        stats.count("messages_in", counters.messagesIn)
        stats.count("messages_out", counters.messagesOut)
        stats.gauge("queued", UInt64(link.user.queued))
        for reason in DropReason.allCases where counters[reason] > 0 {
            stats.count(reason.name.description, counters[reason])
        }
        if let endpoint { tell(endpoint, stats) }
        if let uplink { tell(uplink, stats) }
        if let messages { stats.count("unanswered", messages.unanswered) }
        if let astlpc { tell(astlpc, stats) }
    }

    private func tell(_ endpoint: Endpoint, _ stats: Stats) {
        stats.gauge("clients", UInt64(endpoint.clientCount))
        stats.count("clients_connected", endpoint.clientCounters.connected)
        stats.count("clients_refused", endpoint.clientCounters.refused)
        stats.count("clients_slow", endpoint.clientCounters.slow)
        stats.count("client_packets_malformed", endpoint.clientCounters.malformed)
        stats.count("client_answers_late", endpoint.clientCounters.lateAnswers)
        stats.count("client_requests_refused", endpoint.clientCounters.refusedRequests)
    }

    private func tell(_ uplink: Uplink, _ stats: Stats) {
        stats.count("uplink_refused", uplink.refused)
        stats.count("uplink_expired", uplink.expired)
        stats.count("uplink_dropped", uplink.dropped)
        stats.count("uplink_damaged", kernel?.damaged ?? 0)
    }

    private func tell(_ astlpc: AstlpcLink, _ stats: Stats) {
        stats.gauge("version", UInt64(astlpc.version?.rawValue ?? 0))
        stats.gauge("mtu", astlpc.version == nil ? 0 : UInt64(astlpc.unit), unit: "bytes")
        stats.count("protocol_errors", astlpc.protocolErrors)
        stats.count("channels_refused", astlpc.refusals)
        stats.count("window_repairs", astlpc.repairs)
    }
}
