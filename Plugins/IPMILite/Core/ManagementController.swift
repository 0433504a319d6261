// SPDX-License-Identifier: Apache-2.0
//
// The model: messages, readings, results and time come in as calls; answers go out as the result of `message`, and all
// else as effects, in order, from `nextEffect`. Nothing here blocks, opens, or asks for the time.
import Common
import IPMI

/// What became of a message.
public enum Disposition: Equatable, Sendable {
    /// The response's bytes are in the caller's buffer.
    case reply(Int)
    /// A `reply` effect with the message's token follows.
    case pending
    /// Not a command of this controller.
    case declined
}

/// A management controller: the state behind the commands of `CommandTable`.
public final class ManagementController {
    // Configuration.
    let identity: DeviceIdentity
    let guid: [UInt8]
    let lan: LANConfiguration
    let actions: ActionSet
    let durable: DurableStores
    let pollInterval: UInt64
    let readingAge: UInt64
    let repository: SDRRepository
    let watchdogSensor: UInt8?
    let logSensor: Int?

    // Dispatch: place in the table by NetFn and command; then lengths and permission, packed, by place.
    private let places: [UInt8]
    private let rules: [UInt32]
    let deviceID: [UInt8]

    // State that a restart forgets.
    var globalEnables: UInt8 = 0x08
    var receiveQueue: [[UInt8]] = []
    var eventBuffer: SELRecord?
    var preTimeoutFlag = false
    var watchdog = Watchdog()
    var acpi: (system: UInt8, device: UInt8) = (0x00, 0x00)
    var powerOn = true
    var lastPowerEvent: UInt8 = 0
    var restartCause: UInt8 = 0
    var identifyUntil: UInt64?
    var identifyForced = false
    var bootSetInProgress: UInt8 = 0
    var bootFlagsUntil: UInt64?
    var systemInfoSetInProgress: UInt8 = 0
    var eventReceiver: (address: UInt8, lun: UInt8) = (0x20, 0)
    var selReservation: UInt16 = 0
    var sdrReservation: UInt16 = 0
    var selOverflow = false
    var partialAdd: (id: UInt16, bytes: [UInt8])?
    var sensors: [Sensor]
    var sensorPlaces: [UInt8]
    var storeTrouble: CompletionCode = .ok

    // State that survives.
    var log: EventLog
    var settings = Settings()
    var frus: [FRUConfiguration]
    var logWriter = JournalWriter(kind: EventLog.journalKind)
    var settingsWriter = JournalWriter(kind: Settings.journalKind)

    // Time.
    var baseTime: UInt64 = 0
    var baseWall: UInt64 = 0
    var nextPoll: UInt64 = 0
    var poweredSince: UInt64 = 0
    var repositoryTime: UInt32 = 0
    var armed: UInt64 = .max

    // Changes under way and waiting.
    var job: Job?
    var jobs: UInt64 = 0
    var waiting: [Waiting] = []
    static let mostWaiting = 32
    var proposed: Change?
    var hostWrites: RateLimit
    var eventWrites: RateLimit
    var fruWrites: RateLimit
    // The FRU device written to last, and where that ended.
    var fruWritten = (index: -1, end: 0)
    var refusedWrites = 0
    var watchdogExpiries = 0
    var droppedEvents = 0
    var refusalsSaid = RateLimit(interval: 60_000_000_000)
    var lossesSaid = RateLimit(interval: 60_000_000_000)
    // An Add SEL Entry whose answer may not have reached the host.
    var unconfirmed: (record: SELRecord, id: UInt16)?
    var lastAdd: (token: UInt64, record: SELRecord, id: UInt16)?

    // Messages that wait for a sensor's fresh reading.
    var readingsAwaited: [(token: UInt64, sensor: Int, bytes: [UInt8], until: UInt64)] = []
    var awaitedSensor: Int?
    var acceptsOldReading = false

