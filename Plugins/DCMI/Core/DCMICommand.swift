// SPDX-License-Identifier: Apache-2.0
import IPMI

/// The commands: the one place that says their numbers, lengths and completion codes (DCMI 1.5 §6).
public enum DCMICommand: UInt8, CaseIterable, Sendable {
    case getCapabilities = 0x01
    case getPowerReading = 0x02
    case getPowerLimit = 0x03
    case getAssetTag = 0x06
    case getSensorInfo = 0x07
    case setAssetTag = 0x08
    case getControllerID = 0x09
    case setControllerID = 0x0A
    case getTemperatures = 0x10
    case setConfiguration = 0x12
    case getConfiguration = 0x13

    /// The first data byte of each request and of each answer: whose group the command is of.
    public static let group: UInt8 = Command.bodyOfDCMI

    /// Fewest and most data bytes of a legal request.
    public var length: ClosedRange<Int> {
        switch self {
        case .getCapabilities: 2...2
        case .getPowerReading: 4...4
        case .getPowerLimit, .getAssetTag, .getControllerID, .getConfiguration: 3...3
        case .getSensorInfo, .getTemperatures: 5...5
        case .setAssetTag, .setControllerID: 3...19
        case .setConfiguration: 4...19
        }
    }

    /// Completion codes beside 00, C1, C2 and C7 that the command gives.
    public var codes: [UInt8] {
        switch self {
        case .getCapabilities, .getPowerReading: [0xCC]
        case .getPowerLimit, .getConfiguration: [0x80]
        case .getAssetTag, .getControllerID: [0xC9]
        case .getSensorInfo, .getTemperatures: [0xC9, 0xCB, 0xCC]
        case .setAssetTag, .setControllerID: [0xC0, 0xC4, 0xC9, 0xFF]
        case .setConfiguration: [0x80, 0x82]
        }
    }
}
