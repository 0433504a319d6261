// SPDX-License-Identifier: Apache-2.0
//
// Echo in Embedded Swift, on the C header alone.
import CKCSPlugin

private struct Echo {
    let host: UnsafePointer<kcs_host>
    let channel: OpaquePointer
    let mask: UInt8
    var waiting: UInt8 = 0
    var echoed: UInt64 = 0
    var commands: UInt64 = 0

    mutating func answer(_ value: UInt8) {
        switch host.pointee.write_odr(channel, value) {
        case KCS_OK: echoed &+= 1
        case KCS_E_BUSY:
            waiting = value
            _ = host.pointee.want_output(channel, UInt32(KCS_OUTPUT_HOLD))
        default: break
        }
    }
}

private func text(_ literal: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
}

private func echo(_ instance: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Echo> {
    instance.unsafelyUnwrapped.assumingMemoryBound(to: Echo.self)
}

nonisolated(unsafe) private var options = kcs_option(
    key: nil, help: nil, default_yaml: nil, type: UInt32(KCS_OPTION_BYTE), flags: 0, minimum: 0, maximum: 0,
    choices: nil,
    children: nil, child_count: 0)

nonisolated(unsafe) private let plugin: UnsafeMutablePointer<kcs_plugin> = {
    let option = UnsafeMutablePointer<kcs_option>.allocate(capacity: 1)
    options.key = text("xor")
    options.default_yaml = text("0")
    option.initialize(to: options)
    let plugin = UnsafeMutablePointer<kcs_plugin>.allocate(capacity: 1)
    plugin.initialize(
        to: kcs_plugin(
            size: UInt32(MemoryLayout<kcs_plugin>.size), abi: UInt32(KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR),
            abi_needed: 0,
            inputs: 1 << UInt32(KCS_INPUT_AUTO), needs: UInt32(KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT),
            option_size: UInt32(MemoryLayout<kcs_option>.stride), name: text("echo-swift"), version: text("1"),
            summary: text("answers each data byte, exclusive-ored"), options: UnsafePointer(option), option_count: 1,
            requests: nil, request_count: 0, check: nil,
            create: { host, channel, options, instance in
                let mask = UInt8(truncatingIfNeeded: options.pointee.items.unsafelyUnwrapped[0].pointee.integer)
                let echo = UnsafeMutablePointer<Echo>.allocate(capacity: 1)
                echo.initialize(to: Echo(host: host, channel: channel, mask: mask))
                instance.pointee = UnsafeMutableRawPointer(echo)
                return KCS_OK
            },
            start: { _, _ in KCS_INPUT_AUTO }, stop: nil, destroy: { echo($0).deallocate() },
            data: { instance, value, str, _ in
                let echo = echo(instance)
                if str & UInt8(KCS_STR_CD) != 0 {
                    echo.pointee.commands &+= 1
                } else {
                    echo.pointee.answer(value ^ echo.pointee.mask)
                }
            }, input_ready: nil,
            output_ready: { instance, _, _ in echo(instance).pointee.answer(echo(instance).pointee.waiting) },
            message: nil,
            reset: nil,
            stats: { instance, stats in
                let echo = echo(instance)
                stats.pointee.number(stats.pointee.ctx, text("echoed"), echo.pointee.echoed)
                stats.pointee.number(stats.pointee.ctx, text("commands_ignored"), echo.pointee.commands)
            }))
    return plugin
}()

/// The one symbol that a plugin exports.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { UnsafePointer(plugin) }
