// SPDX-License-Identifier: Apache-2.0
//
// A handler of messages, in one file: four commands of one NetFn, each answered in another way.
//
//     swiftc -parse-as-library -wmo -Osize -enable-experimental-feature Embedded -module-name oem -emit-library \
//         -import-objc-header libc.h $(pkg-config --cflags kcsmux-plugin) oem.swift \
//         $(pkg-config --variable=pluginkit kcsmux-plugin)/*.swift -o libkcs-oem-swift.so
//
//     command  data   answer, behind NetFn/LUN and command
//     0x01     -      completion code, seconds since the start in four bytes, least significant first: at once
//     0x02     any    completion code and the same data, after the option `delay`: a timer
//     0x03     -      completion code, the sum of the file's bytes in two bytes: the worker thread reads the file
//     0x04     -      completion code, how many actions failed: kcsmuxd runs the option `alarm`
import CKCSPlugin

final class OEM: Handler {
    private let netFn: UInt8
    private let delay: UInt64
    private let file: String?
    private let alarm: OptionValue

    private var started: UInt64 = 0
    private var requests: UInt64 = 0
    private var timer: HandlerTimer?
    /// What the timer answers.
    private var echo: (token: UInt64, data: [UInt8])?
    private var isSumming = false

    init(host: Host, options: OptionValue) {
        // One value for each declared option, in that order, all checked.
        netFn = UInt8(options[0].integer)
        delay = options[1].duration
        file = options[2].isAbsent ? nil : options[2].string
        alarm = options[3]
        super.init(host: host)
    }

    override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        started = host.now
        // The handler holds the timer, and so the closure: a counted reference back would keep both for ever.
        timer = makeTimer { [unowned(unsafe) self] _ in echoIsDue() }
        return .messages
    }

    override func stop(_ reason: Reason) { timer = nil }

    override func message(_ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64) -> Disposition {
        guard bytes[0] >> 2 == netFn else { return .declined }
        requests += 1
        let command = bytes[1]
        switch command {
        case 0x01:
            let seconds = UInt32(truncatingIfNeeded: (now - started) / 1_000_000_000)
            answer(token, command, 0x00, (0..<4).map { UInt8(truncatingIfNeeded: seconds >> (8 * $0)) })
            return .handled
        case 0x02:
            echo = (token, Array(bytes[2...]))
            timer?.set(now + delay)
            return .pending
        case 0x03: return sum(token, command)
        case 0x04:
            host.annotate("the alarm is rung", direction: .input)
            let status = runActions(alarm, cause: "the host CPU rings") { [unowned(unsafe) self] results in
                let failed = results.count { $0.outcome != .ok }
                answer(token, command, 0x00, [UInt8(truncatingIfNeeded: failed)])
            }
            if status == .ok { return .pending }
            answer(token, command, 0xC0, [])
            return .handled
        default:
            answer(token, command, 0xC1, [])
            return .handled
        }
    }

    /// NetFn of the answer, command, completion code, data. `.stale` is nobody's mistake: the host CPU gave up meanwhile.
    private func answer(_ token: UInt64, _ command: UInt8, _ code: UInt8, _ data: [UInt8]) {
        let bytes = [(netFn | 1) << 2, command, code] + data
        bytes.withUnsafeBytes { _ = host.reply(token, $0) }
    }

    private func echoIsDue() {
        guard let (token, data) = echo else { return }
        echo = nil
        answer(token, 0x02, 0x00, data)
    }

    private func sum(_ token: UInt64, _ command: UInt8) -> Disposition {
        guard let file, !isSumming else {
            answer(token, command, file == nil ? 0xFF : 0xC0, [])
            return .handled
        }
        // The worker writes it, and the loop reads it after `done`.
        let result = Sum()
        isSumming = true
        let status = work({ result.add(file) }) { [unowned(unsafe) self] in
            isSumming = false
            if result.isThere {
                answer(token, command, 0x00, [UInt8(truncatingIfNeeded: result.value), UInt8(result.value >> 8)])
            } else {
                answer(token, command, 0xFF, [])
            }
        }
        if status == .ok { return .pending }
        isSumming = false
        answer(token, command, 0xC0, [])
        return .handled
    }

    override func reset(now: UInt64) {
        echo = nil
        timer?.cancel()
    }

    override func stats(_ stats: Stats) { stats.number("requests", requests) }
}

/// The sum of a file's bytes. On the worker's thread, where files may block.
private final class Sum {
    var value: UInt16 = 0
    var isThere = false

    func add(_ path: String) {
        guard let file = fopen(path, "rb") else { return }
        while case let byte = fgetc(file), byte != EOF { value &+= UInt16(truncatingIfNeeded: byte) }
        isThere = true
        fclose(file)
    }
}

nonisolated(unsafe) private let descriptor = Plugin.describe(
    name: "oem-swift", version: "0.1.0", summary: "four commands of one NetFn", inputs: [.messages], needs: .messages,
    options: [
        .integer("net_fn", 0x2E...0x3F, default: "0x30", help: "the NetFn that is answered"),
        .duration("delay", 0...3_000_000_000, default: "100ms", help: "how long command 0x02 takes"),
        .path("file", help: "what command 0x03 reads"),
        .actions("alarm", default: "[{log: \"the alarm of the host CPU\"}]", help: "what command 0x04 does"),
    ],
    // Lets kcsmuxd see where these requests end before the host CPU says so.
    requests: [
        kcs_request_length(net_fn: 0x30, command: 0x01, shortest: 2, longest: 2, reserved: 0),
        kcs_request_length(net_fn: 0x30, command: 0x02, shortest: 2, longest: 66, reserved: 0),
        kcs_request_length(net_fn: 0x30, command: 0x03, shortest: 2, longest: 2, reserved: 0),
        kcs_request_length(net_fn: 0x30, command: 0x04, shortest: 2, longest: 2, reserved: 0),
    ],
    check: { options, report in
        // Pure: says what the declaration cannot. kcsmuxd adds file, line and column.
        Plugin.check(options, report) { options, report in
            if options[0].integer % 2 != 0 {
                report.error(options[0], "net_fn must be even: the odd ones are for answers")
            }
        }
    },
    create: { host, channel, options, instance in
        Plugin.create(host, channel, options, instance) { host, options throws(HandlerError) in
            OEM(host: host, options: options)
        }
    })

/// The only symbol that kcsmuxd looks for.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { descriptor }
