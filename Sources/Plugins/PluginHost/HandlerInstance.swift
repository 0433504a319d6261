// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the plugin's instance pointer and function pointers, called as kcs_plugin.h says. The channel keeps this object
// alive until destroy has returned.
import CKCSPlugin
import Schema

/// One instance of a plugin, and what it is served with. The channel's side subclasses it: every `open` method is a host
/// call of the ABI, made on the loop's thread (`post` excepted), and answers a status of the ABI.
open class HandlerInstance {
    /// The plugin that it is an instance of.
    public final let plugin: LoadedPlugin
    /// The options it was made with.
    private final let values: OptionValues
    final let descriptor: UnsafeMutablePointer<kcs_plugin>
    final var instance: UnsafeMutableRawPointer?
    final var phase = Phase.new
    private final var channel: UnsafeMutablePointer<PluginChannel>?
    private final var reporter: MisuseReporter?

    enum Phase { case new, created, started, stopped, destroyed }

    /// An instance to be; `create` makes it. `options` is an object checked against the plugin's declaration.
    public init(plugin: LoadedPlugin, options: Value) {
        self.plugin = plugin
        values = OptionValues(options, plugin.options)
        descriptor = .allocate(capacity: 1)
        descriptor.initialize(to: plugin.descriptor)
    }

    deinit {
        leaveChannel()
        descriptor.deallocate()
    }

    private final func leaveChannel() {
        if let channel { PluginChannel.retire(channel) }
        channel = nil
    }

    // MARK: Misuse

    /// Where this instance's mistakes are told.
    open func makeReporter() -> MisuseReporter { MisuseReporter() }

    /// The plugin made a call that makes no sense: says so in one line. The answer is the call's.
    public final func misused(_ text: String) -> Int32 {
        reporter?.report(text)
        return KCS_E_INVALID
    }

    // MARK: The plugin's callbacks

    /// Makes the plugin's instance. False: it refused, and nothing else may be called.
    public final func create() -> Bool {
        precondition(phase == .new, "an instance is created once")
        let reporter = makeReporter()
        let channel = PluginChannel.make(self, reporter)
        self.reporter = reporter
        self.channel = channel
        guard descriptor.pointee.create(HostTable.pointer, OpaquePointer(channel), values.root, &instance) == KCS_OK
        else {
            phase = .destroyed
            leaveChannel()
            return false
        }
        phase = .created
        return true
    }

    /// Tells it that the device is open; answers the kind of input it wants (`KCS_INPUT_*`), or an error of the ABI.
    public final func start(capabilities: UInt32, reason: UInt32, staleBytes: Int, channel: String, stateFolder: String)
        -> Int32
    {
        precondition(phase == .created, "an instance is started once, after create")
        phase = .started
        let answer = channel.withCString { channel in
            stateFolder.withCString { folder in
                var info = kcs_start(
                    size: UInt32(MemoryLayout<kcs_start>.size), capabilities: capabilities, reason: reason,
                    stale_bytes: UInt32(staleBytes), channel: channel, state_folder: folder)
                return descriptor.pointee.start(instance, &info)
            }
        }
        if answer < 0 { phase = .stopped }
        return answer
    }

    /// The kind of input in what `start` answered, and whether its hosts want IDLE first; nil if it may not answer that.
    public final func input(_ answer: Int32) -> (kind: Int32, wantsIdle: Bool)? {
        let wantsIdle = answer == KCS_INPUT_MESSAGES | KCS_INPUT_IDLE_FIRST
        let kind = wantsIdle ? KCS_INPUT_MESSAGES : answer
        guard kind >= 0 && kind < 32 && descriptor.pointee.inputs & 1 << UInt32(kind) != 0 else { return nil }
        return (kind, wantsIdle)
    }

    /// Tells it that the device closes. Harmless when it is not started.
    public final func stop(reason: UInt32) {
        guard phase == .started else { return }
        phase = .stopped
        descriptor.pointee.stop?(instance, reason)
    }

    /// Frees the plugin's instance. Harmless when there is none.
    public final func destroy() {
        precondition(phase != .started, "an instance is stopped before it is destroyed")
        guard phase != .destroyed && phase != .new else { return }
        phase = .destroyed
        descriptor.pointee.destroy(instance)
        leaveChannel()
    }

