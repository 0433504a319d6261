// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import IPMIController
import Testing

/// A controller with a driver that keeps files in memory: it plays the worker thread, the sensors and the platform.
final class Bench {
    let controller: ManagementController
    var now: UInt64 = 1_000_000_000
    var wall: UInt64 = 1_700_000_000_000_000_000
    var replies: [UInt64: [UInt8]] = [:]
    var actions: [PlatformAction] = []
    /// What came with the last action.
    var detail = ""
    var attention = false
    var attentionChanges = 0
    var logs: [String] = []
    var wake: UInt64?
    /// Values of the external sensors, by index.
    var values: [Int: Int64] = [:]
    var selFile: [UInt8] = []
    var settingsFile: [UInt8] = []
    var fruFiles: [Int: [UInt8]] = [:]
    var jobs: [StoreJob] = []
    /// What the next jobs come to; stored when empty.
    var results: [StoreResult] = []
    /// Jobs stay in `jobs` until `work` is called.
    var holdJobs = false
    /// Readings are not answered until this is false.
    var holdReadings = false
    var readingsAsked: [Int] = []
    private var token: UInt64 = 0

    private let frus: [[UInt8]]

    init(_ configuration: ControllerConfiguration, after other: Bench? = nil, clean: Bool = true) {
        controller = ManagementController(configuration)
        frus = configuration.frus.map { $0.image.bytes }
        if let other {
            now = other.now
            wall = other.wall
            values = other.values
            selFile = other.selFile
            settingsFile = other.settingsFile
            fruFiles = other.fruFiles
        }
        if configuration.durable.sel { controller.load(.sel, selFile, clean: clean) }
        if configuration.durable.settings { controller.load(.settings, settingsFile, clean: clean) }
    }

    func start() {
        controller.start(now: now, wall: wall)
        settle()
    }

    /// Moves time on and ticks whenever the controller asked to be woken.
    func pass(_ nanoseconds: UInt64) {
        let end = now + nanoseconds
        while let wake, wake <= end {
            let step = max(wake, now) - now
            now += step
            wall += step
            self.wake = nil
            controller.tick(now: now, wall: wall)
            settle()
        }
        wall += end - now
        now = end
    }

    /// Sends a request and returns its answer's bytes; nil if it is declined or still pending.
    @discardableResult
    func send(_ netFn: UInt8, _ command: UInt8, _ data: [UInt8] = [], lun: UInt8 = 0) -> [UInt8]? {
        sendRaw([netFn << 2 | lun, command] + data)
    }

    var lastToken: UInt64 { token }
    var lastDisposition: Disposition = .declined

    func sendRaw(_ message: [UInt8], capacity: Int = 260) -> [UInt8]? {
        token += 1
        let token = token
        var buffer = [UInt8](repeating: 0xEE, count: capacity)
        lastDisposition = message.withUnsafeBytes { bytes in
            buffer.withUnsafeMutableBytes { controller.message(token, bytes, into: $0, now: now) }
        }
        settle()
        switch lastDisposition {
        case .reply(let count): return [UInt8](buffer[0..<count])
        case .pending: return replies[token]
        case .declined: return nil
        }
    }

    /// Carries out the effects, in order.
    func settle() {
        while let effect = controller.nextEffect() {
            switch effect {
            case .reply(let token, let message):
                #expect(replies[token] == nil, "answered twice")
                replies[token] = message
            case .store(let job):
                #expect(jobs.isEmpty, "two jobs at once")
                jobs.append(job)
                if !holdJobs { work() }
            case .run(let action, let text):
                actions.append(action)
                detail = text
            case .attention(let set):
                attention = set
                attentionChanges += 1
            case .readSensor(let index):
                readingsAsked.append(index)
                if !holdReadings { controller.sensorRead(index, values[index], now: now) }
            case .wake(let at): wake = at
            case .log(_, let text): logs.append(text)
            }
        }
    }

    /// Does the job under way as a worker thread would.
    func work() {
        guard !jobs.isEmpty else { return }
        let job = jobs.removeFirst()
        let result = results.isEmpty ? StoreResult.stored : results.removeFirst()
        if result == .stored { write(job) }
        controller.finished(job.id, result, now: now)
        settle()
    }

    func write(_ job: StoreJob) {
        switch (job.store, job.change) {
        case (.sel, .append(let offset, let bytes)): selFile = Array(selFile[0..<Int(offset)]) + bytes
        case (.sel, .replace(let bytes)): selFile = bytes
        case (.settings, .append(let offset, let bytes)):
            settingsFile = Array(settingsFile[0..<Int(offset)]) + bytes
        case (.settings, .replace(let bytes)): settingsFile = bytes
        case (.fru(let index), .patch(let offset, let bytes)):
            var image = fruFiles[index] ?? frus[index]
            image.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
            fruFiles[index] = image
        case (.fru, _), (_, .patch): Issue.record("a FRU image is written in place, and a journal never")
        }
    }

