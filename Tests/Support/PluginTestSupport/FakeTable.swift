// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// Free, because a C function cannot capture even a type.
private func fake(_ channel: OpaquePointer) -> FakeHost {
    Unmanaged<FakeHost>.fromOpaque(UnsafeRawPointer(channel)).takeUnretainedValue()
}

extension FakeHost {
    static func makeTable() -> kcs_host {
        kcs_host(
            size: UInt32(MemoryLayout<kcs_host>.size), abi: UInt32(KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR),
            version: version,
            read_idr: { fake($0).readIDR($1, $2) },
            read_str: { channel in
                fake(channel).registerCalls += 1
                return Int32(fake(channel).str)
            },
            write_odr: { fake($0).writeODR($1) },
            write_str: { _, _, _ in KCS_E_UNAVAILABLE },
            write_both: { channel, odr, _, _ in fake(channel).writeODR(odr) },
            replace: { channel, odr, _, _ in
                fake(channel).odr = nil
                return fake(channel).writeODR(odr)
            },
            want_output: { channel, wish in
                fake(channel).isOutputWanted = wish != UInt32(KCS_OUTPUT_NO)
                fake(channel).isInputHeld = wish == UInt32(KCS_OUTPUT_HOLD)
                fake(channel).turn()
                return KCS_OK
            },
            reply: { fake($0).reply($1, UnsafeBufferPointer(start: $2, count: Int($3))) },
            set_attention: { channel, on in
                fake(channel).attention = on != 0
                return KCS_OK
            },
            now: { fake($0).now },
            timer_open: { channel, context, fire, timer in
                fake(channel).timers.append(FakeHost.Timer(context: context, fire: fire))
                timer.pointee = UInt32(fake(channel).timers.count - 1)
                return KCS_OK
            },
            timer_set: { channel, timer, deadline in
                guard fake(channel).timers.indices.contains(Int(timer)) else { return KCS_E_INVALID }
                fake(channel).timers[Int(timer)].deadline = deadline
                return KCS_OK
            },
            timer_close: { channel, timer in
                guard fake(channel).timers.indices.contains(Int(timer)) else { return KCS_E_INVALID }
                fake(channel).timers[Int(timer)].isOpen = false
                return KCS_OK
            },
            watch_open: { _, _, _, _, _, _ in KCS_E_UNAVAILABLE },
            watch_set: { _, _, _ in KCS_E_UNAVAILABLE },
            watch_close: { _, _ in KCS_E_UNAVAILABLE },
            socket: { _, _, _ in KCS_E_UNAVAILABLE },
            map_window: { _, _ in KCS_E_UNAVAILABLE },
            run: { _, _, _, _, _ in KCS_E_UNAVAILABLE },
            work: { channel, context, function, done in
                if let status = fake(channel).workStatus { return status }
                fake(channel).works.append(FakeHost.Work(context: context, function: function, done: done))
                return KCS_OK
            },
            post: { _, _, _ in KCS_E_UNAVAILABLE },
            actions_run: { fake($0).runActions($1, String(cString: $2), FakeHost.Run(context: $3, done: $4)) },
            annotate: { channel, _, _, _, _, _, text in
                fake(channel).annotations.append(text.map { String(cString: $0) } ?? "")
                return KCS_OK
            },
            dump: { _, _, _, _ in KCS_E_UNAVAILABLE },
            log: { fake($0).lines.append(FakeHost.Line(level: $1, text: String(cString: $2))) },
            fail: { fake($0).failures.append(String(cString: $1)) })
    }

    private static var version: UnsafePointer<CChar> {
        let text: StaticString = "fake"
        return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private func readIDR(_ value: UnsafeMutablePointer<UInt8>, _ str: UnsafeMutablePointer<UInt8>) -> Int32 {
        registerCalls += 1
        guard input == KCS_INPUT_MANUAL else {
            misuses.append("read_idr without manual input")
            return KCS_E_INVALID
        }
        guard !queue.isEmpty else { return KCS_E_EMPTY }
        str.pointee = self.str
        value.pointee = queue.removeFirst().value
        isInputTold = false
        return KCS_OK
    }

    private func reply(_ token: UInt64, _ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        if isStopped { misuses.append("reply after stop") }
        if replies.contains(where: { $0.token == token }) { misuses.append("request \(token) answered twice") }
        if let replyStatus { return replyStatus }
        replies.append((token, Array(bytes)))
        return KCS_OK
    }

    private func writeODR(_ value: UInt8) -> Int32 {
        registerCalls += 1
        if let writeStatus { return writeStatus }
        guard odr == nil else { return KCS_E_BUSY }
        odr = value
        return KCS_OK
    }

    private func runActions(_ actions: UnsafePointer<kcs_value>, _ cause: String, _ run: Run) -> Int32 {
        if actions.pointee.type != UInt32(KCS_OPTION_ACTIONS) { misuses.append("actions_run on another option") }
        if let runStatus { return runStatus }
        guard running == nil else { return KCS_E_BUSY }
        runs.append(cause)
        running = run
        return KCS_OK
    }
}
