// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the C functions behind kcsmuxd's table; each finds the `FakeDaemon` that is its channel.
import CKCSPlugin

/// Free, because a C function cannot capture even a type.
private func fake(_ channel: OpaquePointer) -> FakeDaemon {
    Unmanaged<FakeDaemon>.fromOpaque(UnsafeRawPointer(channel)).takeUnretainedValue()
}

private func bytes(_ start: UnsafePointer<UInt8>?, _ count: UInt64) -> [UInt8] {
    Array(UnsafeBufferPointer(start: start, count: Int(count)))
}

extension FakeDaemon {
    static func makeTable() -> kcs_host {
        let version: StaticString = "fake"
        return kcs_host(
            size: UInt32(MemoryLayout<kcs_host>.size), abi: KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR,
            version: UnsafeRawPointer(version.utf8Start).assumingMemoryBound(to: CChar.self),
            read_idr: { fake($0).readIDR($1, $2) },
            read_str: { fake($0).readSTR() },
            write_odr: { fake($0).writeODR($1) },
            write_str: { fake($0).writeSTR(mask: $1, $2) },
            write_both: { fake($0).write(odr: $1, mask: $2, $3) },
            replace: { channel, odr, mask, value in
                fake(channel).odr = nil
                return fake(channel).write(odr: odr, mask: mask, value)
            },
            want_output: { fake($0).wantOutput($1) },
            reply: { fake($0).reply($1, bytes($2, $3)) },
            set_attention: { channel, on in
                fake(channel).attention = on != 0
                return KCS_OK
            },
            now: { fake($0).now },
            timer_open: { channel, context, fire, timer in
                timer.pointee = fake(channel).openTimer(context, fire)
                return KCS_OK
            },
            timer_set: { fake($0).setTimer($1, $2) },
            timer_close: { fake($0).closeTimer($1) },
            watch_open: { channel, descriptor, events, context, ready, watch in
                watch.pointee = fake(channel).openWatch(descriptor, events, context, ready)
                return KCS_OK
            },
            watch_set: { fake($0).setWatch($1, $2) },
            watch_close: { fake($0).closeWatch($1) },
            socket: { channel, name, descriptor in
                guard let passed = fake(channel).sockets[String(cString: name)] else { return KCS_E_UNAVAILABLE }
                descriptor.pointee = passed
                return KCS_OK
            },
            map_window: { channel, window in
                guard let memory = fake(channel).window else { return KCS_E_UNAVAILABLE }
                window.pointee.base = memory.baseAddress
                window.pointee.length = UInt64(memory.count)
                return KCS_OK
            },
            run: { channel, argv, timeout, context, done in
                var arguments: [String] = []
                while let argument = argv[arguments.count] { arguments.append(String(cString: argument)) }
                return fake(channel).run(arguments, timeout: timeout, ProgramRun(context: context, done: done))
            },
            work: { fake($0).work(Work(context: $1, function: $2, done: $3)) },
            post: { fake($0).post(Post(context: $1, function: $2)) },
            actions_run: {
                fake($0).runActions($1, cause: String(cString: $2), Actions(context: $3, done: $4))
            },
            annotate: { channel, kind, direction, linkType, start, count, text in
                if kind == KCS_ANNOTATE_PACKET {
                    fake(channel).packets.append((linkType, direction, bytes(start, count)))
                } else {
                    fake(channel).annotations.append(text.map { String(cString: $0) } ?? "")
                }
                return KCS_OK
            },
            dump: { channel, _, context, done in
                fake(channel).dump = Dump(context: context, done: done)
                return KCS_OK
            },
            log: { fake($0).lines.append(Line(level: $1, text: String(cString: $2))) },
            fail: { fake($0).failures.append(String(cString: $1)) },
            pass: { fake($0).pass($1, $2) },
            abort: { channel in
                fake(channel).aborts += 1
                return KCS_OK
            })
    }
}
