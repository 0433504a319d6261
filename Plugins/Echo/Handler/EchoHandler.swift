// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import PluginKit

/// Answers each data byte of the host CPU through ODR, exclusive-ored with a constant.
///
/// Input is manual: a byte stays in IDR until ODR is free for its answer. A host CPU that does not read its answers
/// finds IBF set and waits, so nothing has to be queued here, and nothing can be lost or change places.
public final class EchoHandler: Handler {
    private let mask: UInt8
    private var echoed: UInt64 = 0
    private var commands: UInt64 = 0
    private var delayed: UInt64 = 0

    /// An instance with the options of `describe`.
    public init(host: Host, options: OptionValue) {
        mask = options[0].byte
        super.init(host: host)
    }

    /// The plugin's descriptor.
    public static func describe() -> UnsafePointer<kcs_plugin> {
        Plugin.describe(
            name: "echo", version: "0.1.0", summary: "answers each data byte through ODR, exclusive-ored",
            inputs: [.manual], needs: [.dataIn, .dataOut, .status],
            options: [.byte("xor", default: "0", help: "what each byte is exclusive-ored with")],
            create: { host, channel, options, instance in
                Plugin.create(host, channel, options, instance) { host, options throws(HandlerError) in
                    EchoHandler(host: host, options: options)
                }
            })
    }

    /// Bytes wait in IDR until they are read.
    public override func start(_ info: StartInfo) throws(HandlerError) -> Input { .manual }

    /// Answers at once, or leaves the byte where it is.
    public override func inputReady(str: STR, now: UInt64) {
        guard str.contains(.obf) else { return answer() }
        delayed += 1
        host.wantOutput(true)
    }

    /// The host CPU has read the answer before.
    public override func outputReady(str: STR, now: UInt64) { answer() }

    /// Only with OBF clear. Nobody but this instance sets it, so the write that follows the read is not refused.
    private func answer() {
        guard let (value, str) = host.readIDR() else { return }
        guard !str.contains(.command) else {
            commands += 1
            return
        }
        guard host.writeODR(value ^ mask) == .ok else { return host.fail("ODR refused an answer while OBF was clear") }
        echoed += 1
    }

    /// Bytes answered, bytes that had to wait for ODR, and command bytes, which have no answer.
    public override func stats(_ stats: Stats) {
        stats.number("echoed", echoed)
        stats.number("delayed", delayed)
        stats.number("commands_ignored", commands)
    }
}
