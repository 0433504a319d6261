// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Common
import IPMI
import LinuxIO
import PluginKit

/// Drives a `SettingsModel` with what kcsmuxd offers, in front of a handler that has the other commands of IPMI.
public final class SettingsHandler: Handler {
    private let options: SettingsOptions
    private var model: SettingsModel
    private var file = SettingsFile(path: "")
    // The file has been read.
    private var isLoaded = false
    // It is somebody else's: it stays as it is.
    private var isForeign = false
    // A request that came before the file was read.
    private var early: (token: UInt64, bytes: [UInt8])?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    private var isStoring = false
    // A hostile host would else write without end: 8640 times a day.
    private var writes = RateLimit(burst: 64, interval: 10_000_000_000)
    private var runs: [Run] = []
    private var isRunning = false
    private var messages: UInt64 = 0
    private var stores: UInt64 = 0
    private var storeFailures: UInt64 = 0
    private var refused: UInt64 = 0

    /// A list of actions that waits.
    private struct Run {
        let cause: String
        /// Of a password: what the host waits for.
        var request: (token: UInt64, response: [UInt8], isTest: Bool)?
    }

    /// The plugin.
    public static let plugin: Plugin = Plugin(
        name: "ipmi-settings", version: "0.1.0",
        summary: "LAN configuration and users that the host writes, in a file for other software",
        inputs: [.messages], needs: .messages, options: SettingsOptions.declarations,
        requests: SettingsCommand.requests, commands: SettingsCommand.table,
        check: {
            plugin.check($0, $1) { options, report in _ = SettingsOptions(options) { report.error($0, $1) } }
        },
        create: {
            plugin.create($0, $1, $2, $3) { host, options throws(HandlerError) in
                try SettingsHandler(host: host, options: options)
            }
        })

    init(host: Host, options: OptionValue) throws(HandlerError) {
        var problem: String?
        self.options = SettingsOptions(options) { _, text in problem = problem ?? text }
        model = SettingsModel(self.options)
        super.init(host: host)
        if let problem { throw HandlerError(problem) }
    }

    deinit { buffer.deallocate() }

    public override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        let file = SettingsFile(path: options.path ?? info.stateFolder + "/settings.json")
        self.file = file
        let status = host.work(for: self) {
            Loaded(file)
        } done: { handler, loaded in
            handler.loaded(loaded)
        }
        guard status == .ok else {
            throw HandlerError("the worker's queue is full, \(file.path) cannot be read")
        }
        return .messages
    }

    public override func reset(now: UInt64) { model.hostReset() }

    public override func stats(_ stats: Stats) {
        stats.number("messages", messages)
        stats.number("stores", stores)
        stats.number("store_failures", storeFailures)
        stats.number("writes_refused", refused)
    }

    // MARK: The file

    private struct Loaded {
        var bytes: [UInt8]?
        var problem: String?

        init(_ file: SettingsFile) {
            do throws(SystemError) { bytes = try file.read() } catch { problem = error.description }
        }
    }

    private func loaded(_ loaded: Loaded) {
        var problem = loaded.problem
        if let bytes = loaded.bytes, !model.state.load(bytes, maximumUsers: model.maximumUsers) {
            problem = "\(file.path) is not a file of ipmi-settings"
        }
        if let problem {
            isForeign = true
            host.log(.error, problem + ": it is left alone, and the host cannot change settings")
        }
        isLoaded = true
        guard let (token, bytes) = early else { return }
        early = nil
        _ = bytes.withUnsafeBytes { message(token, $0, now: host.now) }
    }

    // MARK: Messages

    public override func message(
        _ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64
    ) -> PluginKit.Disposition {
        guard let request = Request(bytes), let command = SettingsCommand(request) else { return .declined }
        guard isLoaded else {
            // There is one request at a time: the host CPU has given up one that was here before.
            early = (token, request.message)
            return .pending
        }
        messages &+= 1
        var response = Response(buffer)
        response.begin(request)
        guard request.lun == .baseboard else { return end(token, .invalidForLUN, &response) }
        guard command.length.contains(request.count) else { return end(token, .requestLengthInvalid, &response) }
        switch model.message(command, request, &response) {
        case .reply: return answer(token, response.message)
        case .store(let state, let cause):
            guard !isForeign else { return end(token, .unspecified, &response) }
            guard !isStoring, writes.admit(now) != nil else {
                refused &+= 1
                return end(token, .nodeBusy, &response)
            }
            store(state, cause, token, response.message)
        case .password(let cause, let isTest):
            guard runs.count < 8, writes.admit(now) != nil else {
                refused &+= 1
                return end(token, .nodeBusy, &response)
            }
            run(Run(cause: cause, request: (token, response.message, isTest)))
        }
        return .pending
    }

    private func end(
        _ token: UInt64, _ code: CompletionCode, _ response: inout Response
    ) -> PluginKit.Disposition {
        response.finish(code)
        return answer(token, response.message)
    }

    private func answer(_ token: UInt64, _ message: [UInt8]) -> PluginKit.Disposition {
        message.withUnsafeBytes { _ = host.reply(token, $0) }
        return .handled
    }

    private func store(_ state: SettingsState, _ cause: String, _ token: UInt64, _ response: [UInt8]) {
        isStoring = true
        stores &+= 1
        let file = file
        let bytes = state.json(channel: model.channel)
        let status = host.work(for: self) { () -> SystemError? in
            do throws(SystemError) { try file.write(bytes) } catch { return error }
            return nil
        } done: { handler, failure in
            handler.stored(state, cause, token, response, failure)
        }
        if status != .ok { stored(state, cause, token, response, SystemError(.wouldBlock, "queue", file.path)) }
    }

    private func stored(
        _ state: SettingsState, _ cause: String, _ token: UInt64, _ response: [UInt8], _ failure: SystemError?
    ) {
        isStoring = false
        if let failure {
            storeFailures &+= 1
            host.log(.error, failure.description + ": the change was refused")
            let isFull = failure.errno == .noSpace || failure.errno == .quotaExceeded
            let code: CompletionCode = isFull ? .outOfSpace : .unspecified
            _ = answer(token, [response[0], response[1], code.rawValue])
            return
        }
        model.state = state
        _ = answer(token, response)
        let run = Run(cause: cause + "\nFILE=" + file.path)
        // The file has the whole state: to say the same twice would tell nothing more.
        guard options.changed != nil, !runs.contains(where: { $0.cause.utf8.elementsEqual(run.cause.utf8) }) else {
            return
        }
        self.run(run)
    }

    // MARK: Actions

    /// kcsmuxd runs one list of an instance's actions at a time: the others wait here.
    private func run(_ run: Run) {
        guard runs.count < 16 else { return host.log(.error, "too many actions are waiting, some are dropped") }
        runs.append(run)
        runNext()
    }

    private func runNext() {
        guard !isRunning, !runs.isEmpty else { return }
        let run = runs.removeFirst()
        guard let list = run.request == nil ? options.changed : options.password else { return runNext() }
        isRunning = true
        let status = host.runActions(list, cause: "ipmi: " + run.cause, for: self) { handler, results in
            handler.ended(run, !results.isEmpty && results.allSatisfy { $0.outcome == .ok })
        }
        if status != .ok { ended(run, false) }
    }

    private func ended(_ run: Run, _ succeeded: Bool) {
        isRunning = false
        if let (token, response, isTest) = run.request {
            // 80: the password is another.
            let code: CompletionCode = isTest ? .commandSpecific80 : .unspecified
            _ = answer(token, succeeded ? response : [response[0], response[1], code.rawValue])
        }
        runNext()
    }
}
