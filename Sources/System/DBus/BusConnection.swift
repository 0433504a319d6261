// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: sd-bus's objects, with a `PendingCall` or the connection as the context of its callbacks. Both outlive the callback:
// a connection holds its calls, and gives up each slot of the library's before it lets go of one, or goes itself.
import CLinux

/// A connection to a message bus that never waits: its owner's loop waits for `descriptor` and `timeout`, and calls `process`.
///
/// All calls are on one thread, and callbacks come from inside of `process` only. They may make calls, but not let go of
/// the connection.
public final class BusConnection {
    /// The bus's own name, to which its methods belong.
    public static let bus = "org.freedesktop.DBus"
    /// The most messages of one `process`: the loop has others to serve.
    private static let mostMessages = 32

    private let library: SystemdLibrary
    private let handle: OpaquePointer
    private var filter: OpaquePointer?
    private var calls: [PendingCall] = []
    private let called: (BusEvent) -> BusAnswer
    private let signalled: (BusEvent) -> Void

    /// Begins to connect to the bus at `address`, which is one of D-Bus's: `unix:path=…`, alone. `called` answers calls to
    /// this connection; `signalled` hears of signals.
    public init(
        _ library: SystemdLibrary, address: String, called: @escaping (BusEvent) -> BusAnswer = { _ in .unknown },
        signalled: @escaping (BusEvent) -> Void = { _ in }
    ) throws(BusError) {
        // Another transport would start a program or ask for a name, and wait; of several the library would change its
        // descriptor on its way.
        guard Self.isLocal(address) else { throw BusError("\(address) is not the address of a local bus, unix:…") }
        self.library = library
        self.called = called
        self.signalled = signalled
        var pointer: OpaquePointer?
        let result = library.newBus(&pointer)
        guard result >= 0, let pointer else { throw BusError("sd_bus_new", result) }
        handle = pointer
        try check("sd_bus_set_address", address.withCString { library.setAddress(handle, $0) })
        try check("sd_bus_set_bus_client", library.setBusClient(handle, 1))
        try check(
            "sd_bus_add_filter",
            library.addFilter(
                handle, &filter,
                { message, context, _ in
                    guard let message, let context else { return 0 }
                    return Unmanaged<BusConnection>.fromOpaque(context).takeUnretainedValue().filter(message)
                }, Unmanaged.passUnretained(self).toOpaque()))
        try check(address, library.start(handle))
    }

    deinit {
        for call in calls { _ = call.slot.map { library.releaseSlot($0) } }
        _ = filter.map { library.releaseSlot($0) }
        library.close(handle)
        _ = library.releaseBus(handle)
    }

    /// Is it an address of one bus on this machine?
    public static func isLocal(_ address: String) -> Bool {
        address.utf8.starts(with: "unix:".utf8) && !address.utf8.contains(UInt8(ascii: ";"))
    }

    // MARK: The loop's side

    /// What the loop waits on. It is the library's, which may close it in `process`: watch a duplicate.
    public var descriptor: Int32 { library.descriptor(handle) }

    /// What it waits for.
    public var events: (input: Bool, output: Bool) {
        let events = library.events(handle)
        guard events >= 0 else { return (true, false) }
        return (events & Int32(POLLIN) != 0, events & Int32(POLLOUT) != 0)
    }

    /// When `process` is due whether or not the descriptor is ready, in nanoseconds of CLOCK_MONOTONIC; nil for never.
    public var timeout: UInt64? {
        var microseconds = UInt64.max
        guard library.timeout(handle, &microseconds) >= 0, microseconds < UInt64.max / 1000 else { return nil }
        return microseconds * 1000
    }

    /// Does what is due: reads, writes, calls back. An error: the connection is lost, and what was asked by it has failed.
    public func process() throws(BusError) {
        for _ in 0..<Self.mostMessages {
            let result = library.process(handle, nil)
            if result < 0 { throw BusError("the bus", result) }
            if result == 0 { return }
        }
    }

    // MARK: Calls

