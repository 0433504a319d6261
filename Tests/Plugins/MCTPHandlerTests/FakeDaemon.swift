// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: implements kcsmuxd's C function table; the channel pointer is this object, which outlives its instance.
import CKCSPlugin
import CLinux
import PluginTestSupport

@testable import MCTPHandler

/// kcsmuxd with one channel, as an instance of the plugin sees it: registers, messages, a window, timers and descriptors,
/// the latter watched with poll(2) whenever a test says `turn`.
final class FakeDaemon {
    typealias Ready = @convention(c) (UnsafeMutableRawPointer?, UInt32, UInt64) -> Void
    typealias Fire = @convention(c) (UnsafeMutableRawPointer?, UInt64) -> Void

    struct Watch {
        var descriptor: Int32
        var events: UInt32
        var context: UnsafeMutableRawPointer?
        var ready: Ready
    }

    let window = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    var hasWindow = true
    var capabilities = UInt32(KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT | KCS_CAP_STR | KCS_CAP_MESSAGES | KCS_CAP_WINDOW)
    var odr: UInt8?
    var status: UInt8 = 0
    var isOutputWanted = false
    var replies: [(token: UInt64, bytes: [UInt8])] = []
    var attention = false
    var records: [(linkType: UInt32, direction: UInt32, bytes: [UInt8])] = []
    var lines: [String] = []
    var passed: [String: Int32] = [:]
    var now: UInt64 = 1_000_000_000
    var timers: [Int: (context: UnsafeMutableRawPointer?, fire: Fire, deadline: UInt64)] = [:]
    var watches: [Int: Watch] = [:]
    private var next = 0
    private let table = UnsafeMutablePointer<kcs_host>.allocate(capacity: 1)
    private let plugin = MCTPHandler.plugin.descriptor.pointee
    private var instance: UnsafeMutableRawPointer?

    init(_ options: TestValue) {
        window.initializeMemory(as: UInt8.self, repeating: 0, count: 1 << 20)
        table.initialize(to: Self.makeTable())
        let channel = OpaquePointer(Unmanaged.passUnretained(self).toOpaque())
        let result = plugin.create(UnsafePointer(table), channel, options.make(), &instance)
        precondition(result == KCS_OK)
    }

    deinit {
        plugin.destroy(instance)
        window.deallocate()
        table.deallocate()
    }

    /// Options in the order of declaration.
    static func options(
        _ binding: String, name: String = "", path: String? = nil, mtu: Int64? = nil, hostEID: Int64? = nil,
        uuid: String? = nil, types: [Int64]? = nil, vendors: [TestValue]? = nil, perPeer: UInt64 = 262_144
    ) -> TestValue {
        .object([
            .enumeration(["astlpc", "dsp0254", "loopback"].firstIndex(of: binding)!, binding), .integer(8),
            hostEID.map { .integer($0) } ?? .absent, uuid.map { .string($0) } ?? .absent,
            mtu.map { .integer($0) } ?? .absent,
            .object([
                .string(name), path.map { .path($0) } ?? .absent,
                types.map { .list($0.map { .integer($0) }) } ?? .absent,
            ]), vendors.map { .list($0) } ?? .absent,
            .object([.duration(6_000_000_000), .size(perPeer), .size(1 << 20)]),
        ])
    }

    func start() -> Int32 {
        "fake".withCString { channel in
            "/nowhere".withCString { folder in
                var info = kcs_start(
                    size: UInt32(MemoryLayout<kcs_start>.size), capabilities: capabilities,
                    reason: UInt32(KCS_REASON_BOOT), stale_bytes: 0, channel: channel, state_folder: folder)
                return plugin.start(instance, &info)
            }
        }
    }

    func stop() { plugin.stop!(instance, UInt32(KCS_REASON_STOP)) }
    func reset() { plugin.reset!(instance, now) }
    func data(_ value: UInt8) { plugin.data!(instance, value, status, now) }

    func message(_ token: UInt64, _ bytes: [UInt8]) -> Int32 {
        plugin.message!(instance, token, bytes, UInt64(bytes.count), now)
    }

    /// The host CPU reads ODR.
    func read() -> UInt8? {
        defer {
            odr = nil
            if isOutputWanted {
                isOutputWanted = false
                plugin.output_ready!(instance, status, now)
            }
        }
        return odr
    }

    /// Tells of every descriptor that is ready, until none is.
    func turn() {
        for _ in 0..<1000 {
            var isBusy = false
            for (number, watch) in watches.sorted(by: { $0.key < $1.key }) where watches[number] != nil {
                var poll = pollfd(fd: watch.descriptor, events: 0, revents: 0)
                if watch.events & UInt32(KCS_WATCH_READ) != 0 { poll.events |= Int16(POLLIN) }
                if watch.events & UInt32(KCS_WATCH_WRITE) != 0 { poll.events |= Int16(POLLOUT) }
                guard CLinux.poll(&poll, 1, 0) > 0 else { continue }
                var events: UInt32 = 0
                if poll.revents & Int16(POLLIN) != 0 { events |= UInt32(KCS_WATCH_READ) }
                if poll.revents & Int16(POLLOUT) != 0 { events |= UInt32(KCS_WATCH_WRITE) }
                if poll.revents & Int16(POLLHUP | POLLERR) != 0 { events |= UInt32(KCS_WATCH_HANGUP) }
                isBusy = true
                watch.ready(watch.context, events, now)
            }
            if !isBusy { return }
        }
    }

