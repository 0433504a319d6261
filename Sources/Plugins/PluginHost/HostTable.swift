// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the C functions behind `struct kcs_host`. Each turns the opaque channel back into the instance, without
// reference counting, looks at its arguments, and calls the method of that name. Nothing else happens here.
import CKCSPlugin
import CLinux
import LinuxIO

/// The one function table that every plugin of this process gets.
enum HostTable {
    /// The table; it lives as long as the process. Unsafe in name only: nobody writes it once it is made.
    nonisolated(unsafe) static let pointer: UnsafePointer<kcs_host> = {
        let table = UnsafeMutablePointer<kcs_host>.allocate(capacity: 1)
        table.initialize(to: makeTable())
        return UnsafePointer(table)
    }()
}

private func makeTable() -> kcs_host {
    kcs_host(
        size: UInt32(MemoryLayout<kcs_host>.size), abi: Descriptor.hostABI, version: versionText,
        read_idr: { channel, value, str in
            instance(channel, "read_idr") {
                let result = $0.readIDR()
                value.pointee = result.value
                str.pointee = result.str
                return result.status
            }
        },
        read_str: { instance($0, "read_str") { $0.readSTR() } },
        write_odr: { channel, value in
            guard let instance = PluginChannel.instance(channel) else {
                return PluginChannel.refuse(channel, "write_odr")
            }
            return instance.writeODR(value)
        },
        write_str: { channel, mask, value in
            instance(channel, "write_str") {
                isWritable(mask) ? $0.writeSTR(mask: mask, value) : foreignBits($0, "write_str", mask)
            }
        },
        write_both: { channel, odr, mask, value in
            instance(channel, "write_both") {
                isWritable(mask) ? $0.write(odr: odr, mask: mask, value) : foreignBits($0, "write_both", mask)
            }
        },
        replace: { channel, odr, mask, value in
            instance(channel, "replace") {
                isWritable(mask) ? $0.replace(odr: odr, mask: mask, value) : foreignBits($0, "replace", mask)
            }
        },
        want_output: { channel, wish in
            instance(channel, "want_output") {
                wish <= UInt32(KCS_OUTPUT_HOLD)
                    ? $0.wantOutput(wish) : $0.misused("want_output() was asked for \(wish), which is no KCS_OUTPUT")
            }
        },
        reply: { channel, token, bytes, count in
            guard let instance = PluginChannel.instance(channel) else { return PluginChannel.refuse(channel, "reply") }
            guard bytes != nil || count == 0 else { return instance.misused("reply() of \(count) bytes has none") }
            return instance.reply(token, UnsafeRawBufferPointer(start: bytes, count: Int(clamping: count)))
        },
        set_attention: { channel, on in instance(channel, "set_attention") { $0.setAttention(on != 0) } },
        now: { channel in
            guard let instance = PluginChannel.instance(channel) else {
                // A time that is none would do more harm than the call.
                _ = PluginChannel.refuse(channel, "now")
                return Clock.monotonic
            }
            return instance.now()
        },
        timer_open: { channel, context, fire, timer in
            instance(channel, "timer_open") { number($0.openTimer(context, fire), timer) }
        },
        timer_set: { channel, timer, deadline in
            instance(channel, "timer_set") { $0.setTimer(timer, deadline) }
        },
        timer_close: { channel, timer in instance(channel, "timer_close") { $0.closeTimer(timer) } },
        watch_open: { channel, descriptor, events, context, ready, watch in
            instance(channel, "watch_open") { number($0.openWatch(descriptor, events, context, ready), watch) }
        },
        watch_set: { channel, watch, events in instance(channel, "watch_set") { $0.setWatch(watch, events) } },
        watch_close: { channel, watch in instance(channel, "watch_close") { $0.closeWatch(watch) } },
        socket: { channel, name, descriptor in
            instance(channel, "socket") {
                let result = $0.socket(String(cString: name))
                guard result >= 0 else { return result }
                descriptor.pointee = result
                return KCS_OK
            }
        },
        map_window: { channel, window in
            instance(channel, "map_window") {
                guard window.pointee.size >= Layout.window else {
                    return $0.misused("map_window() got a structure of \(window.pointee.size) bytes")
                }
                guard let memory = $0.mapWindow() else { return KCS_E_UNAVAILABLE }
                window.pointee.base = memory.baseAddress
                window.pointee.length = UInt64(memory.count)
                return KCS_OK
            }
        },
        run: { channel, arguments, timeout, context, done in
            instance(channel, "run") {
                guard let arguments = argumentStrings(arguments) else {
                    return $0.misused("run() got no arguments, or more than 256")
                }
                return $0.run(arguments, timeout: timeout, context, done)
            }
        },
        work: { channel, context, function, done in
            instance(channel, "work") { $0.work(context, function, done) }
        },
        post: { channel, context, function in
            guard let instance = PluginChannel.instanceOnAnyThread(channel) else {
                return PluginChannel.refuse(channel, "post")
            }
            return instance.post(context, function)
        },
        actions_run: { channel, actions, cause, context, done in
            instance(channel, "actions_run") {
                guard let list = $0.actions(actions) else {
                    return $0.misused("actions_run() got a value that is none of the instance's options of actions")
                }
                return $0.runActions(list, cause: String(cString: cause), context, done)
            }
        },
        annotate: { channel, kind, direction, linkType, bytes, count, text in
            instance(channel, "annotate") {
                guard bytes != nil || count == 0, count <= 1 << 20 else {
                    return $0.misused("annotate() of \(count) bytes, which are not there or more than 1 MiB")
                }
                return $0.annotate(
                    kind: kind, direction: direction, linkType: linkType,
                    UnsafeRawBufferPointer(start: bytes, count: Int(clamping: count)),
                    text: text.map { String(cString: $0) })
            }
        },
        dump: { channel, scope, context, done in
            instance(channel, "dump") { $0.dump(scope: scope, context, done) }
        },
        log: { channel, level, text in
            _ = instance(channel, "log") {
                $0.log(level: level, String(cString: text))
                return KCS_OK
            }
        },
        fail: { channel, text in
            _ = instance(channel, "fail") {
                $0.fail(String(cString: text))
                return KCS_OK
            }
        },
        pass: { channel, token, code in instance(channel, "pass") { $0.pass(token, code) } },
        abort: { channel in instance(channel, "abort") { $0.abortTransfer() } })
}

/// A literal's bytes: NUL-terminated, and they never move.
private var versionText: UnsafePointer<CChar> {
    UnsafeRawPointer(Version.literal.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// The hardware's own bits are not the handler's to write.
private func isWritable(_ mask: UInt8) -> Bool {
    mask & UInt8(KCS_STR_OBF | KCS_STR_IBF | KCS_STR_CD) == 0
}

private func number(_ result: Int32, _ place: UnsafeMutablePointer<UInt32>) -> Int32 {
    guard result >= 0 else { return result }
    place.pointee = UInt32(result)
    return KCS_OK
}

private func foreignBits(_ instance: HandlerInstance, _ call: StaticString, _ mask: UInt8) -> Int32 {
    instance.misused("\(call)() with mask 0x\(String(mask, radix: 16)) names bits of STR that belong to the hardware")
}

/// Serves a call for the instance behind a channel, if it is there and this is its thread.
private func instance(
    _ channel: OpaquePointer, _ call: StaticString, _ body: (HandlerInstance) -> Int32
) -> Int32 {
    guard let instance = PluginChannel.instance(channel) else { return PluginChannel.refuse(channel, call) }
    return body(instance)
}
