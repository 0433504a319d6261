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
    private let delay: Duration
    private let file: String?
    private let alarm: OptionValue

    private var started: UInt64 = 0
    private var requests: UInt64 = 0
    private var timer: HandlerTimer?
    /// What the timer answers.
    private var echo: (token: UInt64, data: [UInt8])?
    private var isSumming = false

    init(host: Host, options: OptionValue) {
        // Every declared option is there, checked, under its name.
        netFn = UInt8(options["net_fn"].integer)
        delay = options["delay"].duration
        file = options["file"].ifPresent?.path
        alarm = options["alarm"]
        super.init(host: host)
    }

    override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        started = host.now
        timer = host.timer(for: self) { handler, _ in handler.answerEcho() }
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
        case 0x03: return sumFile(token, command)
        case 0x04:
            host.annotate("the alarm is rung", direction: .input)
            let status = host.runActions(alarm, cause: "the host CPU rings", for: self) { handler, results in
                let failed = results.count { $0.outcome != .ok }
                handler.answer(token, command, 0x00, [UInt8(truncatingIfNeeded: failed)])
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

    private func answerEcho() {
        guard let (token, data) = echo else { return }
        echo = nil
        answer(token, 0x02, 0x00, data)
    }

    private func sumFile(_ token: UInt64, _ command: UInt8) -> Disposition {
        guard let file, !isSumming else {
            answer(token, command, file == nil ? 0xFF : 0xC0, [])
            return .handled
        }
        isSumming = true
        let status = host.work(for: self) {
            sum(of: file)  // on the worker's thread
        } done: { handler, sum in
            handler.isSumming = false
            if let sum {
                handler.answer(token, command, 0x00, [UInt8(truncatingIfNeeded: sum), UInt8(sum >> 8)])
            } else {
                handler.answer(token, command, 0xFF, [])
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

/// The sum of a file's bytes; nil if it cannot be read. For the worker's thread, where files may block.
private func sum(of path: String) -> UInt16? {
    guard let file = fopen(path, "rb") else { return nil }
    var sum: UInt16 = 0
    while case let byte = fgetc(file), byte != EOF { sum &+= UInt16(truncatingIfNeeded: byte) }
    fclose(file)
    return sum
}

private let plugin: Plugin = Plugin(
    name: "oem-swift", version: "0.1.0", summary: "four commands of one NetFn", inputs: [.messages], needs: .messages,
    options: [
        .integer("net_fn", 0x2E...0x3F, default: "0x30", help: "the NetFn that is answered"),
        .duration("delay", .zero ... .seconds(3), default: "100ms", help: "how long command 0x02 takes"),
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
    check: {
        // Pure: says what the declaration cannot. kcsmuxd adds file, line and column.
        plugin.check($0, $1) { options, report in
            let netFn = options["net_fn"]
            if netFn.integer % 2 != 0 { report.error(netFn, "net_fn must be even: the odd ones are for answers") }
        }
    },
    create: { plugin.create($0, $1, $2, $3) { OEM(host: $0, options: $1) } })

/// The only symbol that kcsmuxd looks for.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { plugin.descriptor }
