// SPDX-License-Identifier: Apache-2.0

extension Command {
    /// The first data byte of requests of the data center manageability interface.
    public static let bodyOfDCMI: UInt8 = 0xDC

    /// What the standard calls this command of the data center manageability interface (DCMI 1.5 table 6-1); nil if it does not
    /// know it.
    public var nameInDCMI: String? {
        switch rawValue {
        case 0x01: "Get DCMI Capabilities Info"
        case 0x02: "Get Power Reading"
        case 0x03: "Get Power Limit"
        case 0x04: "Set Power Limit"
        case 0x05: "Activate/Deactivate Power Limit"
        case 0x06: "Get Asset Tag"
        case 0x07: "Get DCMI Sensor Info"
        case 0x08: "Set Asset Tag"
        case 0x09: "Get Management Controller Identifier String"
        case 0x0A: "Set Management Controller Identifier String"
        case 0x0B: "Set Thermal Limit"
        case 0x0C: "Get Thermal Limit"
        case 0x10: "Get Temperature Readings"
        case 0x12: "Set DCMI Configuration Parameters"
        case 0x13: "Get DCMI Configuration Parameters"
        default: nil
        }
    }
}
