// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Values of sensors, and messages that wait for them.
extension ManagementController {
    /// A host gives up after 5 s, and other sensors' files may be slow: what waits so long gets the reading that there is.
    private static let longestWait: UInt64 = 2_000_000_000

    func awaitReading(_ token: UInt64, _ sensor: Int, _ request: Request, _ now: UInt64) -> Disposition {
        awaitedSensor = nil
        readingsAwaited.append((token, sensor, request.message, now + ManagementController.longestWait))
        requestReading(sensor)
        return .pending
    }

    func requestReading(_ sensor: Int) {
        guard !sensors[sensor].isAsked else { return }
        sensors[sensor].isAsked = true
        emit(.readSensor(sensor))
    }

    /// True if a message gets the old reading: for it has waited, or because so many wait.
    var readingsCrowded: Bool { acceptsOldReading || readingsAwaited.count >= ManagementController.mostWaiting }

    /// The value of an external sensor in thousandths of its unit; nil if it could not be read.
    public func sensorRead(_ index: Int, _ value: Int64?, now: UInt64) {
        guard index >= 0, index < sensors.count else { preconditionFailure("no such sensor") }
        sensors[index].isAsked = false
        takeReading(index, value, now: now)
        answerAwaited(now) { $0 == index }
    }

    /// Answers those that have waited too long, or for a sensor that has been read.
    func answerAwaited(_ now: UInt64, _ isRead: (Int) -> Bool = { _ in false }) {
        guard !readingsAwaited.isEmpty else { return }
        let waiting = readingsAwaited
        readingsAwaited = []
        for wait in waiting {
            guard isRead(wait.sensor) || now >= wait.until else {
                readingsAwaited.append(wait)
                continue
            }
            acceptsOldReading = true
            replay(wait.token, wait.bytes, now: now)
            acceptsOldReading = false
        }
    }

    func takeReading(_ index: Int, _ value: Int64?, now: UInt64) {
        report(sensors[index].update(value, now: now), index, now)
    }

    /// A constant has no next reading: it is compared when what it is compared with has changed.
    func compareConstant(_ index: Int, _ now: UInt64) {
        if case .constant = sensors[index].source { report(sensors[index].compareAgain(), index, now) }
    }

    private func report(_ crossings: [Sensor.Crossing], _ index: Int, _ now: UInt64) {
        let description = sensors[index].description
        for crossing in crossings {
            report(
                event: SELRecord(
                    generator: 0x0020, revision: 0x04, sensorType: description.type, sensor: description.number,
                    direction: (crossing.deassertion ? 0x80 : 0x00) | description.readingType,
                    // Of a threshold, reading and threshold follow.
                    data: (
                        (description.isDiscrete ? 0x00 : 0x50) | crossing.offset, crossing.reading, crossing.threshold
                    )), now: now)
        }
    }
}