    var effects: [Effect] = []
    var attention = false

    /// A controller as `configuration` has it, with empty stores.
    public init(_ configuration: ControllerConfiguration) {
        precondition(configuration.guid.count == 16, "a GUID has 16 bytes")
        precondition((1...4095).contains(configuration.selCapacity), "the event log holds 1 to 4095 records")
        identity = configuration.identity
        guid = configuration.guid
        lan = configuration.lan
        actions = configuration.actions
        durable = configuration.durable
        pollInterval = configuration.pollInterval
        readingAge = configuration.readingAge
        frus = configuration.frus
        log = EventLog(capacity: configuration.selCapacity, wraps: configuration.selWraps)
        hostWrites = configuration.writeLimit.rateLimit()
        eventWrites = configuration.writeLimit.rateLimit()
        fruWrites = configuration.writeLimit.rateLimit(times: WriteLimit.fruPieces)

        let watchdogSensor = ManagementController.freeSensor(configuration)
        self.watchdogSensor = watchdogSensor
        let support = ManagementController.deviceSupport(configuration)
        let logNumber = watchdogSensor.flatMap { ManagementController.freeSensor(configuration, below: $0) }
        let ownSensors = logNumber.map { [ManagementController.logSensor($0)] } ?? []
        logSensor = logNumber == nil ? nil : configuration.sensors.count
        repository =
            configuration.repository
            ?? ManagementController.buildRepository(
                configuration, support: support, watchdog: watchdogSensor, log: ownSensors.first?.description)
        deviceID = ManagementController.deviceID(configuration.identity, support: support)

        sensors = []
        sensorPlaces = [UInt8](repeating: 0xFF, count: 256)
        for sensor in configuration.sensors + ownSensors where sensors.count < 0xFF {
            var described = sensor
            // A file of records is the authority on how a reading is to be read.
            if let stated = configuration.repository?.fullRecord(of: sensor.description.number)
                .flatMap({ SensorConversion(record: $0) })
            {
                described.description.restate(stated)
            }
            sensorPlaces[Int(sensor.description.number)] = UInt8(sensors.count)
            sensors.append(Sensor(described))
        }
        // That the log is full it cannot take, and that it is not any more was somebody's wish.
        if let logSensor { sensors[logSensor].setEvents(2, assertions: 1 << 4, deassertions: 0xFFFF) }

        var places = [UInt8](repeating: 0xFF, count: 7 * 256)
        var rules: [UInt32] = []
        for (index, definition) in CommandTable.all.enumerated() {
            precondition(Int(definition.operation.rawValue) == index, "the table is in the order of its operations")
            places[Int(definition.netFn.rawValue >> 1) * 256 + Int(definition.command.rawValue)] = UInt8(index)
            let permitted = ManagementController.permits(definition, configuration)
            rules.append(
                UInt32(definition.shortest) | UInt32(definition.longest) << 8
                    | (permitted ? 1 << 16 : 0) | (definition.effect == .persistent ? 1 << 17 : 0))
        }
        self.places = places
        self.rules = rules
    }

    // MARK: Messages

    /// A message from the host: a whole request, NetFn and LUN first.
    ///
    /// - Parameters:
    ///   - token: names the message in a later `reply` effect.
    ///   - buffer: where the response is written if there is one at once; at least 3 bytes, 260 are never too few.
    public func message(
        _ token: UInt64, _ bytes: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer, now: UInt64
    ) -> Disposition {
        guard let request = Request(bytes) else { return .declined }
        let netFn = request.netFn.rawValue
        guard netFn & 1 == 0, netFn <= 0x0C else { return .declined }
        let place = places[Int(netFn >> 1) << 8 | Int(request.command.rawValue)]
        guard place != 0xFF else { return .declined }
        var response = Response(buffer)
        response.begin(request)
        return dispatch(token, request, Int(place), &response, now)
    }