    /// Lets time pass; timers that are due fire.
    func advance(_ nanoseconds: UInt64) {
        let end = now + nanoseconds
        while let due = timers.filter({ $0.value.deadline > 0 && $0.value.deadline <= end })
            .min(by: { $0.value.deadline < $1.value.deadline })
        {
            now = due.value.deadline
            timers[due.key]!.deadline = 0
            due.value.fire(due.value.context, now)
        }
        now = end
    }

    var stats: [String: UInt64] {
        final class Figures { var values: [String: UInt64] = [:] }
        let figures = Figures()
        var stats = kcs_stats(
            size: UInt32(MemoryLayout<kcs_stats>.size), reserved: 0,
            ctx: Unmanaged.passUnretained(figures).toOpaque(),
            number: { context, name, value in
                Unmanaged<Figures>.fromOpaque(context!).takeUnretainedValue().values[String(cString: name)] = value
            }, text: { _, _, _ in })
        plugin.stats!(instance, &stats)
        return figures.values
    }

    func number() -> Int {
        next += 1
        return next
    }
}

/// Free, because a C function cannot capture even a type.
private func fake(_ channel: OpaquePointer) -> FakeDaemon {
    Unmanaged<FakeDaemon>.fromOpaque(UnsafeRawPointer(channel)).takeUnretainedValue()
}

extension FakeDaemon {
    private static func makeTable() -> kcs_host {
        let version: StaticString = "fake"
        return kcs_host(
            size: UInt32(MemoryLayout<kcs_host>.size), abi: UInt32(KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR),
            version: UnsafeRawPointer(version.utf8Start).assumingMemoryBound(to: CChar.self),
            read_idr: { _, _, _ in KCS_E_UNAVAILABLE },
            read_str: { Int32(fake($0).status) },
            write_odr: { channel, odr in
                guard fake(channel).odr == nil else { return KCS_E_BUSY }
                fake(channel).odr = odr
                return KCS_OK
            },
            write_str: { channel, mask, value in
                fake(channel).status = fake(channel).status & ~mask | value & mask
                return KCS_OK
            },
            write_both: { channel, odr, mask, value in
                guard fake(channel).odr == nil else { return KCS_E_BUSY }
                fake(channel).status = fake(channel).status & ~mask | value & mask
                fake(channel).odr = odr
                return KCS_OK
            },
            replace: { channel, odr, mask, value in
                fake(channel).status = fake(channel).status & ~mask | value & mask
                fake(channel).odr = odr
                return KCS_OK
            },
            want_output: { channel, on in
                fake(channel).isOutputWanted = on != 0
                return KCS_OK
            },
            reply: { channel, token, bytes, count in
                fake(channel).replies.append(
                    (token, Array(UnsafeBufferPointer(start: bytes, count: Int(count)))))
                return KCS_OK
            },
            set_attention: { channel, on in
                fake(channel).attention = on != 0
                return KCS_OK
            },
            now: { fake($0).now },
            timer_open: { channel, context, fire, timer in
                let number = fake(channel).number()
                fake(channel).timers[number] = (context, fire, 0)
                timer.pointee = UInt32(number)
                return KCS_OK
            },
            timer_set: { channel, timer, deadline in
                fake(channel).timers[Int(timer)]!.deadline = deadline
                return KCS_OK
            },
            timer_close: { channel, timer in
                fake(channel).timers[Int(timer)] = nil
                return KCS_OK
            },
            watch_open: { channel, descriptor, events, context, ready, watch in
                let number = fake(channel).number()
                fake(channel).watches[number] = Watch(
                    descriptor: descriptor, events: events, context: context, ready: ready)
                watch.pointee = UInt32(number)
                return KCS_OK
            },
            watch_set: { channel, watch, events in
                fake(channel).watches[Int(watch)]!.events = events
                return KCS_OK
            },
            watch_close: { channel, watch in
                fake(channel).watches[Int(watch)] = nil
                return KCS_OK
            },
            socket: { channel, name, descriptor in
                guard let passed = fake(channel).passed[String(cString: name)] else { return KCS_E_UNAVAILABLE }
                descriptor.pointee = passed
                return KCS_OK
            },
            map_window: { channel, window in
                guard fake(channel).hasWindow else { return KCS_E_UNAVAILABLE }
                window.pointee.base = fake(channel).window
                window.pointee.length = 1 << 20
                return KCS_OK
            },
            run: { _, _, _, _, _ in KCS_E_UNAVAILABLE },
            work: { _, _, _, _ in KCS_E_UNAVAILABLE },
            post: { _, _, _ in KCS_E_UNAVAILABLE },
            actions_run: { _, _, _, _, _ in KCS_E_UNAVAILABLE },
            annotate: { channel, _, direction, linkType, bytes, count, _ in
                fake(channel).records.append(
                    (linkType, direction, Array(UnsafeBufferPointer(start: bytes, count: Int(count)))))
                return KCS_OK
            },
            dump: { _, _, _, _ in KCS_E_UNAVAILABLE },
            log: { fake($0).lines.append(String(cString: $2)) },
            fail: { fake($0).lines.append(String(cString: $1)) })
    }
}
