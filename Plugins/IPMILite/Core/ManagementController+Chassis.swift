// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Power, identification and boot options (IPMI 2.0 §28).
extension ManagementController {
    func getChassisCapabilities(_ response: inout Response) -> CompletionCode {
        // No sensors of intrusion, no lock-out; bit 2 a diagnostic interrupt; every function is in this controller.
        response.append([actions.has(.diagnostic) ? 0x04 : 0x00, 0x20, 0x20, 0x20, 0x20, 0x20])
        return .ok
    }

    func getChassisStatus(_ response: inout Response, _ now: UInt64) -> CompletionCode {
        // The policy, as Set Power Restore Policy stored it, in 6:5; 3 says unknown.
        let policy = settings[.powerPolicy]?.first ?? 3
        response.append((powerOn ? 0x01 : 0x00) | (policy & 3) << 5)
        response.append(lastPowerEvent)
        let identifying: UInt8 = identifyForced ? 0x20 : (identifyUntil.map { now < $0 } ?? false ? 0x10 : 0x00)
        // Without the optional byte of front panel buttons: there are none to be enabled.
        response.append(0x40 | identifying)
        return .ok
    }

    func chassisControl(_ request: Request, _ now: UInt64) -> CompletionCode {
        let action: PlatformAction
        switch request[0] & 0x0F {
        case 0: action = .powerOff
        case 1: action = .powerOn
        case 2: action = .powerCycle
        case 3: action = .hardReset
        case 4: action = .diagnostic
        // Without actions of its own, a soft shutdown is a power off.
        case 5: action = actions.has(.softOff) ? .softOff : .powerOff
        default: return .invalidField
        }
        guard actions.has(action) else { return .invalidField }
        if action != .diagnostic {
            powerOn = action != .powerOff && action != .softOff
            // Bit 4: the last power-on was by this command.
            lastPowerEvent = action == .powerOn || action == .powerCycle ? 0x10 : 0x00
            if powerOn { restartCause = 0x01 }
        }
        say(.notice, "\(action.name) asked for by the host")
        emit(.run(action))
        if bootFlagsUntil != nil { restartBootFlagTimer(now) }
        return .ok
    }

    func chassisIdentify(_ request: Request, _ now: UInt64) -> CompletionCode {
        let seconds = request.count > 0 ? request[0] : 15
        identifyForced = request.count > 1 && request[1] & 1 != 0
        identifyUntil = seconds == 0 ? nil : now + UInt64(seconds) * 1_000_000_000
        arm()
        let span = (identifyForced ? "forced" : "\(seconds)" as Sentence).text
        let isOn = seconds > 0 || identifyForced
        runIdentify(isOn, detail: isOn ? (" \(span)\nIDENTIFY_INTERVAL=\(span)" as Sentence).text : "")
        return .ok
    }

    /// - Parameter detail: for how many seconds, or `forced`: the last word of what the actions get as their cause, and on a
    ///   line of its own as a variable.
    func runIdentify(_ on: Bool, detail: String = "") {
        let action: PlatformAction = on ? .identify : .identifyOff
        if actions.has(action) { emit(.run(action, detail: detail)) }
    }

    func setPowerRestorePolicy(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard request[0] & 0xF8 == 0, request[0] <= 3 else { return .invalidField }
        // All three policies.
        response.append(0x07)
        if request[0] != 3, settings[.powerPolicy] != [request[0]] { proposed = .setting(.powerPolicy, [request[0]]) }
        return .ok
    }

    func getSystemRestartCause(_ response: inout Response) -> CompletionCode {
        response.append(restartCause)
        response.append(ManagementController.systemInterface)
        return .ok
    }

    func getPowerOnHours(_ response: inout Response, _ now: UInt64) -> CompletionCode {
        response.append(60)
        response.append(uint32: powerOnHours(now))
        return .ok
    }

    // MARK: Boot options

    /// Bytes of a parameter's data; nil if it is not supported, 0 if any number up to 16 will do.
    static func bootOptionSize(_ parameter: UInt8) -> Int? {
        switch parameter {
        case 1, 2, 3: 1
        case 4: 2
        case 5: 5
        case 6: 9
        case 7: 17
        case 96...127: 0
        default: nil
        }
    }

