// SPDX-License-Identifier: Apache-2.0
import CLinux
import DBus
import LinuxIO

/// The bus, for a program that does one thing and may wait for it: who started the program keeps the time, and kills it.
final class Bus {
    /// What the program came to: nil, or why not.
    private var ending: Result<Void, BusError>?
    private var connection: BusConnection?
    /// Hears of signals.
    var signalled: (BusEvent) -> Void = { _ in }

    /// No answer takes longer than any action may.
    private static let longest: UInt64 = 86_400_000_000_000
    private static let systemBus = "unix:path=/run/dbus/system_bus_socket"

    /// Begins to connect.
    init() throws(BusError) {
        let address = CurrentProcess.environment("DBUS_SYSTEM_BUS_ADDRESS") ?? Self.systemBus
        connection = try BusConnection(
            try SystemdLibrary.load(), address: address, signalled: { [self] in signalled($0) })
    }

    /// It is done, or is not to be had.
    func end(_ failure: String? = nil) {
        if ending == nil { ending = failure.map { .failure(BusError($0)) } ?? .success(()) }
    }

    /// Calls a method; `done` is told the answer. A failure ends the program, unless `failed` knows what to do.
    func call(
        _ service: String, _ path: String, _ interface: String, _ method: String,
        _ arguments: (inout BusWriter) -> Void, failed: ((BusFailure) -> Void)? = nil,
        done: @escaping (BusReader) -> Void
    ) {
        guard let connection else { return }
        do throws(BusError) {
            try connection.call(service, path, interface, method, limit: Self.longest, arguments) { [self] reply in
                switch reply {
                case .values(let values): done(values)
                case .failure(let failure):
                    if let failed { failed(failure) } else { end(Self.words(service, method, failure)) }
                }
            }
        } catch { end(error.text) }
    }

    /// "xyz.openbmc_project.Dump.Manager CreateDump: QuotaExceeded: …"
    static func words(_ service: String, _ method: String, _ failure: BusFailure) -> String {
        "\(service) \(method): \(failure.name)" + (failure.text.isEmpty ? "" : ": " + failure.text)
    }

    /// Waits until it is done.
    func wait() throws(BusError) {
        defer { connection = nil }
        while ending == nil {
            guard let connection else { break }
            try connection.process()
            if ending != nil { break }
            let (input, output) = connection.events
            let events = Int16((input ? POLLIN : 0) | (output ? POLLOUT : 0))
            var requests = [pollfd(fd: connection.descriptor, events: events, revents: 0)]
            _ = Poll.wait(&requests, until: connection.timeout)
        }
        if case .failure(let error)? = ending { throw error }
    }
}
