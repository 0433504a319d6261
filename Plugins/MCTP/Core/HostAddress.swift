// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// The bus owner's part: gives the host its address with Set Endpoint ID, and asks again when no answer comes.
struct HostAddress {
    enum Progress {
        case idle
        case asked(instance: UInt8, attempts: Int, deadline: UInt64)
        case assigned
        case refused
    }

    static let attempts = 3
    static let patience: UInt64 = 2_000_000_000
    let eid: EID
    private(set) var progress = Progress.idle
    private var instance: UInt8 = 0

    init(_ eid: EID) { self.eid = eid }

    /// An answer is awaited, or a request due.
    var isUnderWay: Bool {
        switch progress {
        case .idle, .asked: true
        case .assigned, .refused: false
        }
    }

    /// The link is up (again): nothing is known of the host.
    mutating func reset() { progress = .idle }

    /// The message that is due now; nil if there is none.
    mutating func request(now: UInt64) -> [UInt8]? {
        var attempts = 0
        switch progress {
        case .idle: break
        case .asked(_, let made, let deadline):
            guard now >= deadline else { return nil }
            guard made < Self.attempts else {
                progress = .refused
                return nil
            }
            attempts = made
        case .assigned, .refused: return nil
        }
        instance = (instance + 1) & 0x1F
        progress = .asked(instance: instance, attempts: attempts + 1, deadline: now &+ Self.patience)
        return ControlRequest.setEndpointID(eid).message(instance: instance)
    }

    /// A control response came. What is worth a line about it; nil if it is no answer to ours.
    mutating func received(_ response: ControlResponse) -> String? {
        guard case .asked(let instance, _, _) = progress, response.instance == instance,
            response.command == .setEndpointID
        else { return nil }
        guard response.completionCode == .success, response.data.count == 3, response.data[0] & 0x30 == 0 else {
            progress = .refused
            return "the host refuses EID \(eid.rawValue): completion code \(response.completionCode.rawValue)"
        }
        progress = .assigned
        return "the host has EID \(response.data[1])"
    }
}
