// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Values of sensors, and messages that wait for them.
extension ManagementController {
    func awaitReading(_ token: UInt64, _ sensor: Int, _ request: Request) -> Disposition {
        awaitedSensor = nil
        readingsAwaited.append((token, sensor, request.message))
        requestReading(sensor)
        return .pending
    }

    func requestReading(_ sensor: Int) {
        guard !reading[sensor] else { return }
        reading[sensor] = true
        emit(.readSensor(sensor))
    }

    /// True if so many messages wait for readings that a further one gets the old reading.
    var readingsCrowded: Bool { readingsAwaited.count >= ManagementController.mostWaiting }

    /// The value of an external sensor in thousandths of its unit; nil if it could not be read.
    public func sensorRead(_ index: Int, _ value: Int64?, now: UInt64) {
        guard index >= 0, index < sensors.count else { preconditionFailure("no such sensor") }
        reading[index] = false
        takeReading(index, value, now: now)
        let answered = readingsAwaited.filter { $0.sensor == index }
        readingsAwaited.removeAll { $0.sensor == index }
        for wait in answered { replay(wait.token, wait.bytes, now: now) }
    }

    func takeReading(_ index: Int, _ value: Int64?, now: UInt64) {
        let crossings = sensors[index].update(value, now: now)
        let description = sensors[index].description
        for crossing in crossings {
            report(
                event: SELRecord(
                    generator: 0x0020, revision: 0x04, sensorType: description.type, sensor: description.number,
                    direction: crossing.deassertion ? 0x81 : 0x01,
                    data: (0x50 | crossing.offset, crossing.reading, crossing.threshold)), now: now)
        }
    }
}
