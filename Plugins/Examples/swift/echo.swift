// SPDX-License-Identifier: Apache-2.0
//
// The smallest useful handler of bytes: answers each data byte of the host CPU through ODR, exclusive-ored with an option.
//
//     swiftc -parse-as-library -wmo -Osize -enable-experimental-feature Embedded -module-name echo -emit-library \
//         $(pkg-config --cflags kcsmux-plugin) echo.swift $(pkg-config --variable=pluginkit kcsmux-plugin)/*.swift \
//         -o libkcs-echo-swift.so
import CKCSPlugin

/// One for each place in kcsmuxd's file that names the plugin.
final class Echo: Handler {
    private let mask: UInt8
    /// The answer that waits for ODR.
    private var waiting: UInt8?
    private var echoed: UInt64 = 0
    private var commands: UInt64 = 0

    init(host: Host, options: OptionValue) {
        // kcsmuxd has checked the options against the declaration below: they are all there, and within range.
        mask = options["xor"].byte
        super.init(host: host)
    }

    override func start(_ info: StartInfo) throws(HandlerError) -> Input { .automatic }

    override func data(_ value: UInt8, str: STR, now: UInt64) {
        if str.contains(.command) { commands += 1 } else { answer(value ^ mask) }
    }

    private func answer(_ value: UInt8) {
        switch host.writeODR(value) {
        case .ok: echoed += 1
        case .busy:
            // The host CPU has not read the answer before. Until it does, further bytes stay in IDR: one is all to keep.
            waiting = value
            host.wantOutput(.hold)
        default: host.fail("ODR could not be written")
        }
    }

    override func outputReady(str: STR, now: UInt64) {
        guard let value = waiting else { return }
        waiting = nil
        answer(value)
    }

    override func stats(_ stats: Stats) {
        stats.number("echoed", echoed)
        stats.number("commands_ignored", commands)
    }
}

private let plugin: Plugin = Plugin(
    name: "echo-swift", version: "0.1.0", summary: "answers each data byte through ODR, exclusive-ored",
    inputs: [.automatic], needs: [.dataIn, .dataOut],
    options: [.byte("xor", default: "0", help: "what each byte is exclusive-ored with")],
    create: { plugin.create($0, $1, $2, $3) { Echo(host: $0, options: $1) } })

/// The only symbol that kcsmuxd looks for.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { plugin.descriptor }