    func setBootOptions(_ request: Request, _ now: UInt64) -> CompletionCode {
        let parameter = request[0] & 0x7F
        let data = request.data(from: 1)
        if parameter == 0 {
            guard data.count == 1 else { return .requestLengthInvalid }
            return setProgress(data[0], &bootSetInProgress)
        }
        guard let size = ManagementController.bootOptionSize(parameter) else { return .commandSpecific80 }
        let key = SettingKey.bootOption(parameter)
        let old = settings[key]
        let invalid = request[0] & 0x80
        var value: [UInt8]
        if data.isEmpty {
            // Only marks the parameter valid or invalid.
            value = old ?? ManagementController.bootOptionDefault(parameter)
            value[0] = invalid
        } else {
            // A mailbox's last block may be short.
            let isShort = parameter == 7 && data.count >= 2 && data.count < size
            guard size == 0 ? data.count <= 16 : isShort || data.count == size else { return .requestLengthInvalid }
            if parameter == 7 { return setMailbox(data) }
            value = [invalid] + data
            // Boot information acknowledge: the first byte says which bits of the second are written.
            if parameter == 4 { value = [invalid, 0x00, ((old ?? [0, 0, 0])[2] & ~data[0]) | (data[1] & data[0])] }
        }
        guard value != old else {
            if parameter == 5 { restartBootFlagTimer(now) }
            return .ok
        }
        guard settings.hasRoom(for: key) else { return .outOfSpace }
        proposed = .setting(key, value)
        return .ok
    }

    private func setMailbox(_ data: [UInt8]) -> CompletionCode {
        guard data[0] < 16 else { return .parameterOutOfRange }
        let key = SettingKey.bootMailbox(data[0])
        guard settings.hasRoom(for: key) else { return .outOfSpace }
        proposed = .setting(key, [UInt8](data[1...]))
        return .ok
    }

    /// Valid boot flags are for a boot that is about to come: without a Chassis Control within 60 s they are valid no
    /// longer, and each begins the time anew (IPMI 2.0 §28.13).
    func restartBootFlagTimer(_ now: UInt64) {
        let areValid = settings[.bootOption(5)].map { $0.count > 1 && $0[1] & 0x80 != 0 } ?? false
        bootFlagsUntil = areValid ? now + 60_000_000_000 : nil
        arm()
    }

    /// Clears the boot flags' valid bit, unless parameter 3 has the bit set that says otherwise for this cause: 3 for the
    /// time, 2 for a reset by the watchdog.
    func clearBootFlags(unless bit: UInt8, _ now: UInt64) {
        bootFlagsUntil = nil
        guard var flags = settings[.bootOption(5)], flags.count > 1, flags[1] & 0x80 != 0,
            settings[.bootOption(3)].map({ $0.count < 2 || $0[1] & bit == 0 }) ?? true
        else { return }
        flags[1] &= 0x7F
        store(.bootOption(5), flags, now)
    }

    private static func bootOptionDefault(_ parameter: UInt8) -> [UInt8] {
        [UInt8](repeating: 0, count: 1 + (bootOptionSize(parameter) ?? 0))
    }

    /// Set In Progress, the same for boot options and system information: 0 complete, 1 begin, 2 commit.
    func setProgress(_ value: UInt8, _ state: inout UInt8) -> CompletionCode {
        switch value & 3 {
        case 0: state = 0
        case 1:
            // 81: somebody has begun already.
            guard state == 0 else { return .commandSpecific81 }
            state = 1
        // Every write is in force at once, so there is nothing left to commit.
        case 2: break
        default: return .invalidField
        }
        return .ok
    }

    func getBootOptions(_ request: Request, _ response: inout Response) -> CompletionCode {
        let parameter = request[0] & 0x7F
        response.append(0x01)
        if parameter == 0 {
            response.append(0x00)
            response.append(bootSetInProgress)
            return .ok
        }
        guard ManagementController.bootOptionSize(parameter) != nil else { return .commandSpecific80 }
        let value = settings[.bootOption(parameter)] ?? ManagementController.bootOptionDefault(parameter)
        response.append(value[0] & 0x80 | parameter)
        guard parameter == 7 else {
            response.append(value, 1..<value.count)
            return .ok
        }
        guard request[1] < 16 else { return .parameterOutOfRange }
        response.append(request[1])
        let block = settings[.bootMailbox(request[1])] ?? []
        response.append(block)
        for _ in block.count..<16 { response.append(0x00) }
        return .ok
    }
}
