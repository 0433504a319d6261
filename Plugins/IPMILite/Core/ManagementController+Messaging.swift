// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Global enables, message flags, the receive message queue and the event message buffer (IPMI 2.0 §22).
extension ManagementController {
    static let mostReceived = 8

    /// Bit 0 receive queue, 1 event buffer (if enabled), 3 watchdog pre-timeout.
    var messageFlags: UInt8 {
        (receiveQueue.isEmpty ? 0 : 0x01) | (eventBuffer != nil && globalEnables & 0x04 != 0 ? 0x02 : 0)
            | (preTimeoutFlag ? 0x08 : 0)
    }

    func setGlobalEnables(_ request: Request) -> CompletionCode {
        guard request[0] & 0x10 == 0 else { return .invalidField }
        globalEnables = request[0]
        if globalEnables & 0x04 == 0 { eventBuffer = nil }
        updateAttention()
        return .ok
    }

    func getGlobalEnables(_ response: inout Response) -> CompletionCode {
        response.append(globalEnables)
        return .ok
    }

    func clearMessageFlags(_ request: Request) -> CompletionCode {
        if request[0] & 0x01 != 0 { receiveQueue = [] }
        if request[0] & 0x02 != 0 { eventBuffer = nil }
        if request[0] & 0x08 != 0 { preTimeoutFlag = false }
        updateAttention()
        return .ok
    }

    func getMessageFlags(_ response: inout Response) -> CompletionCode {
        response.append(messageFlags)
        return .ok
    }

    func getMessage(_ response: inout Response) -> CompletionCode {
        guard !receiveQueue.isEmpty else { return .commandSpecific80 }
        response.append(receiveQueue.removeFirst())
        updateAttention()
        return .ok
    }

    /// Send Message. The only channel that takes messages is the host's own: they come back through the receive
    /// message queue. A LAN channel has no session to send to.
    func sendMessage(_ request: Request) -> CompletionCode {
        guard request[0] & 0xC0 == 0 else { return .invalidField }
        guard let channel = resolve(request[0] & 0x0F) else { return .invalidField }
        guard channel == ManagementController.systemInterface else { return .commandSpecific83 }
        guard request.count >= 2 else { return .requestLengthInvalid }
        guard receiveQueue.count < ManagementController.mostReceived else { return .outOfSpace }
        receiveQueue.append([ManagementController.systemInterface] + request.data(from: 1))
        updateAttention()
        return .ok
    }

    func readEventMessageBuffer(_ response: inout Response) -> CompletionCode {
        guard let event = eventBuffer else { return .commandSpecific80 }
        eventBuffer = nil
        for index in 0..<SELRecord.size { response.append(event[index]) }
        updateAttention()
        return .ok
    }
}
