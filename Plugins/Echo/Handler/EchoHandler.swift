// SPDX-License-Identifier: Apache-2.0
import PluginKit

/// Answers each data byte of the host CPU through ODR, exclusive-ored with a constant.
///
/// A host CPU that does not read its answers is held back: while one answer waits for ODR, further bytes stay in IDR, so
/// at most one has to be kept here, and nothing can be lost or change places.
public final class EchoHandler: Handler {
    private let mask: UInt8
    /// The answer that waits for ODR.
    private var waiting: UInt8?
    private var echoed: UInt64 = 0
    private var commands: UInt64 = 0
    private var delayed: UInt64 = 0

    /// The plugin.
    public static let plugin: Plugin = Plugin(
        name: "echo", version: "0.1.0", summary: "answers each data byte through ODR, exclusive-ored",
        inputs: [.automatic], needs: [.dataIn, .dataOut],
        options: [.byte("xor", default: "0", help: "what each byte is exclusive-ored with")],
        create: { plugin.create($0, $1, $2, $3) { EchoHandler(host: $0, options: $1) } })

    init(host: Host, options: OptionValue) {
        mask = options["xor"].byte
        super.init(host: host)
    }

    /// Bytes come as they are read.
    public override func start(_ info: StartInfo) throws(HandlerError) -> Input { .automatic }

    /// Answers at once, or when the host CPU has read the answer before.
    public override func data(_ value: UInt8, str: STR, now: UInt64) {
        guard !str.contains(.command) else {
            commands += 1
            return
        }
        note(host.writeODR(value ^ mask), value ^ mask)
    }

    /// The host CPU has read the answer before.
    public override func outputReady(str: STR, now: UInt64) {
        guard let value = waiting else { return }
        waiting = nil
        note(host.writeODR(value), value)
    }

    /// What was under way with the host CPU is of no use to it any more.
    public override func reset(now: UInt64) {
        waiting = nil
        host.wantOutput(.no)
    }

    /// What came of writing an answer.
    private func note(_ status: Host.Status, _ value: UInt8) {
        switch status {
        case .ok: echoed += 1
        case .busy:
            waiting = value
            delayed += 1
            host.wantOutput(.hold)
        default: host.fail("ODR could not be written")
        }
    }

    /// Bytes answered, bytes that had to wait for ODR, and command bytes, which have no answer.
    public override func stats(_ stats: Stats) {
        stats.count("echoed", echoed)
        stats.count("delayed", delayed)
        stats.count("commands_ignored", commands)
    }
}
