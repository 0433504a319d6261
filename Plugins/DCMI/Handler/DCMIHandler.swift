// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import DCMI
import IPMI
import LinuxIO
import NumberFiles
import PluginKit

/// Drives a `DCMIController` with what kcsmuxd offers, beside a handler that has the commands of IPMI.
public final class DCMIHandler: Handler {
    private let options: DCMIOptions
    private var controller: DCMIController
    private var files = TextFiles(folder: "")
    private var readers: NumberReaders?
    private var timer: HandlerTimer?
    // The texts have been read.
    private var isLoaded = false
    // A request that came before that.
    private var early: (token: UInt64, bytes: [UInt8])?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    private var messages: UInt64 = 0
    private var storeFailures: UInt64 = 0

    /// The plugin.
    public static let plugin: Plugin = Plugin(
        name: "dcmi", version: "0.1.0", summary: "data center manageability: power, temperatures, asset tag (DCMI 1.5)",
        inputs: [.messages], needs: .messages, options: DCMIOptions.declarations, requests: requests,
        commands: commands,
        create: { plugin.create($0, $1, $2, $3) { DCMIHandler(host: $0, options: DCMIOptions($1)) } })

    init(host: Host, options: DCMIOptions) {
        self.options = options
        controller = DCMIController(options.configuration)
        super.init(host: host)
    }

    deinit { buffer.deallocate() }

    public override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        let files = TextFiles(folder: info.stateFolder)
        self.files = files
        let status = host.work(for: self) {
            Texts(files)
        } done: { handler, texts in
            handler.loaded(texts)
        }
        guard status == .ok else {
            throw HandlerError("the worker's queue is full, the files of dcmi cannot be read")
        }
        guard !options.files.isEmpty else { return .messages }
        timer = host.timer(for: self) { handler, now in handler.readAll(now) }
        startReaders()
        readAll(host.now)
        return .messages
    }

    public override func stop(_ reason: Reason) {
        readers?.stop()
        readers = nil
        timer = nil
    }

    public override func reset(now: UInt64) { controller.hostReset() }

    /// Figures, and the power of which a host would be told.
    public override func stats(_ stats: Stats) {
        stats.count("messages", messages)
        stats.count("store_failures", storeFailures)
        stats.count("writes_refused", controller.refused)
        if let watts = controller.power.present { stats.gauge("watts", UInt64(watts), unit: "watts") }
    }

    // MARK: Readings

    private func startReaders() {
        let (host, poster) = (host, host.poster(for: self))
        readers = NumberReaders(options.files) {
            host.log(.warning, $0)
        } start: {
            NumberReader.start($0) { place, value in
                poster.post { handler in
                    handler.readers?.ended(place, value, now: handler.host.now)
                    handler.take(place, value)
                }
            }
        }
    }

    private func readAll(_ now: UInt64) {
        for place in readers?.tick(now: now) ?? [] { take(place, nil) }
        for place in options.files.indices where readers?.read(place) != true { take(place, nil) }
        timer?.set(now + options.interval)
    }

    private func take(_ place: Int, _ value: Int64?) {
        let hasPower = options.configuration.hasPower
        if hasPower && place == 0 {
            controller.takePower(value, now: host.now)
        } else {
            controller.takeTemperature(hasPower ? place - 1 : place, value)
        }
    }

    // MARK: Messages

    public override func message(
        _ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64
    ) -> PluginKit.Disposition {
        guard let request = Request(bytes) else { return .declined }
        if !isLoaded, request.netFn == .groupExtension, request.count > 0, request[0] == DCMICommand.group {
            // There is one request at a time: the host CPU has given up that before.
            early = (token, request.message)
            return .pending
        }
        messages &+= 1
        var response = Response(buffer)
        switch controller.message(request, &response, at: Moment(now: now, seconds: Clock.real / 1_000_000_000)) {
        case .declined:
            messages &-= 1
            return .declined
        case .reply:
            response.message.withUnsafeBytes { _ = host.reply(token, $0) }
            return .handled
        case .store(let change):
            store(change, token, response.message)
            return .pending
        }
    }

    private func store(_ change: TextChange, _ token: UInt64, _ response: [UInt8]) {
        let files = files
        let status = host.work(for: self) {
            DCMIHandler.failure { () throws(SystemError) in try files.write(change) }
        } done: { handler, failure in
            handler.stored(change, token, response, failure)
        }
        if status != .ok { stored(change, token, response, SystemError(.wouldBlock, "queue", files.path(change.text))) }
    }

    private func stored(_ change: TextChange, _ token: UInt64, _ response: [UInt8], _ failure: SystemError?) {
        controller.stored(change, succeeded: failure == nil)
        var response = response
        if let failure {
            storeFailures &+= 1
            host.log(.error, failure.description + ": the change was refused")
            let isFull = failure.errno == .noSpace || failure.errno == .quotaExceeded
            response = [response[0], response[1], (isFull ? CompletionCode.outOfSpace : .unspecified).rawValue]
        }
        response.withUnsafeBytes { _ = host.reply(token, $0) }
    }

    private static func failure(_ body: () throws(SystemError) -> Void) -> SystemError? {
        do { try body() } catch { return error }
        return nil
    }

    // MARK: Texts

    /// What the files hold, read on the worker's thread.
    private struct Texts {
        var stored: [(text: StoredText, bytes: [UInt8]?)] = []
        var hostName: [UInt8] = []
        var problems: [String] = []

        init(_ files: TextFiles) {
            for text in StoredText.allCases {
                do throws(SystemError) { stored.append((text, try files.read(text))) } catch {
                    problems.append(error.description)
                }
            }
            let name = (try? Syscalls.readFile("/proc/sys/kernel/hostname", limit: 256)) ?? []
            hostName = [UInt8](name.prefix { $0 != 0x0A })
        }
    }

    private func loaded(_ texts: Texts) {
        for problem in texts.problems { host.log(.warning, problem) }
        controller.load(.assetTag, [UInt8](options.assetTag.utf8))
        controller.load(.controllerID, options.controllerID.map { [UInt8]($0.utf8) } ?? texts.hostName)
        for case (let text, let bytes?) in texts.stored { controller.load(text, bytes) }
        isLoaded = true
        guard let (token, bytes) = early else { return }
        early = nil
        guard bytes.withUnsafeBytes({ message(token, $0, now: host.now) }) == .declined else { return }
        // Too late to decline: the answer that the channel would have given.
        let answer = [bytes[0] | 0x04, bytes[1], CompletionCode.invalidCommand.rawValue]
        answer.withUnsafeBytes { _ = host.reply(token, $0) }
    }
}

extension DCMIHandler {
    /// The lengths of the commands' requests, with NetFn and command byte.
    private static var requests: [kcs_request_length] {
        var requests: [kcs_request_length] = []
        for command in DCMICommand.allCases {
            requests.append(
                kcs_request_length(
                    net_fn: NetFn.groupExtension.rawValue, command: command.rawValue,
                    shortest: UInt16(command.length.lowerBound) + 2, longest: UInt16(command.length.upperBound) + 2,
                    reserved: 0))
        }
        return requests
    }

    private static var commands: [kcs_command] {
        var commands: [kcs_command] = []
        for command in DCMICommand.allCases {
            var entry = kcs_command()
            entry.net_fn = NetFn.groupExtension.rawValue
            entry.command = command.rawValue
            entry.body = DCMICommand.group
            entry.set(codes: command.codes)
            commands.append(entry)
        }
        return commands
    }
}
