// SPDX-License-Identifier: Apache-2.0
import IPMI

/// Platform event filtering, of which there is none (IPMI 2.0 §30): said in the form that hosts ask for, for they ask.
extension ManagementController {
    func getPEFCapabilities(_ response: inout Response) -> CompletionCode {
        // Version 1.5 of it, no action, no filter.
        response.append([0x51, 0x00, 0x00])
        return .ok
    }

    func getPEFParameters(_ request: Request, _ response: inout Response) -> CompletionCode {
        switch request[0] & 0x7F {
        // Not being set, control, actions, and the sizes of both tables.
        case 0, 1, 2, 5, 8: break
        default: return .commandSpecific80
        }
        response.append(0x11)
        if request[0] & 0x80 == 0 { response.append(0x00) }
        return .ok
    }

    func getLastProcessedEvent(_ response: inout Response) -> CompletionCode {
        response.append(uint32: log.added)
        response.append(uint16: log.records.last?.id ?? 0xFFFF)
        response.append(uint16: 0xFFFF)
        response.append(uint16: 0xFFFF)
        return .ok
    }
}
