// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: implements kcsmuxd's C function table; the channel pointer is this object, which outlives its instance.
import CKCSPlugin
import CLinux

/// kcsmuxd with one channel, as one instance of a plugin meets it through the C interface: registers with the host CPU behind
/// them, a clock and timers that a test moves, descriptors that it polls, a worker that runs when told to, and a record of
/// every call. Misuse by the plugin is recorded too.
public final class FakeDaemon {
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

    /// What a plugin's own check rejected.
    public struct Rejection: Equatable {
        /// Where the value stands, as `socket.types[2]`, or `actions[1].key`.
        public let option: String
        /// Its words.
        public let text: String

        /// A rejection to compare with.
        public init(_ option: String, _ text: String) {
            self.option = option
            self.text = text
        }
    }

    // MARK: What a test sets

    /// What of the device exists; without STR, its bits are read as 0.
    public var capabilities = KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT | KCS_CAP_STR
    /// The channel's folder for what survives.
    public var stateFolder = "/nowhere"
    /// `KCS_REASON_*` of the next start.
    public var reason = KCS_REASON_BOOT
    /// Memory shared with the host CPU.
    public var window: UnsafeMutableRawBufferPointer?
    /// Sockets that the service manager passed, by name.
    public var sockets: [String: Int32] = [:]
    /// Makes every write of ODR answer this.
    public var writeStatus: Int32?
    /// Makes every answer to a request end so, and not arrive.
    public var replyStatus: Int32?
    /// Makes every `work` end so, as with a full queue.
    public var workStatus: Int32?
    /// Makes every `post` end so.
    public var postStatus: Int32?
    /// Answer of the next `actions_run` calls, in place of the rule that only one runs at a time.
    public var runStatus: Int32?

    // MARK: What the plugin did

    /// The time that the plugin is told, in nanoseconds.
    public internal(set) var now: UInt64 = 1_000_000_000
    /// What it logged.
    public internal(set) var lines: [Line] = []
    /// Texts of `fail`.
    public internal(set) var failures: [String] = []
    /// Texts that it added to the capture.
    public internal(set) var annotations: [String] = []
    /// Packets that it added to the capture.
    public internal(set) var packets: [(linkType: UInt32, direction: UInt32, bytes: [UInt8])] = []
    /// Calls that kcsmuxd would have refused as the plugin's mistake.
    public internal(set) var misuses: [String] = []
    /// Register accesses that it made.
    public internal(set) var registerCalls = 0
    /// Answers to requests; an empty one is withheld.
    public internal(set) var replies: [(token: UInt64, bytes: [UInt8])] = []
    /// Requests that it gave back, each with the code for the host CPU.
    public internal(set) var passed: [(token: UInt64, code: UInt8)] = []
    /// How often it ended a transfer.
    public internal(set) var aborts = 0
    /// SMS_ATN.
    public internal(set) var attention = false
    /// Causes of the actions that were started.
    public internal(set) var runs: [String] = []
    /// Programs that were started, with their time limits.
    public internal(set) var programs: [(arguments: [String], timeout: UInt64)] = []
    /// ODR, while the host CPU has not read it.
    public internal(set) var odr: UInt8?
    /// STR's bits that the plugin wrote.
    public internal(set) var status: UInt8 = 0
    /// Its timers that are open.
    public var timerCount: Int { timers.count }
    /// Its watches that are open.
    public var watchCount: Int { watches.count }

    // MARK: Inside

    struct HostByte {
        var value: UInt8
        var isCommand: Bool
    }

    var queue: [HostByte] = []
    var isInputTold = false
    var isOutputWanted = false
    var isInputHeld = false
    var input: Int32 = -1
    var isInCallback = false
    var isStopped = false
    var latest = 0
    var timers: [Int: Timer] = [:]
    var watches: [Int: Watch] = [:]
    var works: [Work] = []
    let posts = Guarded<[Post]>([])
    /// Counts posts, so that a test can wait for one.
    let posted = eventfd(0, Int32(EFD_CLOEXEC))
    var actions: Actions?
    var program: ProgramRun?
    var dump: Dump?

