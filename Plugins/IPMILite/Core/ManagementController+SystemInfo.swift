// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// System information parameters (IPMI 2.0 §22.14): text that the host leaves with the controller.
extension ManagementController {
    private static let mostSets: UInt8 = 16

    /// True for the parameters that are blocks of text: firmware version, names, URLs, and the OEM's.
    private static func isText(_ parameter: UInt8) -> Bool { (1...7).contains(parameter) || parameter >= 0xC0 }

    func setSystemInfo(_ request: Request) -> CompletionCode {
        let parameter = request[0]
        if parameter == 0 {
            guard request.count == 2 else { return .requestLengthInvalid }
            return setProgress(request[1], &systemInfoSetInProgress)
        }
        guard ManagementController.isText(parameter) else { return .commandSpecific80 }
        let set = request[1]
        guard set < ManagementController.mostSets else { return .parameterOutOfRange }
        guard request.count >= 3 else { return .requestLengthInvalid }
        var block = request.data(from: 2)
        while block.count < 16 { block.append(0) }
        let key = SettingKey.systemInfo(parameter, set)
        guard settings[key] != block else { return .ok }
        guard settings.hasRoom(for: key) else { return .outOfSpace }
        proposed = .setting(key, block)
        return .ok
    }

    func getSystemInfo(_ request: Request, _ response: inout Response) -> CompletionCode {
        let parameter = request[1]
        guard parameter == 0 || ManagementController.isText(parameter) else { return .commandSpecific80 }
        response.append(0x11)
        if request[0] & 0x80 != 0 { return .ok }
        if parameter == 0 {
            response.append(systemInfoSetInProgress)
            return .ok
        }
        let set = request[2]
        guard set < ManagementController.mostSets else { return .parameterOutOfRange }
        // 80: nothing was ever left here.
        guard let block = settings[.systemInfo(parameter, set)] else {
            return settings[.systemInfo(parameter, 0)] == nil ? .commandSpecific80 : .parameterOutOfRange
        }
        response.append(set)
        response.append(block)
        return .ok
    }
}
