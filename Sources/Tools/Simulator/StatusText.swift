// SPDX-License-Identifier: Apache-2.0
import Common
import DriverModel
import KCS
import SimulatedDevice

/// STR in words: STATE, then the names of the bits that are set.
public func describeStatus(_ str: UInt8) -> String {
    let bits: [(UInt8, String)] = [
        (STRBit.oem2, "OEM2"), (STRBit.oem1, "OEM1"), (STRBit.commandData, "C/D"), (STRBit.smsAttention, "SMS_ATN"),
        (STRBit.ibf, "IBF"), (STRBit.obf, "OBF"),
    ]
    return ([StatusRegister(rawValue: str).state.name] + bits.filter { str & $0.0 != 0 }.map(\.1)).joined(
        separator: " ")
}

/// What a device was made with, in words.
public func describeSettings(_ settings: DeviceSettings) -> String {
    let output: String
    switch settings.obeLag {
    case 0: output = "OBE at once"
    case .max: output = "OBE never"
    default: output = "OBF polled every \(Quantity.duration(settings.obeLag))"
    }
    return "driver \(settings.driver.name), \(output), window of \(settings.windowSize) bytes"
}