    private func dispatch(
        _ token: UInt64, _ request: Request, _ place: Int, _ response: inout Response, _ now: UInt64
    ) -> Disposition {
        let rule = rules[place]
        let count = UInt32(truncatingIfNeeded: request.count)
        guard request.lun == .baseboard else { return end(.invalidForLUN, &response) }
        guard rule & 1 << 16 != 0 else { return end(.insufficientPrivilege, &response) }
        guard count >= rule & 0xFF, count <= rule >> 8 & 0xFF else { return end(.requestLengthInvalid, &response) }
        guard let operation = Operation(rawValue: UInt8(truncatingIfNeeded: place)) else { return .declined }
        if rule & 1 << 17 == 0 {
            let code = run(operation, request, &response, now)
            if let sensor = awaitedSensor { return awaitReading(token, sensor, request, now) }
            return end(code, &response)
        }
        return change(token, operation, request, &response, now)
    }

    private func end(_ code: CompletionCode, _ response: inout Response) -> Disposition {
        response.finish(code)
        return .reply(response.count)
    }

    /// A command that may change what survives.
    private func change(
        _ token: UInt64, _ operation: Operation, _ request: Request, _ response: inout Response, _ now: UInt64
    ) -> Disposition {
        guard job == nil else {
            guard waiting.count < ManagementController.mostWaiting else { return end(.nodeBusy, &response) }
            waiting.append(.message(token: token, bytes: request.message))
            return .pending
        }
        let code = run(operation, request, &response, now)
        response.finish(code)
        guard let change = proposed else { return .reply(response.count) }
        proposed = nil
        guard response.completionCode == .ok else { return .reply(response.count) }
        guard admits(change, now) else { return end(.nodeBusy, &response) }
        if begin(change, token: token, response: response.message, now) { return .pending }
        return .reply(response.count)
    }

    // MARK: Effects

    /// True if `nextEffect` has something.
    public var hasEffects: Bool { !effects.isEmpty }

    /// The oldest effect that has not been taken.
    public func nextEffect() -> Effect? { effects.isEmpty ? nil : effects.removeFirst() }

    func emit(_ effect: Effect) { effects.append(effect) }

    func say(_ level: LogLevel, _ sentence: Sentence) { emit(.log(level, sentence.text)) }

    /// SMS_ATN: something waits for the host that it can see in the message flags.
    func updateAttention() {
        let wanted = messageFlags != 0
        guard wanted != attention else { return }
        attention = wanted
        emit(.attention(wanted))
    }

    /// The host CPU was reset: what it had begun and not ended is forgotten, and SMS_ATN is stated anew.
    public func hostReset() {
        bootSetInProgress = 0
        systemInfoSetInProgress = 0
        partialAdd = nil
        emit(.attention(attention))
    }

    /// True while a change is on its way to its store.
    public var isStoring: Bool { job != nil }

    /// Figures for a status display.
    public struct Figures {
        /// Records in the event log, and how many fit.
        public let records: Int, capacity: Int
        /// Events of the controller's own that could not be stored.
        public let lost: Int
        /// Changes of the host's that the limit refused.
        public let refused: Int
        /// How often the watchdog's timer expired.
        public let watchdogExpiries: Int
        /// What is left of the watchdog's countdown; nil while it stands still.
        public let watchdogMilliseconds: UInt64?
    }

    /// Figures for a status display.
    public func figures(now: UInt64) -> Figures {
        Figures(
            records: log.records.count, capacity: log.capacity, lost: droppedEvents, refused: refusedWrites,
            watchdogExpiries: watchdogExpiries,
            watchdogMilliseconds: watchdog.running ? UInt64(watchdog.present(now: now)) * 100 : nil)
    }

    /// The configured actions for `action` have run.
    public func actionEnded(_ action: PlatformAction, succeeded: Bool) {
        if !succeeded { say(.warning, "\(action.name): the configured actions failed") }
    }
}
