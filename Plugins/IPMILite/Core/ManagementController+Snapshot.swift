// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// What lives on across a reload or a clean restart, beside the stores: above all a running watchdog.
extension ManagementController {
    /// Mark and format 5 bytes, state 15, watchdog 20, event buffer 17, number of sensors, each sensor, CRC-32 LE32.
    public func snapshot(now: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [0x4B, 0x43, 0x53, 0x53, 0x01]
        bytes += [globalEnables, preTimeoutFlag ? 1 : 0, acpi.system, acpi.device, powerOn ? 1 : 0, lastPowerEvent]
        bytes += [restartCause, identifyForced ? 1 : 0, eventReceiver.address, eventReceiver.lun]
        bytes += [selOverflow ? 1 : 0]
        Journal.append(&bytes, UInt32(clamping: (identifyUntil.map { $0 > now ? $0 - now : 0 } ?? 0) / 1_000_000))
        bytes += watchdog.snapshot
        bytes.append(eventBuffer == nil ? 0 : 1)
        bytes += eventBuffer?.bytes ?? [UInt8](repeating: 0, count: SELRecord.size)
        bytes.append(UInt8(sensors.count))
        for sensor in sensors { bytes += sensor.snapshot }
        Journal.append(&bytes, CRC32.of(bytes, 0..<bytes.count))
        return bytes
    }

    private static let fixedSize = 20 + Watchdog.snapshotSize + 1 + SELRecord.size + 1

    /// Takes the state of `snapshot`; false if the bytes are not one, and then nothing has changed. Before `start`.
    public func restore(_ bytes: [UInt8], now: UInt64) -> Bool {
        let fixed = ManagementController.fixedSize
        guard bytes.count >= fixed + 4, bytes[0..<5] == [0x4B, 0x43, 0x53, 0x53, 0x01] else { return false }
        let end = bytes.count - 4
        guard Journal.little32(bytes, end) == CRC32.of(bytes, 0..<end) else { return false }
        let count = Int(bytes[fixed - 1])
        guard end == fixed + count * Sensor.snapshotSize else { return false }
        guard let timer = Watchdog(snapshot: bytes[20..<(20 + Watchdog.snapshotSize)]) else { return false }
        globalEnables = bytes[5]
        preTimeoutFlag = bytes[6] == 1
        acpi = (bytes[7], bytes[8])
        powerOn = bytes[9] == 1
        lastPowerEvent = bytes[10]
        restartCause = bytes[11]
        identifyForced = bytes[12] == 1
        eventReceiver = (bytes[13], bytes[14])
        selOverflow = bytes[15] == 1
        let identify = Journal.little32(bytes, 16)
        identifyUntil = identify == 0 ? nil : now + UInt64(identify) * 1_000_000
        // A deadline further away than the longest countdown is from another boot of the BMC: its clock began anew.
        if let wake = timer.wake, wake > now, wake - now > 65_535 * Watchdog.tick {
            say(.warning, "the watchdog's state is from before a reboot and is dropped")
        } else {
            watchdog = timer
            if watchdog.postpone(now: now) { handle(.postponed, now: now) }
        }
        let event = 20 + Watchdog.snapshotSize
        eventBuffer = bytes[event] == 1 ? SELRecord(bytes, at: event + 1) : nil
        for index in 0..<count {
            let start = fixed + index * Sensor.snapshotSize
            let place = sensorPlaces[Int(bytes[start])]
            guard place != 0xFF else { continue }
            sensors[Int(place)].restore([UInt8](bytes[start..<(start + Sensor.snapshotSize)]))
        }
        updateAttention()
        return true
    }
}