    /// Between start and stop?
    public final var isStarted: Bool { phase == .started }

    /// The actions behind an option value that the plugin passes to `actions_run`; nil when it is not one of its own.
    public final func actions(_ value: UnsafePointer<kcs_value>) -> [Action]? { values.actions(value) }

    // MARK: Host calls: registers

    /// `read_idr`
    open func readIDR() -> (status: Int32, value: UInt8, str: UInt8) { (KCS_E_UNAVAILABLE, 0, 0) }
    /// `read_str`
    open func readSTR() -> Int32 { KCS_E_UNAVAILABLE }
    /// `write_odr`
    open func writeODR(_ value: UInt8) -> Int32 { KCS_E_UNAVAILABLE }
    /// `write_str`
    open func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 { KCS_E_UNAVAILABLE }
    /// `write_both`
    open func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 { KCS_E_UNAVAILABLE }
    /// `replace`
    open func replace(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 { KCS_E_UNAVAILABLE }
    /// `want_output`
    open func wantOutput(_ wish: UInt32) -> Int32 { KCS_E_UNAVAILABLE }

    // MARK: Host calls: messages

    /// `reply`
    open func reply(_ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 { KCS_E_UNAVAILABLE }
    /// `pass`
    open func pass(_ token: UInt64, _ code: UInt8) -> Int32 { KCS_E_UNAVAILABLE }
    /// `abort`
    open func abortTransfer() -> Int32 { KCS_E_UNAVAILABLE }
    /// `set_attention`
    open func setAttention(_ on: Bool) -> Int32 { KCS_E_UNAVAILABLE }

    // MARK: Host calls: services

    /// `now`
    open func now() -> UInt64 { 0 }
    /// `timer_open`: the timer's number, or an error.
    open func openTimer(_ context: UnsafeMutableRawPointer?, _ fire: @escaping TimerCallback) -> Int32 {
        KCS_E_UNAVAILABLE
    }
    /// `timer_set`
    open func setTimer(_ timer: UInt32, _ deadline: UInt64) -> Int32 { KCS_E_INVALID }
    /// `timer_close`
    open func closeTimer(_ timer: UInt32) -> Int32 { KCS_E_INVALID }
    /// `watch_open`: the watch's number, or an error.
    open func openWatch(
        _ descriptor: Int32, _ events: UInt32, _ context: UnsafeMutableRawPointer?, _ ready: @escaping WatchCallback
    ) -> Int32 { KCS_E_UNAVAILABLE }
    /// `watch_set`
    open func setWatch(_ watch: UInt32, _ events: UInt32) -> Int32 { KCS_E_INVALID }
    /// `watch_close`
    open func closeWatch(_ watch: UInt32) -> Int32 { KCS_E_INVALID }
    /// `socket`: the descriptor, or an error.
    open func socket(_ name: String) -> Int32 { KCS_E_UNAVAILABLE }
    /// `map_window`: nil when there is none.
    open func mapWindow() -> UnsafeMutableRawBufferPointer? { nil }
    /// `run`
    open func run(
        _ arguments: [String], timeout: UInt64, _ context: UnsafeMutableRawPointer?, _ done: RunCallback?
    ) -> Int32 { KCS_E_UNAVAILABLE }
    /// `work`
    open func work(
        _ context: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback, _ done: PlainCallback?
    ) -> Int32 { KCS_E_UNAVAILABLE }
    /// `post`, from any thread
    open func post(_ context: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback) -> Int32 {
        KCS_E_UNAVAILABLE
    }
    /// `actions_run`
    open func runActions(
        _ actions: [Action], cause: String, _ context: UnsafeMutableRawPointer?, _ done: ActionsCallback?
    ) -> Int32 { KCS_E_UNAVAILABLE }
    /// `annotate`
    open func annotate(
        kind: UInt32, direction: UInt32, linkType: UInt32, _ bytes: UnsafeRawBufferPointer, text: String?
    ) -> Int32 { KCS_E_UNAVAILABLE }
    /// `dump`
    open func dump(scope: UInt32, _ context: UnsafeMutableRawPointer?, _ done: DumpCallback?) -> Int32 {
        KCS_E_UNAVAILABLE
    }
    /// `log`
    open func log(level: UInt32, _ text: String) {}
    /// `fail`
    open func fail(_ text: String) {}
}