    /// The last response that `data` got.
    private(set) var lastAnswer: [UInt8] = []

    /// The data after completion code 00, or a failure.
    func data(_ netFn: UInt8, _ command: UInt8, _ data: [UInt8] = []) throws -> [UInt8] {
        let response = try #require(send(netFn, command, data), "no answer")
        lastAnswer = response
        try #require(response.count >= 3 && response[2] == 0, "\(Hex.byte(netFn))/\(Hex.byte(command)): \(response)")
        return [UInt8](response[3...])
    }

    /// The completion code; FE if there is no answer.
    func code(_ netFn: UInt8, _ command: UInt8, _ data: [UInt8] = []) -> UInt8 {
        send(netFn, command, data)?[2] ?? 0xFE
    }
}

/// A configuration with something of everything.
func fullConfiguration() -> ControllerConfiguration {
    var configuration = ControllerConfiguration()
    configuration.identity.id = 0x21
    configuration.identity.revision = 2
    configuration.identity.firmware = (3, 14)
    configuration.identity.manufacturer = 0x00A2BF
    configuration.identity.product = 0x1234
    configuration.identity.auxiliary = (1, 2, 3, 4)
    configuration.guid = (0..<16).map { UInt8($0 + 0x40) }
    configuration.selCapacity = 32
    configuration.sensors = [temperature(), voltage()]
    configuration.frus = [
        FRUConfiguration(id: 0, name: "Mainboard", image: fruImage("Board"), writable: true),
        FRUConfiguration(id: 5, name: "Riser", image: fruImage("Riser"), writable: false),
    ]
    configuration.lan.address = [192, 0, 2, 17]
    configuration.lan.users = [UserConfiguration(id: 2, name: "admin", privilege: 4, enabled: true)]
    configuration.actions = ActionSet(PlatformAction.allCases.map { ActionSet($0) })
    configuration.durable.sel = true
    configuration.durable.settings = true
    configuration.durable.fru = true
    configuration.writeLimit = WriteLimit(perMinute: 0)
    return configuration
}

/// Sensor 30: read from outside, lower non-critical 5, upper non-critical 60, upper critical 80 degrees.
func temperature() -> SensorConfiguration {
    guard let conversion = SensorConversion(minimum: -50_000, maximum: 205_000) else { preconditionFailure() }
    var sensor = SensorDescription(
        number: 0x30, name: "Ambient", type: 1, unit: 1, entity: (7, 1), conversion: conversion)
    sensor.thresholdMask = 0x19
    sensor.thresholds[0] = conversion.reading(of: 5000)
    sensor.thresholds[3] = conversion.reading(of: 60_000)
    sensor.thresholds[4] = conversion.reading(of: 80_000)
    sensor.hysteresis = 2
    return SensorConfiguration(sensor, source: .external)
}

/// Sensor 31: constant 12 V, no thresholds.
func voltage() -> SensorConfiguration {
    guard let conversion = SensorConversion(minimum: 0, maximum: 15_000) else { preconditionFailure() }
    return SensorConfiguration(
        SensorDescription(number: 0x31, name: "P12V", type: 2, unit: 4, entity: (7, 1), conversion: conversion),
        source: .constant(12_000))
}

func fruImage(_ name: String) -> FRUImage {
    var contents = FRUContents()
    contents.board = ("Maker", name, "SN1", "PN1")
    contents.product = ("Maker", name, "PN2", "1", "SN2")
    guard let image = contents.image(size: 256) else { preconditionFailure() }
    return image
}

func startedBench(_ change: (inout ControllerConfiguration) -> Void = { _ in }) -> Bench {
    var configuration = fullConfiguration()
    change(&configuration)
    let bench = Bench(configuration)
    bench.values[0] = 25_000
    bench.start()
    return bench
}

func little(_ value: Int, _ count: Int = 2) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// IDs of the event log's records, in order.
func ids(_ bench: Bench) -> [Int] {
    var all: [Int] = []
    var id = 0
    while id != 0xFFFF {
        guard let response = bench.send(0x0A, 0x43, [0, 0] + little(id) + [0, 0xFF]), response[2] == 0 else {
            break
        }
        all.append(Int(response[5]) | Int(response[6]) << 8)
        id = Int(response[3]) | Int(response[4]) << 8
    }
    return all
}

/// What `entry` numbered the event log's records with.
func payloads(_ bench: Bench) -> [Int] {
    ids(bench).map { id in
        let response = bench.send(0x0A, 0x43, [0, 0] + little(id) + [0, 0xFF]) ?? []
        return Int(response[18]) | Int(response[19]) << 8
    }
}

/// A controller that goes on with what another stored.
func restarted(_ bench: Bench, clean: Bool = true, capacity: Int = 32) -> Bench {
    var configuration = fullConfiguration()
    configuration.selCapacity = capacity
    let next = Bench(configuration, after: bench, clean: clean)
    next.start()
    return next
}