    let plugin: kcs_plugin
    let options: TestOptions
    private let table = UnsafeMutablePointer<kcs_host>.allocate(capacity: 1)
    var instance: UnsafeMutableRawPointer?

    /// Makes an instance of a plugin, of whose options these are given; nil when its `create` refuses.
    public init?(_ descriptor: UnsafePointer<kcs_plugin>, _ given: [String: TestValue] = [:]) {
        plugin = descriptor.pointee
        options = TestOptions(descriptor, given)
        table.initialize(to: Self.makeTable())
        let channel = OpaquePointer(Unmanaged.passUnretained(self).toOpaque())
        guard plugin.create(UnsafePointer(table), channel, options.root, &instance) == KCS_OK else { return nil }
    }

    deinit {
        destroy()
        table.deallocate()
    }

    // MARK: Life

    /// Starts the instance and answers what it said.
    @discardableResult
    public func start(staleBytes: UInt32 = 0) -> Int32 {
        isStopped = false
        calling {
            input = "fake".withCString { channel in
                stateFolder.withCString { folder in
                    var info = kcs_start(
                        size: UInt32(MemoryLayout<kcs_start>.size), capabilities: capabilities,
                        reason: reason, stale_bytes: staleBytes, channel: channel, state_folder: folder)
                    return plugin.start(instance, &info)
                }
            }
            isStopped = input < 0
        }
        return input
    }

    /// Stops the instance. What it leaves open is closed, and nothing is called back any more.
    public func stop() {
        calling {
            plugin.stop?(instance, KCS_REASON_STOP)
            isStopped = true
        }
    }

    /// Frees the instance, as the end of this object does.
    public func destroy() {
        guard let instance else { return }
        self.instance = nil
        plugin.destroy(instance)
    }

    /// A KCS request; `KCS_HANDLED` and so on.
    public func message(_ token: UInt64, _ bytes: [UInt8]) -> Int32 {
        calling { plugin.message!(instance, token, bytes, UInt64(bytes.count), now) }
    }

    /// Tells of a reset.
    public func reset() { calling { plugin.reset?(instance, now) } }

    /// Makes a call of the plugin's; then what its loop would do.
    func calling<Result>(_ body: () -> Result) -> Result {
        isInCallback = true
        let result = body()
        isInCallback = false
        turn()
        return result
    }

    // MARK: Without an instance

    /// What the plugin's own check rejects of these options.
    public static func check(
        _ descriptor: UnsafePointer<kcs_plugin>, _ given: [String: TestValue]
    ) -> [Rejection] {
        final class Errors { var list: [(value: UnsafePointer<kcs_value>, text: String)] = [] }
        let options = TestOptions(descriptor, given)
        let errors = Errors()
        var report = kcs_report(
            size: UInt32(MemoryLayout<kcs_report>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(errors).toOpaque(),
            error: { context, value, text in
                Unmanaged<Errors>.fromOpaque(context!).takeUnretainedValue().list.append(
                    (value, String(cString: text)))
            })
        descriptor.pointee.check?(options.root, &report)
        return errors.list.map { Rejection(options.path(of: $0.value) ?? "?", $0.text) }
    }

    /// The instance's figures.
    public var stats: [String: UInt64] { figures.numbers }

    /// The instance's words among its figures.
    public var statsTexts: [String: String] { figures.texts }

    private final class Figures {
        var numbers: [String: UInt64] = [:]
        var texts: [String: String] = [:]
    }

    private var figures: Figures {
        let figures = Figures()
        var stats = kcs_stats(
            size: UInt32(MemoryLayout<kcs_stats>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(figures).toOpaque(),
            number: { context, name, value in
                Unmanaged<Figures>.fromOpaque(context!).takeUnretainedValue().numbers[String(cString: name)] = value
            },
            text: { context, name, value in
                Unmanaged<Figures>.fromOpaque(context!).takeUnretainedValue().texts[String(cString: name)] =
                    String(cString: value)
            },
            figure: { context, name, _, _, value in
                Unmanaged<Figures>.fromOpaque(context!).takeUnretainedValue().numbers[String(cString: name)] = value
            })
        plugin.stats?(instance, &stats)
        return figures
    }
}
