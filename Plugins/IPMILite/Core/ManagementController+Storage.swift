// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// FRU devices, the SDR repository and the clocks (IPMI 2.0 §33, §34).
extension ManagementController {
    private func fru(_ id: UInt8) -> Int? {
        for index in 0..<frus.count where frus[index].id == id { return index }
        return nil
    }

    func getFRUInfo(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard let index = fru(request[0]) else { return .notPresent }
        response.append(uint16: UInt16(frus[index].image.bytes.count))
        response.append(0x00)
        return .ok
    }

    func readFRU(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard let index = fru(request[0]) else { return .notPresent }
        let bytes = frus[index].image.bytes
        let offset = Int(request.uint16(at: 1))
        guard offset < bytes.count else { return .parameterOutOfRange }
        let count = min(Int(request[3]), bytes.count - offset)
        guard count + 1 <= response.room else { return .cannotReturnBytes }
        response.append(UInt8(count))
        response.append(bytes, offset..<(offset + count))
        return .ok
    }

    func writeFRU(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard let index = fru(request[0]) else { return .notPresent }
        // 80: write-protected.
        guard frus[index].writable else { return .commandSpecific80 }
        let data = request.data(from: 3)
        let offset = Int(request.uint16(at: 1))
        guard offset + data.count <= frus[index].image.bytes.count else { return .parameterOutOfRange }
        response.append(UInt8(data.count))
        if frus[index].image.bytes[offset..<offset + data.count] != data[...] {
            proposed = .fru(index, offset: offset, data)
        }
        return .ok
    }

    // MARK: Sensor data records

    func getSDRInfo(_ response: inout Response) -> CompletionCode {
        response.append(0x51)
        response.append(uint16: UInt16(repository.count))
        // Records come from the configuration: there is no room for more.
        response.append(uint16: 0)
        response.append(uint32: repositoryTime)
        response.append(uint32: repositoryTime)
        // Reservation and allocation information.
        response.append(0x03)
        return .ok
    }

    func getSDRAllocation(_ response: inout Response) -> CompletionCode {
        response.append([UInt8](repeating: 0, count: 9))
        return .ok
    }

    func getDeviceSDRInfo(_ request: Request, _ response: inout Response) -> CompletionCode {
        // Operation 1 asks for the number of records, otherwise for that of the sensors at this LUN.
        let records = request.count > 0 && request[0] & 1 != 0
        let sensorCount = sensors.count + (watchdogSensor == nil ? 0 : 1)
        response.append(UInt8(clamping: records ? repository.count : sensorCount))
        // Static population, sensors at LUN 0.
        response.append(0x01)
        return .ok
    }

    func reserveSDR(_ response: inout Response) -> CompletionCode {
        sdrReservation = sdrReservation == 0xFFFF ? 1 : sdrReservation + 1
        response.append(uint16: sdrReservation)
        return .ok
    }

    func getSDR(_ request: Request, _ response: inout Response) -> CompletionCode {
        let reservation = request.uint16(at: 0)
        let offset = Int(request[4])
        // Only a read of part of a record needs the reservation; a wrong one is wrong for any.
        if offset != 0 || reservation != 0 {
            guard reservation == sdrReservation, reservation != 0 else { return .reservationLost }
        }
        guard let index = repository.index(of: request.uint16(at: 2)) else { return .notPresent }
        let size = repository.size(at: index)
        guard offset < size else { return .parameterOutOfRange }
        let count = request[5] == 0xFF ? size - offset : min(Int(request[5]), size - offset)
        guard count + 2 <= response.room else { return .cannotReturnBytes }
        response.append(uint16: repository.next(after: index))
        repository.copy(index, offset, count, to: &response)
        return .ok
    }

    // MARK: Clocks

    func getClock(_ key: SettingKey, _ response: inout Response, _ now: UInt64) -> CompletionCode {
        response.append(uint32: clock(key, now))
        return .ok
    }

    func setClock(_ key: SettingKey, _ request: Request, _ now: UInt64) -> CompletionCode {
        // FFFFFFFF says that there is no time (IPMI 2.0 §37), which is none to set.
        guard request.uint32(at: 0) != 0xFFFF_FFFF else { return .invalidField }
        let offset = clockOffset(request.uint32(at: 0), now)
        if settings[key] ?? [UInt8](repeating: 0, count: 8) != offset { proposed = .setting(key, offset) }
        return .ok
    }

    func getUTCOffset(_ response: inout Response) -> CompletionCode {
        let value = settings[.utcOffset] ?? []
        guard value.count == 2 else {
            response.append(uint16: 0x07FF)
            return .ok
        }
        response.append(value)
        return .ok
    }

    func setUTCOffset(_ request: Request) -> CompletionCode {
        let minutes = Int16(bitPattern: request.uint16(at: 0))
        guard minutes == 0x07FF || (-1440...1440).contains(minutes) else { return .parameterOutOfRange }
        proposed = .setting(.utcOffset, request.data(from: 0))
        return .ok
    }
}
