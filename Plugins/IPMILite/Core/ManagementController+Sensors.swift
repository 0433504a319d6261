// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Sensors (IPMI 2.0 §35).
extension ManagementController {
    private func sensor(_ number: UInt8) -> Int? {
        let place = sensorPlaces[Int(number)]
        return place == 0xFF ? nil : Int(place)
    }

    private func isWatchdog(_ number: UInt8) -> Bool { watchdogSensor == number }

    private var watchdogStates: UInt16 { watchdog.states | (preTimeoutFlag ? 0x0100 : 0) }

    func getSensorReading(_ request: Request, _ response: inout Response, _ now: UInt64) -> CompletionCode {
        if isWatchdog(request[0]) {
            response.append(0x00)
            response.append(0xC0)
            response.append(UInt8(watchdogStates & 0xFF))
            response.append(0x80 | UInt8(watchdogStates >> 8))
            return .ok
        }
        guard let index = sensor(request[0]) else { return .notPresent }
        if sensors[index].source == .external, sensors[index].scanning, !readingsCrowded {
            let readAt = sensors[index].readAt
            if readAt == 0 || now > readAt && now - readAt > readingAge {
                awaitedSensor = index
                return .ok
            }
        }
        response.append(sensors[index].reading ?? 0)
        response.append(sensors[index].flags)
        response.append(sensors[index].state)
        return .ok
    }

    func getSensorReadingFactors(_ request: Request, _ response: inout Response) -> CompletionCode {
        let (found, code) = analog(request[0])
        guard let index = found else { return code }
        // Linear: the factors are those of every reading.
        let conversion = sensors[index].description.conversion
        let m = UInt16(bitPattern: conversion.m)
        let b = UInt16(bitPattern: conversion.b)
        response.append(request[1])
        response.append(UInt8(m & 0xFF))
        response.append(UInt8(m >> 8 & 3) << 6)
        response.append(UInt8(b & 0xFF))
        response.append(UInt8(b >> 8 & 3) << 6)
        response.append(0x00)
        response.append(
            UInt8(bitPattern: conversion.resultExponent) << 4 | UInt8(bitPattern: conversion.offsetExponent) & 15)
        return .ok
    }

    /// A sensor with thresholds, or why there is none.
    private func analog(_ number: UInt8) -> (index: Int?, code: CompletionCode) {
        if isWatchdog(number) { return (nil, .illegalForSensor) }
        guard let index = sensor(number) else { return (nil, .notPresent) }
        return sensors[index].description.isDiscrete ? (nil, .illegalForSensor) : (index, .ok)
    }

    func setSensorHysteresis(_ request: Request, _ now: UInt64) -> CompletionCode {
        let (found, code) = analog(request[0])
        guard let index = found else { return code }
        guard sensors[index].description.thresholdMask != 0 else { return .illegalForSensor }
        sensors[index].positiveHysteresis = request[2]
        sensors[index].negativeHysteresis = request[3]
        compareConstant(index, now)
        return .ok
    }

    func getSensorHysteresis(_ request: Request, _ response: inout Response) -> CompletionCode {
        let (found, code) = analog(request[0])
        guard let index = found else { return code }
        guard sensors[index].description.thresholdMask != 0 else { return .illegalForSensor }
        response.append(sensors[index].positiveHysteresis)
        response.append(sensors[index].negativeHysteresis)
        return .ok
    }

    func setSensorThresholds(_ request: Request, _ now: UInt64) -> CompletionCode {
        let (found, code) = analog(request[0])
        guard let index = found else { return code }
        let mask = sensors[index].description.thresholdMask
        guard mask != 0 else { return .illegalForSensor }
        guard request[1] & ~mask == 0 else { return .invalidField }
        for threshold in 0..<6 where request[1] & UInt8(1 << threshold) != 0 {
            sensors[index].setThreshold(threshold, request[2 + threshold])
        }
        compareConstant(index, now)
        return .ok
    }

    func getSensorThresholds(_ request: Request, _ response: inout Response) -> CompletionCode {
        let (found, code) = analog(request[0])
        guard let index = found else { return code }
        response.append(sensors[index].description.thresholdMask)
        for threshold in 0..<6 { response.append(sensors[index].thresholds[threshold]) }
        return .ok
    }

    private func masks(_ request: Request, _ offset: Int) -> (assertions: UInt16, deassertions: UInt16) {
        func byte(_ index: Int) -> UInt16 { index < request.count ? UInt16(request[index]) : 0 }
        return (
            byte(offset) | byte(offset + 1) << 8, byte(offset + 2) | byte(offset + 3) << 8
        )
    }

    func setSensorEventEnable(_ request: Request, _ now: UInt64) -> CompletionCode {
        guard let index = sensor(request[0]) else { return isWatchdog(request[0]) ? .ok : .notPresent }
        let operation = request[1] >> 4 & 3
        guard operation != 3 else { return .invalidField }
        sensors[index].eventMessages = request[1] & 0x80 != 0
        sensors[index].scanning = request[1] & 0x40 != 0
        let (assertions, deassertions) = masks(request, 2)
        sensors[index].setEvents(operation, assertions: assertions, deassertions: deassertions)
        compareConstant(index, now)
        return .ok
    }

    func getSensorEventEnable(_ request: Request, _ response: inout Response) -> CompletionCode {
        if isWatchdog(request[0]) {
            response.append(0xC0)
            response.append(uint16: 0x010F)
            response.append(uint16: 0)
            return .ok
        }
        guard let index = sensor(request[0]) else { return .notPresent }
        response.append(sensors[index].flags & 0xC0)
        response.append(uint16: sensors[index].assertions)
        response.append(uint16: sensors[index].deassertions)
        return .ok
    }

    func rearmSensorEvents(_ request: Request, _ now: UInt64) -> CompletionCode {
        guard let index = sensor(request[0]) else { return isWatchdog(request[0]) ? .ok : .notPresent }
        // Bit 7: only the events given; otherwise all.
        sensors[index].rearm(request[1] & 0x80 == 0 ? 0xFFFF : masks(request, 2).assertions)
        compareConstant(index, now)
        return .ok
    }

    func getSensorEventStatus(_ request: Request, _ response: inout Response) -> CompletionCode {
        if isWatchdog(request[0]) {
            response.append(0xC0)
            response.append(uint16: watchdogStates)
            response.append(uint16: 0)
            return .ok
        }
        guard let index = sensor(request[0]) else { return .notPresent }
        response.append(sensors[index].flags)
        response.append(uint16: sensors[index].events)
        response.append(uint16: 0)
        return .ok
    }

    func getSensorType(_ request: Request, _ response: inout Response) -> CompletionCode {
        if isWatchdog(request[0]) {
            response.append(0x23)
            response.append(0x6F)
            return .ok
        }
        guard let index = sensor(request[0]) else { return .notPresent }
        response.append(sensors[index].description.type)
        response.append(sensors[index].description.readingType)
        return .ok
    }
}
