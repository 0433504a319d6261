// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: implements kcsmuxd's C function table; the channel pointer is this object, which outlives its instance.
import CKCSPlugin

/// kcsmuxd and a KCS device, as one instance of a plugin sees them through the C interface: registers with the host CPU
/// behind them, a clock and timers that a test moves, and a record of every call. Misuse by the plugin is recorded too.
public final class FakeHost {
    /// A byte that the host CPU wrote.
    struct HostByte {
        var value: UInt8
        var isCommand: Bool
    }

    /// One `actions_run` under way.
    struct Run {
        var context: UnsafeMutableRawPointer?
        var done: ActionsDone?
    }

    /// One `work` under way.
    struct Work {
        var context: UnsafeMutableRawPointer?
        var function: WorkFunction
        var done: WorkFunction?
    }

    struct Timer {
        var context: UnsafeMutableRawPointer?
        var fire: @convention(c) (UnsafeMutableRawPointer?, UInt64) -> Void
        var deadline: UInt64 = 0
        var isOpen = true
    }

    typealias WorkFunction = @convention(c) (UnsafeMutableRawPointer?) -> Void

    typealias ActionsDone =
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<kcs_action_result>>, UInt64
        ) -> Void

    /// A line that the plugin logged.
    public struct Line: Equatable {
        /// `KCS_LOG_*`.
        public let level: UInt32
        /// Its words.
        public let text: String

        /// A line to compare with.
        public init(level: UInt32, text: String) {
            self.level = level
            self.text = text
        }
    }

    /// The time that the plugin is told, in nanoseconds.
    public internal(set) var now: UInt64 = 1_000_000_000
    /// What the plugin logged.
    public internal(set) var lines: [Line] = []
    /// Texts added to the capture.
    public internal(set) var annotations: [String] = []
    /// Causes of the actions that were started.
    public internal(set) var runs: [String] = []
    /// Answer of the next `actions_run` calls, in place of the rule that only one runs at a time.
    public var runStatus: Int32?
    /// Texts of `fail`.
    public internal(set) var failures: [String] = []
    /// Calls that kcsmuxd would have refused as the plugin's mistake.
    public internal(set) var misuses: [String] = []
    /// Register accesses that the plugin made.
    public internal(set) var registerCalls = 0
    /// Makes every write of ODR answer this.
    public var writeStatus: Int32?
    /// What of the device exists; without STR, its bits are read as 0.
    public var capabilities = UInt32(KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT | KCS_CAP_STR)

    /// Answers to KCS requests; an empty one is withheld.
    public internal(set) var replies: [(token: UInt64, bytes: [UInt8])] = []
    /// Makes every answer end so, and not arrive.
    public var replyStatus: Int32?
    /// SMS_ATN.
    public internal(set) var attention = false
    /// Makes every `work` end so, as with a full queue.
    public var workStatus: Int32?
    /// The channel's folder for what survives.
    public var stateFolder = "/nowhere"
    /// `KCS_REASON_*` of the next start.
    public var reason = UInt32(KCS_REASON_BOOT)

    /// ODR, while the host CPU has not read it.
    public internal(set) var odr: UInt8?
    var queue: [HostByte] = []
    var isInputTold = false
    var isOutputWanted = false
    var isInputHeld = false
    var input: Int32 = -1
    var timers: [Timer] = []
    var running: Run?
    var isInCallback = false
    var works: [Work] = []
    var isStopped = false

    let plugin: kcs_plugin
    let table: UnsafeMutablePointer<kcs_host>
    let options: UnsafePointer<kcs_value>
    var instance: UnsafeMutableRawPointer?

    /// Makes an instance of a plugin; nil when its `create` refuses.
    public init?(_ descriptor: UnsafePointer<kcs_plugin>, options: TestValue) {
        plugin = descriptor.pointee
        table = .allocate(capacity: 1)
        self.options = options.make()
        table.initialize(to: Self.makeTable())
        guard plugin.create(UnsafePointer(table), channel, self.options, &instance) == KCS_OK else { return nil }
    }

    deinit {
        if instance != nil { plugin.destroy(instance) }
        table.deallocate()
    }

    var channel: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    // MARK: Life

    /// Starts the instance and answers what it said.
    @discardableResult
    public func start(staleBytes: UInt32 = 0) -> Int32 {
        input = "fake".withCString { channel in
            stateFolder.withCString { folder in
                var info = kcs_start(
                    size: UInt32(MemoryLayout<kcs_start>.size), capabilities: capabilities,
                    reason: reason, stale_bytes: staleBytes, channel: channel, state_folder: folder)
                return plugin.start(instance, &info)
            }
        }
        return input
    }

    /// Stops the instance.
    public func stop() {
        plugin.stop?(instance, UInt32(KCS_REASON_STOP))
        isStopped = true
    }

    /// A KCS request; `KCS_HANDLED` and so on.
    public func message(_ token: UInt64, _ bytes: [UInt8]) -> Int32 {
        plugin.message!(instance, token, bytes, UInt64(bytes.count), now)
    }

    /// Does what was given to the worker's thread, in order, up to that many of them; the results are told unless the
    /// instance was stopped. Answers how many there were.
    @discardableResult
    public func runWork(_ limit: Int = .max) -> Int {
        var count = 0
        while count < limit, !works.isEmpty {
            let work = works.removeFirst()
            work.function(work.context)
            if !isStopped { work.done?(work.context) }
            count += 1
        }
        return count
    }

    /// Tells of a reset.
    public func reset() { plugin.reset?(instance, now) }

    /// Calls `check` and answers what it rejected: the value and the words.
    public static func check(
        _ descriptor: UnsafePointer<kcs_plugin>, _ options: UnsafePointer<kcs_value>
    ) -> [(value: UnsafePointer<kcs_value>, text: String)] {
        final class Errors { var list: [(value: UnsafePointer<kcs_value>, text: String)] = [] }
        let errors = Errors()
        var report = kcs_report(
            size: UInt32(MemoryLayout<kcs_report>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(errors).toOpaque(),
            error: { context, value, text in
                Unmanaged<Errors>.fromOpaque(context!).takeUnretainedValue().list.append(
                    (value, String(cString: text)))
            })
        descriptor.pointee.check?(options, &report)
        return errors.list
    }

    /// The instance's figures.
    public var stats: [String: UInt64] {
        final class Figures { var values: [String: UInt64] = [:] }
        let figures = Figures()
        var stats = kcs_stats(
            size: UInt32(MemoryLayout<kcs_stats>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(figures).toOpaque(),
            number: { context, name, value in
                Unmanaged<Figures>.fromOpaque(context!).takeUnretainedValue().values[String(cString: name)] = value
            }, text: { _, _, _ in })
        plugin.stats?(instance, &stats)
        return figures.values
    }

    // MARK: The host CPU's side

    /// STR as the BMC reads it.
    public var str: UInt8 {
        guard capabilities & UInt32(KCS_CAP_STR) != 0 else { return 0 }
        var bits: UInt8 = 0
        if odr != nil { bits |= UInt8(KCS_STR_OBF) }
        if let byte = queue.first {
            bits |= UInt8(KCS_STR_IBF)
            if byte.isCommand { bits |= UInt8(KCS_STR_CD) }
        }
        return bits
    }

    /// The host CPU writes a byte; false while IBF is set: the driver's buffer and IDR hold two.
    @discardableResult
    public func write(_ value: UInt8, command: Bool = false) -> Bool {
        guard queue.count < 2 else { return false }
        queue.append(HostByte(value: value, isCommand: command))
        turn()
        return true
    }

    /// The host CPU reads ODR; nil while OBF is clear.
    public func read() -> UInt8? {
        guard let value = odr else { return nil }
        odr = nil
        turn()
        return value
    }

    /// Does what kcsmuxd's loop does until nothing is left to tell.
    func turn() {
        guard !isInCallback else { return }
        isInCallback = true
        defer { isInCallback = false }
        var isBusy = true
        while isBusy {
            isBusy = false
            if isOutputWanted && odr == nil {
                isOutputWanted = false
                isInputHeld = false
                isBusy = true
                plugin.output_ready?(instance, str, now)
            }
            guard !queue.isEmpty else { continue }
            if input == KCS_INPUT_AUTO && isInputHeld { continue }
            if input == KCS_INPUT_AUTO {
                let bits = str
                let byte = queue.removeFirst()
                isBusy = true
                plugin.data!(instance, byte.value, bits, now)
            } else if input == KCS_INPUT_MANUAL && !isInputTold {
                isInputTold = true
                isBusy = true
                plugin.input_ready!(instance, str, now)
            }
        }
    }

    // MARK: Time

    /// Lets time pass; timers that are due fire in order.
    public func advance(_ nanoseconds: UInt64) {
        let end = now + nanoseconds
        while let next = timers.indices.filter({ timers[$0].isOpen && timers[$0].deadline > 0 })
            .min(by: { timers[$0].deadline < timers[$1].deadline }), timers[next].deadline <= end
        {
            now = max(now, timers[next].deadline)
            timers[next].deadline = 0
            timers[next].fire(timers[next].context, now)
        }
        now = end
    }

    /// Ends the actions under way with these outcomes.
    public func finishActions(_ outcomes: [UInt32] = [UInt32(KCS_OUTCOME_OK)]) {
        guard let run = running else { return misuses.append("no actions are running") }
        running = nil
        "log".withCString { action in
            let results = outcomes.map {
                kcs_action_result(
                    size: UInt32(MemoryLayout<kcs_action_result>.size), outcome: $0, action: action, detail: action)
            }
            results.withUnsafeBufferPointer { results in
                let pointers = results.indices.map { results.baseAddress! + $0 }
                pointers.withUnsafeBufferPointer { run.done?(run.context, $0.baseAddress!, UInt64(pointers.count)) }
            }
        }
    }
}
