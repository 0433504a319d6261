// SPDX-License-Identifier: Apache-2.0
//
// The one table of names of MCTP's numbers.

extension MessageType {
    /// What the protocol is called (DSP0239); nil if the number is nobody's.
    public var name: String? {
        switch number {
        case 0x00: "control"
        case 0x01: "PLDM"
        case 0x02: "NC-SI"
        case 0x03: "Ethernet"
        case 0x04: "NVMe-MI"
        case 0x05: "SPDM"
        case 0x06: "secured messages"
        case 0x07: "CXL FM API"
        case 0x08: "CXL CCI"
        case 0x7E: "vendor (PCI)"
        case 0x7F: "vendor (IANA)"
        default: nil
        }
    }
}

extension ControlCommand {
    /// What the command is called (DSP0236 §12, and of the KCS transport DSP0254).
    public var name: String {
        switch rawValue {
        case 0x01: "Set Endpoint ID"
        case 0x02: "Get Endpoint ID"
        case 0x03: "Get Endpoint UUID"
        case 0x04: "Get MCTP Version Support"
        case 0x05: "Get Message Type Support"
        case 0x06: "Get Vendor Defined Message Support"
        case 0x07: "Resolve Endpoint ID"
        case 0x08: "Allocate Endpoint IDs"
        case 0x09: "Routing Information Update"
        case 0x0A: "Get Routing Table Entries"
        case 0x0B: "Prepare for Endpoint Discovery"
        case 0x0C: "Endpoint Discovery"
        case 0x0D: "Discovery Notify"
        case 0x0E: "Get Network ID"
        case 0x0F: "Query Hop"
        case 0x10: "Resolve UUID"
        case 0x11: "Query Rate Limit"
        case 0x12: "Request TX Rate Limit"
        case 0x13: "Update Rate Limit"
        case 0x14: "Query Supported Interfaces"
        case 0xF0: "Register Endpoint"
        case 0xF1: "Get MCTP Packet"
        case 0xF2: "Enable MCTP SMS_ATN"
        case 0xF3...0xFF: "transport specific command"
        default: "unknown command"
        }
    }
}

extension ControlCompletionCode {
    /// What the code says (DSP0236 §12).
    public var name: String {
        switch rawValue {
        case 0x00: "success"
        case 0x01: "error"
        case 0x02: "invalid data"
        case 0x03: "invalid length"
        case 0x04: "not ready"
        case 0x05: "unsupported command"
        case 0x80...0xFF: "command specific"
        default: "reserved"
        }
    }
}
