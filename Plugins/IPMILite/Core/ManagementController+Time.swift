// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Clocks, and what time brings.
extension ManagementController {
    func setTime(now: UInt64, wall: UInt64) {
        baseTime = now
        baseWall = wall
    }

    /// UTC in nanoseconds, from the last `tick` on.
    func wall(_ now: UInt64) -> UInt64 { now >= baseTime ? baseWall &+ (now - baseTime) : baseWall }

    /// The event log's clock, in seconds.
    func selTime(_ now: UInt64) -> UInt32 { clock(.selTime, now) }

    /// A clock that the host may set: UTC with an offset. It stops before FFFFFFFF, which says that there is no time.
    func clock(_ key: SettingKey, _ now: UInt64) -> UInt32 {
        let utc = Int64(clamping: wall(now) / 1_000_000_000)
        let (sum, overflow) = utc.addingReportingOverflow(offset(key))
        return overflow ? 0 : min(UInt32(clamping: sum), 0xFFFF_FFFE)
    }

    /// When the sensor data records became what they are: hosts keep copies for as long as this does not change.
    func stampRepository(_ now: UInt64) {
        var stamp: [UInt8] = []
        Journal.append(&stamp, CRC32.of(repository.bytes, 0..<repository.bytes.count))
        let time = clock(.sdrTime, now)
        if let old = settings[.repositoryStamp] {
            repositoryTime = Journal.little32(old, 4)
            if old[0..<4] == stamp[...] { return }
            // A clock that went back must not bring the old time again, nor may one at its end: FFFFFFFF is no time.
            let isLast = repositoryTime >= 0xFFFF_FFFE
            repositoryTime = time > repositoryTime ? time : isLast ? min(time, 0xFFFF_FFFD) : repositoryTime + 1
        } else {
            repositoryTime = time
        }
        Journal.append(&stamp, repositoryTime)
        store(.repositoryStamp, stamp, now)
    }

    /// The setting that makes a clock show `seconds` now.
    func clockOffset(_ seconds: UInt32, _ now: UInt64) -> [UInt8] {
        let utc = Int64(clamping: wall(now) / 1_000_000_000)
        let offset = UInt64(bitPattern: Int64(seconds) - utc)
        return (0..<8).map { UInt8(truncatingIfNeeded: offset >> UInt64(8 * $0)) }
    }

    func offset(_ key: SettingKey) -> Int64 {
        guard let bytes = settings[key], bytes.count == 8 else { return 0 }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[index]) << UInt64(8 * index) }
        return Int64(bitPattern: value)
    }

    /// Hours that the controller has been counting.
    func powerOnHours(_ now: UInt64) -> UInt32 {
        let counted = settings[.powerOnHours].map { $0.count == 4 ? Journal.little32($0, 0) : 0 } ?? 0
        return counted &+ UInt32(clamping: (now - min(now, poweredSince)) / ManagementController.hour)
    }

    static let hour: UInt64 = 3_600_000_000_000

    /// Time has passed: watchdog, readings, counters. `wall` is UTC in nanoseconds since 1970.
    public func tick(now: UInt64, wall: UInt64) {
        setTime(now: now, wall: wall)
        while let event = watchdog.poll(now: now) { handle(event, now: now) }
        answerAwaited(now)
        if let until = identifyUntil, now >= until {
            identifyUntil = nil
            if !identifyForced { runIdentify(false) }
        }
        if let until = bootFlagsUntil, now >= until { clearBootFlags(unless: 0x08, now) }
        if now >= nextPoll {
            nextPoll = now + pollInterval
            for index in 0..<sensors.count where sensors[index].source == .external && sensors[index].scanning {
                requestReading(index)
            }
        }
        if now >= poweredSince, now - poweredSince >= ManagementController.hour {
            let hours = powerOnHours(now)
            poweredSince = now
            var value: [UInt8] = []
            Journal.append(&value, hours)
            store(.powerOnHours, value, now)
        }
        arm()
    }

    /// Asks for the next `tick` if its time has changed.
    func arm() {
        var next = nextPoll
        if let wake = watchdog.wake { next = min(next, wake) }
        if let until = identifyUntil { next = min(next, until) }
        if let until = bootFlagsUntil { next = min(next, until) }
        guard next != armed else { return }
        armed = next
        emit(.wake(at: next))
    }
}
