// SPDX-License-Identifier: Apache-2.0
import Common
import PluginKit

/// Runs actions when the host CPU writes a trigger byte: 'D' for debug data and 'R' for a reboot, unless configured
/// otherwise. What a byte means is `TriggerPolicy`'s business; here it is carried out, counted and reported.
///
/// Any code on the host CPU that may write to the port can trigger, so every refusal protects the BMC, and every line
/// that a byte can cause is limited.
public final class DebugTriggerHandler: Handler {
    /// Nanoseconds between two lines of one kind: the first comes at once, and later ones tell how many there were.
    private static let lineInterval: UInt64 = 10_000_000_000

    private var policy: TriggerPolicy
    private let keys: [(key: UInt8, actions: OptionValue)]
    private let isDryRun: Bool
    private let ready: STR?
    private var timer: HandlerTimer?
    private var isTimerSet = false

    private var unknown: UInt64 = 0
    private var latestUnknown: UInt8 = 0
    private var unknownLines = RateLimit(interval: DebugTriggerHandler.lineInterval)
    private var commands: UInt64 = 0
    private var armed: UInt64 = 0
    private var stale: UInt64 = 0
    private var triggers: UInt64 = 0
    private var failedActions: UInt64 = 0
    /// For each reason.
    private var refused: [UInt64]
    private var refusedLines: [RateLimit]
    private var latestRefused: [UInt8]

    /// The plugin.
    public static let plugin: Plugin = Plugin(
        name: "debug-trigger", version: "0.1.0", summary: "runs actions when the host CPU writes a trigger byte",
        inputs: [.automatic], needs: [.dataIn], options: TriggerOptions.declaration,
        check: { plugin.check($0, $1) { TriggerOptions($0).check($1) } },
        create: { plugin.create($0, $1, $2, $3) { DebugTriggerHandler(host: $0, options: $1) } })

    /// An instance with options that have passed the check.
    init(host: Host, options: OptionValue) {
        let options = TriggerOptions(options)
        policy = TriggerPolicy(options.rules)
        keys = options.actions
        isDryRun = options.isDryRun
        ready = options.ready
        let reasons = TriggerPolicy.Refusal.allCases.count
        refused = Array(repeating: 0, count: reasons)
        refusedLines = Array(repeating: RateLimit(interval: Self.lineInterval), count: reasons)
        latestRefused = Array(repeating: 0, count: reasons)
        super.init(host: host)
    }

