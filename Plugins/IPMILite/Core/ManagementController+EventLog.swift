// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// The system event log (IPMI 2.0 §31) and platform events (§29).
extension ManagementController {
    private var freeRecords: Int { max(log.capacity - log.records.count, 0) }

    func getSELInfo(_ response: inout Response) -> CompletionCode {
        response.append(0x51)
        response.append(uint16: UInt16(clamping: log.records.count))
        response.append(uint16: UInt16(clamping: freeRecords * SELRecord.size))
        response.append(uint32: log.added)
        response.append(uint32: log.erased)
        // Delete, partial add, reserve, allocation information; bit 7: events have been lost for want of room.
        response.append(0x0F | (selOverflow ? 0x80 : 0))
        return .ok
    }

    func getSELAllocation(_ response: inout Response) -> CompletionCode {
        response.append(uint16: UInt16(clamping: log.capacity))
        response.append(uint16: UInt16(SELRecord.size))
        response.append(uint16: UInt16(clamping: freeRecords))
        response.append(uint16: UInt16(clamping: freeRecords))
        response.append(1)
        return .ok
    }

    func reserveSEL(_ response: inout Response) -> CompletionCode {
        selReservation = selReservation == 0xFFFF ? 1 : selReservation + 1
        // A record being added in parts belongs to the reservation that is lost now.
        partialAdd = nil
        response.append(uint16: selReservation)
        return .ok
    }

    private func reserved(_ reservation: UInt16) -> Bool { reservation != 0 && reservation == selReservation }

    /// A deletion takes every reservation with it.
    private func cancelReservation() {
        selReservation = selReservation == 0xFFFF ? 1 : selReservation + 1
        partialAdd = nil
    }

    func getSELEntry(_ request: Request, _ response: inout Response) -> CompletionCode {
        let reservation = request.uint16(at: 0)
        let offset = Int(request[4])
        if offset != 0 || reservation != 0 {
            guard reserved(reservation) else { return .reservationLost }
        }
        guard let index = log.index(of: request.uint16(at: 2)) else { return .notPresent }
        guard offset < SELRecord.size else { return .parameterOutOfRange }
        let left = SELRecord.size - offset
        let count = request[5] == 0xFF ? left : min(Int(request[5]), left)
        response.append(uint16: index + 1 < log.records.count ? log.records[index + 1].id : 0xFFFF)
        for place in offset..<(offset + count) { response.append(log.records[index][place]) }
        return .ok
    }

    func addSELEntry(_ request: Request, _ response: inout Response, _ now: UInt64) -> CompletionCode {
        guard let record = SELRecord(request.data(from: 0)) else { return .requestLengthInvalid }
        return add(record, &response, now)
    }

    private func add(_ record: SELRecord, _ response: inout Response, _ now: UInt64) -> CompletionCode {
        if let id = takeRepeated(record) {
            response.append(uint16: id)
            return .ok
        }
        guard !log.refuses else { return refuseRecord() }
        response.append(uint16: log.nextID)
        proposed = .log(log.addition(record, at: selTime(now), byHost: true))
        return .ok
    }

    private func refuseRecord() -> CompletionCode {
        selOverflow = true
        return .outOfSpace
    }

    /// Partial Add SEL Entry: pieces in order, the last marked; the record is added whole.
    func partialAddSELEntry(_ request: Request, _ response: inout Response, _ now: UInt64) -> CompletionCode {
        guard reserved(request.uint16(at: 0)) else { return .reservationLost }
        let id = request.uint16(at: 2)
        let offset = Int(request[4])
        let last = request[5] & 0x0F == 1
        let data = request.data(from: 6)
        var bytes: [UInt8]
        if id == 0 {
            guard offset == 0 else { return .parameterOutOfRange }
            guard !log.refuses else { return refuseRecord() }
            bytes = []
        } else {
            guard let open = partialAdd, open.id == id else { return .notPresent }
            guard offset == open.bytes.count else { return .parameterOutOfRange }
            bytes = open.bytes
        }
        bytes += data
        guard bytes.count <= SELRecord.size else { return .parameterOutOfRange }
        guard last else {
            partialAdd = (log.nextID, bytes)
            response.append(uint16: log.nextID)
            return .ok
        }
        // 80: the record ends before it is whole.
        guard let record = SELRecord(bytes), bytes.count == SELRecord.size else { return .commandSpecific80 }
        partialAdd = nil
        return add(record, &response, now)
    }

    func deleteSELEntry(_ request: Request, _ response: inout Response, _ now: UInt64) -> CompletionCode {
        guard reserved(request.uint16(at: 0)) else { return .reservationLost }
        guard let index = log.index(of: request.uint16(at: 2)) else { return .notPresent }
        let id = log.records[index].id
        forgetUnconfirmed()
        cancelReservation()
        response.append(uint16: id)
        proposed = .log(.delete(id, time: selTime(now)))
        return .ok
    }

    func clearSEL(_ request: Request, _ response: inout Response, _ now: UInt64) -> CompletionCode {
        guard reserved(request.uint16(at: 0)) else { return .reservationLost }
        guard request[2] == 0x43, request[3] == 0x4C, request[4] == 0x52 else { return .invalidField }
        switch request[5] {
        case 0xAA:
            forgetUnconfirmed()
            cancelReservation()
            selOverflow = false
            if !log.records.isEmpty { proposed = .log(.clear(time: selTime(now))) }
        case 0x00: break
        default: return .invalidField
        }
        // The answer leaves after the log is empty on storage, so erasure is always complete.
        response.append(0x01)
        return .ok
    }

    // MARK: Platform events

    func setEventReceiver(_ request: Request) -> CompletionCode {
        guard request[0] == 0xFF || request[0] & 1 == 0, request[1] <= 3 else { return .invalidField }
        eventReceiver = (request[0], request[1])
        return .ok
    }

    func getEventReceiver(_ response: inout Response) -> CompletionCode {
        response.append(eventReceiver.address)
        response.append(eventReceiver.lun)
        return .ok
    }

    func platformEvent(_ request: Request, _ now: UInt64) -> CompletionCode {
        guard request[1] == 0x03 || request[1] == 0x04 else { return .invalidField }
        var record = SELRecord(
            generator: UInt16(request[0]), revision: request[1], sensorType: request[2], sensor: request[3],
            direction: request[4],
            data: (
                request[5], request.count > 6 ? request[6] : 0xFF, request.count > 7 ? request[7] : 0xFF
            ))
        let time = selTime(now)
        record.timestamp = time
        buffer(record)
        guard globalEnables & 0x08 != 0 else { return .ok }
        guard !log.refuses else { return refuseRecord() }
        proposed = .log(log.addition(record, at: time, byHost: false))
        return .ok
    }
}
