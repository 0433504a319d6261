// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Events of the controller's own.
extension ManagementController {
    /// Reports an event of the controller's own: to the event buffer and the log, as the global enables say.
    func report(event record: SELRecord, now: UInt64) {
        var stamped = record
        stamped.timestamp = selTime(now)
        if globalEnables & 0x04 != 0, eventBuffer == nil { eventBuffer = stamped }
        updateAttention()
        guard globalEnables & 0x08 != 0 else { return }
        guard eventWrites.admit(now) != nil else {
            droppedEvents += 1
            return
        }
        if job == nil {
            addEvent(record, now: now)
        } else if waiting.count < ManagementController.mostWaiting {
            waiting.append(.event(record))
        } else {
            droppedEvents += 1
        }
    }

    func addEvent(_ record: SELRecord, now: UInt64) {
        guard !log.isFull else {
            selOverflow = true
            return
        }
        var entry = record
        entry.id = log.nextID
        entry.timestamp = selTime(now)
        _ = begin(.log(.add(entry, time: entry.timestamp, byHost: false)), token: nil, response: [], now)
    }

    func store(_ key: SettingKey, _ value: [UInt8], _ now: UInt64) {
        if job == nil {
            _ = begin(.setting(key, value), token: nil, response: [], now)
        } else if waiting.count < ManagementController.mostWaiting {
            waiting.append(.setting(key, value))
        }
    }
}
