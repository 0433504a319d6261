// SPDX-License-Identifier: Apache-2.0
import DBus
import IPMIDBus
import LinuxIO
import PluginKit

/// A handler with a connection to the bus of its own: made again whenever it is lost, and waited for by kcsmuxd's loop.
/// Subclass it.
public class BusClient: Handler {
    /// The bus, while it is there, or seems to be.
    private(set) var connection: BusConnection?
    /// There is no library for it.
    private(set) var isImpossible = false
    private let address: String
    private var library: SystemdLibrary?
    private var backoff = Backoff(50_000_000, 3_200_000_000)
    private var hasComplained = false

    // A duplicate of the connection's descriptor: the library closes its own when it pleases.
    private var watched: FileDescriptor?
    private var watch: HandlerWatch?
    private var events: WatchEvents = []
    private var timer: HandlerTimer?
    private var retry: HandlerTimer?

    init(host: Host, address: String) {
        self.address = address
        super.init(host: host)
    }

    // MARK: What a subclass does

    /// There is a connection: makes the first calls.
    func greet(_ connection: BusConnection) throws(BusError) {}
    /// There is none any more, or was none.
    func isLost() {}
    /// Answers a call.
    func called(_ event: BusEvent) -> BusAnswer { .unknown }
    /// Hears of a signal.
    func signalled(_ event: BusEvent) {}

    /// The bus has answered the first calls.
    func isGreeted() {
        backoff.worked()
        hasComplained = false
    }

    // MARK: Life

    /// Reaches for the bus from here on.
    func open() throws(HandlerError) {
        timer = host.timer(for: self) { handler, _ in handler.process() }
        retry = host.timer(for: self) { handler, _ in handler.connect() }
        guard timer != nil, retry != nil else { throw HandlerError("no timer is left for D-Bus") }
        // Loading a library reads the disk.
        let status = host.work(for: self) {
            Self.load()
        } done: { handler, result in
            handler.loaded(result)
        }
        guard status == .ok else { throw HandlerError("the worker's queue is full, D-Bus cannot be loaded") }
    }

    /// Ends the connection, which would keep the handler for ever: it has it in its closures.
    func close() {
        disconnect()
        timer = nil
        retry = nil
    }

    private static func load() -> Result<SystemdLibrary, BusError> {
        do throws(BusError) { return .success(try SystemdLibrary.load()) } catch { return .failure(error) }
    }

    private func loaded(_ result: Result<SystemdLibrary, BusError>) {
        switch result {
        case .success(let library):
            self.library = library
            connect()
        case .failure(let error):
            isImpossible = true
            host.log(.error, error.text)
        }
    }

    private func connect() {
        guard let library, connection == nil else { return }
        do throws(BusError) {
            let connection = try BusConnection(
                library, address: address, called: { self.called($0) }, signalled: { self.signalled($0) })
            self.connection = connection
            let descriptor = try Self.duplicate(connection.descriptor)
            events = []
            let number = descriptor.raw
            watched = consume descriptor
            watch = host.watch(number, [], for: self) { handler, _, _ in handler.process() }
            guard watch != nil else { throw BusError("the descriptor of the bus cannot be watched") }
            try greet(connection)
        } catch { return lose(error) }
        settle()
    }

    private static func duplicate(_ descriptor: Int32) throws(BusError) -> FileDescriptor {
        do throws(SystemError) { return try Descriptors.duplicate(descriptor) } catch {
            throw BusError(error.description)
        }
    }

    private func disconnect() {
        watch?.close()
        watch = nil
        watched = nil
        timer?.cancel()
        connection = nil
    }

    private func lose(_ error: BusError) {
        disconnect()
        if !hasComplained { host.log(.warning, "\(address): \(error.text); the bus is tried again until it is there") }
        hasComplained = true
        isLost()
        retry?.set(host.now + .nanoseconds(backoff.failed()))
    }

    // MARK: The loop

    private func process() {
        guard let connection else { return }
        do throws(BusError) { try connection.process() } catch { return lose(error) }
        settle()
    }

    /// What the loop is to wait for, after a call was made.
    func settle() {
        guard let connection else { return }
        let (input, output) = connection.events
        var events: WatchEvents = input ? .read : []
        if output { events.insert(.write) }
        if events != self.events {
            self.events = events
            watch?.set(events)
        }
        if let deadline = connection.timeout { timer?.set(deadline) } else { timer?.cancel() }
    }
}
