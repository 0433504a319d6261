// SPDX-License-Identifier: Apache-2.0
import IPMI

extension CompletionCode {
    /// Get Power Limit: none is set.
    static let noPowerLimit = CompletionCode.commandSpecific80
    /// Configuration parameters: there is no such parameter, or it cannot be written.
    static let parameterNotSupported = CompletionCode.commandSpecific80
    static let readOnly = CompletionCode.commandSpecific82
}

/// Capabilities, power and temperatures (DCMI 1.5 §6.1, §6.6, §6.7).
extension DCMIController {
    func getCapabilities(_ request: Request, _ response: inout Response) -> CompletionCode {
        // Version 1.5, revision 2 of the parameter.
        response.append([0x01, 0x05, 0x02])
        switch request[1] {
        case 1:
            // Power, and of the ways to the controller the system interface.
            response.append([0x00, configuration.hasPower ? 0x01 : 0x00, 0x01])
        case 2:
            // Bit 15: the log drops records when it is full; bit 13: one at a time.
            response.append(uint16: configuration.logCapacity & 0x0FFF | (configuration.logWraps ? 0xA000 : 0))
            response.append([0x00, 0x00, configuration.interval])
        case 3:
            // Power is measured by the BMC itself, at 20 on channel 0.
            response.append([0x20, 0x00])
        case 4:
            // Neither a second LAN channel nor a serial one.
            response.append([configuration.lanChannel ?? 0xFF, 0xFF, 0xFF])
        case 5:
            // No periods of which there are averages of their own.
            response.append(0x00)
        default: return .invalidField
        }
        return .ok
    }

    func getPowerReading(_ request: Request, _ response: inout Response, _ moment: Moment) -> CompletionCode {
        // 01: the system's power; 02 would be one of the periods that there are not.
        guard request[1] == 0x01 else { return .invalidField }
        response.append(uint16: power.present ?? 0)
        response.append(uint16: power.lowest)
        response.append(uint16: power.highest)
        response.append(uint16: power.average)
        response.append(uint32: moment.seconds)
        response.append(uint32: power.period(now: moment.now))
        response.append(power.present == nil ? 0x00 : 0x40)
        return .ok
    }

    func getPowerLimit(_ response: inout Response) -> CompletionCode {
        // Reserved, action, limit, correction time, reserved, sampling period.
        response.append([UInt8](repeating: 0, count: 13))
        return .noPowerLimit
    }

    /// The sensors that a request asks for.
    private struct Asked {
        /// Their places in the configuration.
        var places: ArraySlice<Int> = []
        /// The first one's instance, and how many there are in all.
        var first = 0, total = 0
    }

    /// Finds the sensors that a request asks for; any code but 00 is the answer.
    private func find(_ request: Request, _ asked: inout Asked) -> CompletionCode {
        // Sensor type 01 is a temperature.
        guard request[1] == 0x01 else { return .invalidField }
        guard let entity = TemperatureEntity(request: request[2]) else { return .parameterOutOfRange }
        var places: [Int] = []
        for (place, sensor) in configuration.temperatures.enumerated() where sensor.entity == entity {
            places.append(place)
        }
        asked.total = places.count
        // Instance 0 asks for all from the one that the next byte names, of which an answer has eight.
        asked.first = request[3] == 0 ? max(Int(request[4]), 1) : Int(request[3])
        asked.places = places.dropFirst(asked.first - 1).prefix(request[3] == 0 ? 8 : 1)
        return asked.places.isEmpty && request[3] != 0 ? .notPresent : .ok
    }

    func getSensorInfo(_ request: Request, _ response: inout Response) -> CompletionCode {
        var asked = Asked()
        let code = find(request, &asked)
        var records: [UInt16] = []
        for place in asked.places {
            if let record = configuration.temperatures[place].record { records.append(record) }
        }
        response.append(UInt8(clamping: asked.total))
        response.append(UInt8(records.count))
        for record in records { response.append(uint16: record) }
        return code
    }

    func getTemperatures(_ request: Request, _ response: inout Response) -> CompletionCode {
        var asked = Asked()
        let code = find(request, &asked)
        var sets: [UInt8] = []
        for (index, place) in asked.places.enumerated() {
            guard let value = temperatures[place] else { continue }
            sets += [DCMIController.temperature(value), UInt8(clamping: asked.first + index)]
        }
        response.append(UInt8(clamping: asked.total))
        response.append(UInt8(sets.count / 2))
        response.append(sets)
        // The one that was asked for has no reading.
        return code == .ok && request[3] != 0 && sets.isEmpty ? .notPresent : code
    }

    /// Thousandths of a degree as the standard has them: bit 7 is the sign of a whole number of degrees.
    static func temperature(_ value: Int64) -> UInt8 {
        let degrees = UInt8(min((value.magnitude + 500) / 1000, 127))
        return degrees | (value < 0 && degrees > 0 ? 0x80 : 0x00)
    }
}
