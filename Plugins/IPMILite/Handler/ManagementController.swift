// SPDX-License-Identifier: Apache-2.0
//
// The model: messages, readings, results and time come in as calls; answers go out as the result of `message`, and all
// else as effects, in order, from `nextEffect`. Nothing here blocks, opens, or asks for the time.
//
// What survives a restart changes in one way only. A command proposes a change; the change goes to its store as a job;
// when the store has it, the state changes by the same function that reads the store at start, and the response
// leaves. If the store cannot take it, nothing has changed and the response says so. One job is under way at a time:
// commands and events that need another wait in line, in order.
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
    let frusWritable: [Bool]
    let fruIDs: [UInt8]
    let repository: SDRRepository
    let watchdogSensor: UInt8?

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
    var frus: [FRUImage]
    private var logWriter = JournalWriter(kind: EventLog.journalKind)
    private var settingsWriter = JournalWriter(kind: Settings.journalKind)

    // Time.
    private var baseTime: UInt64 = 0
    private var baseWall: UInt64 = 0
    private var nextPoll: UInt64 = 0
    private var poweredSince: UInt64 = 0
    private var armed: UInt64 = .max

    // Changes under way and waiting.
    enum Change {
        case log(EventLogChange)
        case setting(SettingKey, [UInt8])
        case fru(Int, FRUImage)
    }
    private struct Job {
        let id: UInt64
        let change: Change
        let after: JournalWriter?
        let token: UInt64?
        let response: [UInt8]
    }
    private enum Waiting {
        case message(token: UInt64, bytes: [UInt8])
        case event(SELRecord)
        case setting(SettingKey, [UInt8])
    }
    private var job: Job?
    private var jobs: UInt64 = 0
    private var waiting: [Waiting] = []
    private static let mostWaiting = 32
    var proposed: Change?
    private var hostBucket: TokenBucket
    private var eventBucket: TokenBucket
    private var droppedEvents = 0
    // An Add SEL Entry whose answer may not have reached the host.
    private var unconfirmed: (record: SELRecord, id: UInt16)?
    private var lastAdd: (token: UInt64, record: SELRecord, id: UInt16)?

    // Messages that wait for a sensor's fresh reading.
    private var readingsAwaited: [(token: UInt64, sensor: Int, bytes: [UInt8])] = []
    private var reading: [Bool]
    var awaitedSensor: Int?

    private var effects: [Effect] = []
    private var attention = false

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
        frus = configuration.frus.map { $0.image }
        frusWritable = configuration.frus.map { $0.writable }
        fruIDs = configuration.frus.map { $0.id }
        log = EventLog(capacity: configuration.selCapacity)
        hostBucket = TokenBucket(configuration.writeLimit)
        eventBucket = TokenBucket(configuration.writeLimit)

        let watchdogSensor = ManagementController.freeSensor(configuration)
        self.watchdogSensor = watchdogSensor
        let support = ManagementController.deviceSupport(configuration)
        repository =
            configuration.repository
            ?? ManagementController.buildRepository(configuration, support: support, watchdog: watchdogSensor)
        deviceID = ManagementController.deviceID(configuration.identity, support: support)

        sensors = []
        sensorPlaces = [UInt8](repeating: 0xFF, count: 256)
        for sensor in configuration.sensors where sensors.count < 0xFF {
            var described = sensor
            // A file of records is the authority on how a reading is to be read.
            if let stated = configuration.repository?.conversion(of: sensor.description.number) {
                described.description.restate(stated)
            }
            sensorPlaces[Int(sensor.description.number)] = UInt8(sensors.count)
            sensors.append(Sensor(described))
        }
        reading = [Bool](repeating: false, count: sensors.count)

        var places = [UInt8](repeating: 0xFF, count: 7 * 256)
        var rules: [UInt32] = []
        for (index, definition) in CommandTable.all.enumerated() {
            precondition(Int(definition.operation.rawValue) == index, "the table is in the order of its operations")
            places[Int(definition.netFn.rawValue >> 1) * 256 + Int(definition.command.rawValue)] = UInt8(index)
            let permitted = ManagementController.permits(definition, configuration)
            rules.append(
                UInt32(definition.length.lowerBound) | UInt32(definition.length.upperBound) << 8
                    | (permitted ? 1 << 16 : 0) | (definition.effect == .persistent ? 1 << 17 : 0))
        }
        self.places = places
        self.rules = rules
    }

    // MARK: Start

    /// Takes what a journal's file holds; an empty array if there is no file. Before `start`.
    ///
    /// - Parameter clean: false if the process before this one ended without `snapshot`: then an answer to the last
    ///   Add SEL Entry may have been lost, and the host's repetition of it is answered with the record that is there.
    public func load(_ store: Store, _ bytes: [UInt8], clean: Bool) {
        switch store {
        case .sel:
            let contents = Journal.read(bytes, kind: EventLog.journalKind)
            report(contents, bytes, "event log")
            logWriter.resume(contents)
            var last: EventLogChange?
            for record in contents.records {
                guard let change = EventLogChange(record) else {
                    emit(.log(.warning, "event log: a record of type \(record.type) is skipped"))
                    continue
                }
                log.apply(change)
                last = change
            }
            if !clean, case .add(let record, _, true) = last { unconfirmed = (record, record.id) }
        case .settings:
            let contents = Journal.read(bytes, kind: Settings.journalKind)
            report(contents, bytes, "settings")
            settingsWriter.resume(contents)
            for record in contents.records where !settings.apply(record) {
                emit(.log(.warning, "settings: a record of type \(record.type) is skipped"))
            }
        case .fru(let index):
            guard let image = FRUImage(bytes) else { return }
            frus[index] = image
        }
    }

    private func report(_ contents: Journal.Contents, _ bytes: [UInt8], _ name: String) {
        guard contents.cut > 0 else { return }
        emit(
            .log(
                .warning,
                "\(name): \(contents.cut) bytes after byte \(contents.length) are not a whole record and are cut, "
                    + "\(contents.records.count) records kept"))
    }

    /// Begins: asks for the first readings and the first wake-up.
    public func start(now: UInt64, wall: UInt64) {
        setTime(now: now, wall: wall)
        poweredSince = now
        for (index, image) in frus.enumerated() {
            if let problem = image.problem { emit(.log(.warning, "FRU device \(fruIDs[index]): \(problem)")) }
        }
        for index in 0..<sensors.count {
            if case .constant(let value) = sensors[index].source { takeReading(index, value, now: now) }
        }
        nextPoll = now
        tick(now: now, wall: wall)
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
            if let sensor = awaitedSensor { return awaitReading(token, sensor, request) }
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
        guard hostBucket.take(now: now) else { return end(.nodeBusy, &response) }
        if begin(change, token: token, response: response.message) { return .pending }
        return .reply(response.count)
    }

    // MARK: Stores

    /// Starts a change; false if its store is not kept, and the change has been made at once.
    private func begin(_ change: Change, token: UInt64?, response: [UInt8]) -> Bool {
        let store: Store
        let storeChange: StoreChange
        var after: JournalWriter?
        switch change {
        case .log(let entry):
            guard durable.sel else { break }
            let (made, writer) = logWriter.change(adding: entry.record, size: log.journalLimit) {
                // An addition stays the last record: after a crash it is what the host may repeat.
                if case .add = entry { return log.image + [entry.record] }
                var copy = log
                copy.apply(entry)
                return copy.image
            }
            after = writer
            return submit(.sel, made, change, after, token, response)
        case .setting(let key, let value):
            guard durable.settings else { break }
            let (made, writer) = settingsWriter.change(
                adding: Settings.record(key, value), size: settings.journalLimit
            ) {
                var copy = settings
                copy.set(key, value)
                return copy.image
            }
            after = writer
            return submit(.settings, made, change, after, token, response)
        case .fru(let index, let image):
            guard durable.fru else { break }
            store = .fru(index)
            storeChange = .replace(bytes: image.bytes)
            return submit(store, storeChange, change, after, token, response)
        }
        apply(change, token: token)
        return false
    }

    private func submit(
        _ store: Store, _ storeChange: StoreChange, _ change: Change, _ after: JournalWriter?, _ token: UInt64?,
        _ response: [UInt8]
    ) -> Bool {
        jobs += 1
        job = Job(id: jobs, change: change, after: after, token: token, response: response)
        emit(.store(StoreJob(id: jobs, store: store, change: storeChange)))
        return true
    }

    private func apply(_ change: Change, token: UInt64?) {
        switch change {
        case .log(let entry):
            log.apply(entry)
            if case .add(let record, _, true) = entry, let token { lastAdd = (token, record, record.id) }
        case .setting(let key, let value): settings.set(key, value)
        case .fru(let index, let image): frus[index] = image
        }
    }

    /// A store's job ended. Any other id than that of the job under way is the caller's mistake.
    public func finished(_ id: UInt64, _ result: StoreResult, now: UInt64) {
        guard let done = job, done.id == id else { preconditionFailure("no such job is under way") }
        job = nil
        var response = done.response
        if result == .stored {
            if let after = done.after {
                if case .log = done.change { logWriter = after } else { settingsWriter = after }
            }
            apply(done.change, token: done.token)
            storeTrouble = .ok
        } else {
            let code: CompletionCode = result == .full ? .outOfSpace : .unspecified
            storeTrouble = code
            if result == .unknown {
                if case .log = done.change { logWriter.distrust() } else { settingsWriter.distrust() }
            }
            if done.token == nil {
                droppedEvents += 1
                emit(.log(.error, "an event could not be stored, \(droppedEvents) lost so far"))
            }
            if response.count >= 3 { response = [response[0], response[1], code.rawValue] }
        }
        if let token = done.token { emit(.reply(token: token, message: response)) }
        proceed(now: now)
    }

    /// Takes what waits, in order, until another job is under way.
    private func proceed(now: UInt64) {
        while job == nil, !waiting.isEmpty {
            switch waiting.removeFirst() {
            case .event(let record): addEvent(record, now: now)
            case .setting(let key, let value): _ = begin(.setting(key, value), token: nil, response: [])
            case .message(let token, let bytes): replay(token, bytes, now: now)
            }
        }
    }

    /// Handles a message that had to wait; its answer is an effect.
    private func replay(_ token: UInt64, _ bytes: [UInt8], now: UInt64) {
        let answer = withResponseBuffer { buffer in
            bytes.withUnsafeBytes { message($0, token, buffer, now) }
        }
        if let answer { emit(.reply(token: token, message: answer)) }
    }

    private func message(
        _ bytes: UnsafeRawBufferPointer, _ token: UInt64, _ buffer: UnsafeMutableRawBufferPointer, _ now: UInt64
    ) -> [UInt8]? {
        guard case .reply(let count) = message(token, bytes, into: buffer, now: now) else { return nil }
        return [UInt8](buffer[0..<count])
    }

    /// The driver could not deliver the response to `token`: the host gave the request up, and may repeat it.
    public func undelivered(_ token: UInt64) {
        guard let add = lastAdd, add.token == token else { return }
        unconfirmed = (add.record, add.id)
    }

    /// The record that `record` repeats, if the answer to the same addition may have been lost. Asked once.
    func takeRepeated(_ record: SELRecord) -> UInt16? {
        guard let last = unconfirmed else { return nil }
        unconfirmed = nil
        return last.record.sameEvent(record) && log.index(of: last.id) != nil ? last.id : nil
    }

    /// A host's change of the log other than an addition ends the chance of a repetition.
    func forgetUnconfirmed() { unconfirmed = nil }

    // MARK: Events

    /// Reports an event of the controller's own: to the event buffer and the log, as the global enables say.
    func report(event record: SELRecord, now: UInt64) {
        var stamped = record
        stamped.timestamp = selTime(now)
        if globalEnables & 0x04 != 0, eventBuffer == nil { eventBuffer = stamped }
        updateAttention()
        guard globalEnables & 0x08 != 0 else { return }
        guard eventBucket.take(now: now) else {
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

    private func addEvent(_ record: SELRecord, now: UInt64) {
        guard !log.isFull else {
            selOverflow = true
            return
        }
        var entry = record
        entry.id = log.nextID
        entry.timestamp = selTime(now)
        _ = begin(.log(.add(entry, time: entry.timestamp, byHost: false)), token: nil, response: [])
    }

    func store(_ key: SettingKey, _ value: [UInt8]) {
        if job == nil {
            _ = begin(.setting(key, value), token: nil, response: [])
        } else if waiting.count < ManagementController.mostWaiting {
            waiting.append(.setting(key, value))
        }
    }

    // MARK: Sensors

    private func awaitReading(_ token: UInt64, _ sensor: Int, _ request: Request) -> Disposition {
        awaitedSensor = nil
        readingsAwaited.append((token, sensor, request.message))
        requestReading(sensor)
        return .pending
    }

    private func requestReading(_ sensor: Int) {
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

    private func takeReading(_ index: Int, _ value: Int64?, now: UInt64) {
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

    // MARK: Time

    private func setTime(now: UInt64, wall: UInt64) {
        baseTime = now
        baseWall = wall
    }

    /// UTC in nanoseconds, from the last `tick` on.
    func wall(_ now: UInt64) -> UInt64 { now >= baseTime ? baseWall &+ (now - baseTime) : baseWall }

    /// The event log's clock, in seconds.
    func selTime(_ now: UInt64) -> UInt32 { clock(.selTime, now) }

    /// A clock that the host may set: UTC with an offset.
    func clock(_ key: SettingKey, _ now: UInt64) -> UInt32 {
        let utc = Int64(clamping: wall(now) / 1_000_000_000)
        return UInt32(truncatingIfNeeded: utc &+ offset(key))
    }

    /// The setting that makes a clock show `seconds` now.
    func clockOffset(_ seconds: UInt32, _ now: UInt64) -> [UInt8] {
        let utc = Int64(clamping: wall(now) / 1_000_000_000)
        let offset = UInt64(bitPattern: Int64(seconds) - utc)
        return (0..<8).map { UInt8(truncatingIfNeeded: offset >> UInt64(8 * $0)) }
    }

    private func offset(_ key: SettingKey) -> Int64 {
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

    private static let hour: UInt64 = 3_600_000_000_000

    /// Time has passed: watchdog, readings, counters. `wall` is UTC in nanoseconds since 1970.
    public func tick(now: UInt64, wall: UInt64) {
        setTime(now: now, wall: wall)
        while let event = watchdog.poll(now: now) { handle(event, now: now) }
        if let until = identifyUntil, now >= until { identifyUntil = nil }
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
            store(.powerOnHours, value)
        }
        arm()
    }

    /// Asks for the next `tick` if its time has changed.
    func arm() {
        var next = nextPoll
        if let wake = watchdog.wake { next = min(next, wake) }
        if let until = identifyUntil { next = min(next, until) }
        guard next != armed else { return }
        armed = next
        emit(.wake(at: next))
    }

    // MARK: Effects

    /// True if `nextEffect` has something.
    public var hasEffects: Bool { !effects.isEmpty }

    /// The oldest effect that has not been taken.
    public func nextEffect() -> Effect? { effects.isEmpty ? nil : effects.removeFirst() }

    func emit(_ effect: Effect) { effects.append(effect) }

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

    /// Figures for a status display: records in the event log, how many fit, events that could not be stored.
    public var figures: (records: Int, capacity: Int, lost: Int) { (log.records.count, log.capacity, droppedEvents) }

    /// The configured actions for `action` have run.
    public func actionEnded(_ action: PlatformAction, succeeded: Bool) {
        if !succeeded { emit(.log(.warning, "\(action.name): the configured actions failed")) }
    }
}