    /// Bytes from before the device was opened were meant for somebody else: kcsmuxd has thrown them away.
    public override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        if ready != nil && !info.capabilities.contains(.status) {
            throw HandlerError("`ready` needs a device with STR")
        }
        stale += UInt64(info.staleBytes)
        if info.staleBytes > 0 { host.log(.notice, "stale bytes from before the start, ignored: \(info.staleBytes)") }
        timer = host.timer(for: self) { handler, now in handler.reportOwed(now: now) }
        // What an instance that crashed has left there is overwritten.
        show(isReady: true)
        return .automatic
    }

    /// Reports what is still owed.
    public override func stop(_ reason: Reason) {
        // A device that has gone needs no line here.
        if let ready { host.writeSTR(mask: ready, []) }
        reportOwed(now: .max)
        timer = nil
    }

    /// The host CPU was reset: what it had armed is void.
    public override func reset(now: UInt64) { policy.disarm() }

    /// Judges each byte, once.
    public override func data(_ value: UInt8, str: STR, now: UInt64) {
        switch policy.judge(value, isCommand: str.contains(.command), now: now) {
        case .unknown:
            unknown += 1
            latestUnknown = value
            if let before = unknownLines.admit(now) { reportUnknown(before + 1) } else { owe(unknownLines.deadline) }
        case .command: commands += 1
        case .arming: break
        case .armed: armed += 1
        case .trigger(let key): trigger(key)
        case .refused(let key, let refusal): refuse(keys[key].key, refusal, now: now)
        }
    }

    private func trigger(_ key: Int) {
        triggers += 1
        let (byte, actions) = keys[key]
        guard !isDryRun else {
            let text = actions.actionsText
            host.log(.notice, "trigger \(name(of: byte)), dry run: would run \(text.isEmpty ? "its actions" : text)")
            host.annotate("trigger \(name(of: byte)), dry run", direction: .input)
            return policy.finished()
        }
        host.annotate("trigger \(name(of: byte))", direction: .input)
        show(isReady: false)
        // kcsmuxd logs one line with this cause, each action and its result.
        let status = host.runActions(actions, cause: "trigger \(name(of: byte))", for: self) { handler, results in
            handler.finished(results)
        }
        guard status != .ok else { return }
        policy.finished()
        failedActions += 1
        host.log(.error, "trigger \(name(of: byte)): kcsmuxd refused to run its actions (\(status.rawValue))")
    }

    private func finished(_ results: [ActionResult]) {
        policy.finished()
        let failed = results.count { $0.outcome != .ok }
        failedActions += UInt64(failed)
        // A host CPU that finds it clear after a trigger knows that it cannot count on the BMC.
        if failed == 0 { show(isReady: true) }
    }

    private func show(isReady: Bool) {
        guard let ready else { return }
        let status = host.writeSTR(mask: ready, isReady ? ready : [])
        if status != .ok { host.log(.error, "the ready bit could not be written (\(status.rawValue))") }
    }

    private func refuse(_ byte: UInt8, _ refusal: TriggerPolicy.Refusal, now: UInt64) {
        let reason = refusal.rawValue
        refused[reason] += 1
        latestRefused[reason] = byte
        if let before = refusedLines[reason].admit(now) {
            reportRefused(refusal, before + 1)
        } else {
            owe(refusedLines[reason].deadline)
        }
    }

    // MARK: Lines at a limited rate

    private func owe(_ deadline: UInt64?) {
        guard !isTimerSet, let timer, let deadline else { return }
        isTimerSet = true
        timer.set(deadline)
    }

    private func reportOwed(now: UInt64) {
        isTimerSet = false
        var next: UInt64?
        if let due = unknownLines.deadline, due <= now { reportUnknown(unknownLines.flush(due)) }
        if let later = unknownLines.deadline { next = later }
        for refusal in TriggerPolicy.Refusal.allCases {
            let reason = refusal.rawValue
            if let due = refusedLines[reason].deadline, due <= now {
                reportRefused(refusal, refusedLines[reason].flush(due))
            }
            if let later = refusedLines[reason].deadline { next = min(next ?? later, later) }
        }
        owe(next)
    }

    private func reportUnknown(_ count: UInt64) {
        host.log(.notice, "bytes that are no trigger: \(count), the last \(name(of: latestUnknown))")
    }

    private func reportRefused(_ refusal: TriggerPolicy.Refusal, _ count: UInt64) {
        let byte = name(of: latestRefused[refusal.rawValue])
        host.log(.warning, "trigger \(byte) refused, \(words(for: refusal))" + (count > 1 ? "; \(count) times" : ""))
    }

    private func words(for refusal: TriggerPolicy.Refusal) -> String {
        switch refusal {
        case .notArmed: "not armed"
        case .busy: "the actions of the trigger before are still running"
        case .cooldown: "cooldown"
        case .limit: "max_per_hour is reached"
        }
    }

    /// What came, and what became of it.
    public override func stats(_ stats: Stats) {
        stats.count("triggers", triggers)
        stats.count("failed_actions", failedActions)
        stats.count("refused_not_armed", refused[TriggerPolicy.Refusal.notArmed.rawValue])
        stats.count("refused_busy", refused[TriggerPolicy.Refusal.busy.rawValue])
        stats.count("refused_cooldown", refused[TriggerPolicy.Refusal.cooldown.rawValue])
        stats.count("refused_limit", refused[TriggerPolicy.Refusal.limit.rawValue])
        stats.count("armed", armed)
        stats.count("unknown_bytes", unknown)
        stats.count("command_bytes_ignored", commands)
        stats.count("stale_bytes", stale)
    }
}
