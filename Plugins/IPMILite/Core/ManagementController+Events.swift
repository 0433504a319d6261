// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Events of the controller's own.
extension ManagementController {
    /// Reports an event of the controller's own: to the event buffer and the log, as the global enables say.
    func report(event record: SELRecord, now: UInt64) {
        var stamped = record
        stamped.timestamp = selTime(now)
        buffer(stamped)
        guard globalEnables & 0x08 != 0 else { return }
        guard eventWrites.admit(now) != nil else { return lose("there are more events than write_limit permits", now) }
        if job == nil {
            addEvent(record, now: now)
        } else if waiting.count < ManagementController.mostWaiting {
            waiting.append(.event(record))
        } else {
            lose("too many events wait for the event log", now)
        }
    }

    /// The event message buffer takes an event if it is enabled and empty.
    func buffer(_ record: SELRecord) {
        guard globalEnables & 0x04 != 0, eventBuffer == nil else { return }
        eventBuffer = record
        updateAttention()
    }

    func addEvent(_ record: SELRecord, now: UInt64) {
        guard !log.refuses else {
            selOverflow = true
            return lose("the event log is full", now)
        }
        _ = begin(.log(log.addition(record, at: selTime(now), byHost: false)), token: nil, response: [], now)
    }

    /// An event of the controller's own is lost: counted, and said at a limited rate.
    func lose(_ reason: String, _ now: UInt64) {
        droppedEvents += 1
        if lossesSaid.admit(now) != nil { say(.error, "\(reason), \(droppedEvents) events lost so far") }
    }

    /// The log's own sensor shows how full it is; that it is almost full is an event.
    func showFilling(_ now: UInt64) {
        guard let sensor = logSensor else { return }
        let almost: Int64 = log.isAlmostFull && !log.wraps ? 1 << 5 : 0
        takeReading(sensor, (almost | (log.refuses ? 1 << 4 : 0)) * 1000, now: now)
    }

    func store(_ key: SettingKey, _ value: [UInt8], _ now: UInt64) {
        if job == nil {
            _ = begin(.setting(key, value), token: nil, response: [], now)
        } else if waiting.count < ManagementController.mostWaiting {
            waiting.append(.setting(key, value))
        }
    }
}