    /// Calls a method. `arguments` puts them in; `done` is told what came of it, at the latest after `limit` nanoseconds.
    /// A service that is not there is not started for it.
    public func call(
        _ destination: String, _ path: String, _ interface: String, _ member: String, limit: UInt64,
        _ arguments: (inout BusWriter) -> Void = { _ in }, done: @escaping (BusReply) -> Void
    ) throws(BusError) {
        var message: OpaquePointer?
        let result = destination.withCString { destination in
            path.withCString { path in
                interface.withCString { interface in
                    member.withCString { library.newCall(handle, &message, destination, path, interface, $0) }
                }
            }
        }
        guard result >= 0, let message else { throw BusError("a call", result) }
        defer { _ = library.releaseMessage(message) }
        var writer = BusWriter(library, message)
        arguments(&writer)
        try check("a call's arguments", writer.status)
        try check("a call", library.setAutoStart(message, 0))
        let call = PendingCall(self, done)
        let sent = library.callLater(
            handle, &call.slot, message,
            { message, context, _ in
                guard let message, let context else { return 0 }
                Unmanaged<PendingCall>.fromOpaque(context).takeUnretainedValue().answered(message)
                return 1
            }, Unmanaged.passUnretained(call).toOpaque(), max(limit / 1000, 1))
        guard sent >= 0 else {
            call.done = nil
            throw BusError("a call", sent)
        }
        calls.append(call)
    }

    /// How many calls have no answer yet.
    public var pendingCalls: Int { calls.count }

    fileprivate func finish(_ call: PendingCall, _ message: OpaquePointer) {
        calls.removeAll { $0 === call }
        _ = call.slot.map { library.releaseSlot($0) }
        let done = call.done
        call.done = nil
        done?(failure(message).map { .failure($0) } ?? .values(BusReader(library: library, message: message)))
    }

    private func failure(_ message: OpaquePointer) -> BusFailure? {
        // sd_bus_error: name, message.
        guard let error = library.error(message), let name = error[0] else { return nil }
        return BusFailure(String(cString: name), error[1].map { String(cString: $0) } ?? "")
    }

    // MARK: What comes from the bus

    private static let methodCall: UInt8 = 1
    private static let signal: UInt8 = 4

    private func filter(_ message: OpaquePointer) -> Int32 {
        var kind: UInt8 = 0
        guard library.kind(message, &kind) >= 0, kind == Self.methodCall || kind == Self.signal else { return 0 }
        let event = BusEvent(
            path: text(library.path(message)), interface: text(library.interface(message)),
            member: text(library.member(message)), sender: text(library.sender(message)),
            arguments: BusReader(library: library, message: message))
        if kind == Self.signal {
            signalled(event)
            return 0
        }
        return answer(message, called(event))
    }

    private func answer(_ message: OpaquePointer, _ answer: BusAnswer) -> Int32 {
        var reply: OpaquePointer?
        var status: Int32 = 0
        switch answer {
        case .unknown: return 0
        case .values(let fill):
            status = library.newReturn(message, &reply)
            if let reply {
                var writer = BusWriter(library, reply)
                fill(&writer)
                status = writer.status
            }
        case .failure(let failure):
            status = failure.name.withCString { name in
                failure.text.withCString { text in
                    // sd_bus_error: name, message, and that the library has nothing to free.
                    let words: [UnsafePointer<CChar>?] = [name, text, nil]
                    return words.withUnsafeBytes { library.newError(message, &reply, $0.baseAddress!) }
                }
            }
        }
        guard let reply else { return 0 }
        if status >= 0 { _ = library.send(handle, reply, nil) }
        _ = library.releaseMessage(reply)
        return status >= 0 ? 1 : 0
    }

    private func text(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "" }

    private func check(_ what: String, _ result: Int32) throws(BusError) {
        if result < 0 { throw BusError(what, result) }
    }
}

/// A call on its way. The library has its address.
private final class PendingCall {
    private let connection: Unmanaged<BusConnection>
    var slot: OpaquePointer?
    var done: ((BusReply) -> Void)?

    init(_ connection: BusConnection, _ done: @escaping (BusReply) -> Void) {
        self.connection = .passUnretained(connection)
        self.done = done
    }

    /// The connection holds this call: it is there.
    func answered(_ message: OpaquePointer) { connection.takeUnretainedValue().finish(self, message) }
}
