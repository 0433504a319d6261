// SPDX-License-Identifier: Apache-2.0
import CLinux
import JSON
import LinuxIO
import Schema

/// A connection to the daemon: one line there, one line back.
final class Connection {
    private let socket: FileDescriptor
    private let path: String
    private var received: [UInt8] = []
    /// The channel that the last request named.
    private var asked: String?

    /// Where a daemon is when the command line does not say.
    static var usualPath: String { CurrentProcess.environment("KCSCTL_SOCKET") ?? "/run/kcsmux/control.sock" }
    /// A daemon with thousands of channels has much to say.
    private static let answerLimits = JSONLimits(bytes: 64 << 20, depth: 16, members: 512)

    init(_ path: String) throws(Failure) {
        self.path = path
        do throws(SystemError) { socket = try UnixSocket.stream(blocking: true) } catch {
            throw Failure(.io, error.description)
        }
        if case .failure(let errno) = UnixSocket.connect(socket.raw, path, abstract: false) {
            switch errno {
            case .noSuchFile: throw Failure(.unavailable, "no daemon: there is no \(path); is kcsmuxd running?")
            case .connectionRefused:
                throw Failure(.unavailable, "no daemon: nobody listens on \(path); its kcsmuxd has died")
            case .permissionDenied, .notPermitted:
                throw Failure(.noPermission, "no permission to use \(path); ask for its group, or be root")
            default: throw Failure(.unavailable, "no daemon: \(path): \(errno.description)")
            }
        }
    }

    /// Sends a request and returns the result. An error object of the daemon is a failure.
    func request(_ members: [JSONMember]) throws(Failure) -> JSONValue {
        try send(members)
        return try answer()
    }

    /// Sends a request.
    func send(_ members: [JSONMember]) throws(Failure) {
        asked = members.first { $0.name.is("channel") }?.value.text
        let line = JSONValue.object(members).line
        var rest = line[...]
        while !rest.isEmpty {
            let result = rest.withUnsafeBytes { bytes in
                UnixSocket.send(socket.raw, bytes)
            }
            switch result {
            case .success(let count): rest = rest.dropFirst(count)
            // What refused the connection may have said why.
            case .failure(.brokenPipe): return
            case .failure(let errno): throw Failure(.io, "\(path): \(errno.description)")
            }
        }
    }

    /// What to wait on until there is something to read.
    var descriptor: Int32 { socket.raw }
    /// Has something come that was not taken yet?
    var hasBytes: Bool { !received.isEmpty }

    /// Takes what has come: the result of the request that was sent first, once it is whole.
    func advance() throws(Failure) -> JSONValue? {
        guard let more = try read() else { throw ended }
        let searched = received.count
        received.append(contentsOf: more)
        guard let end = received[searched...].firstIndex(of: 0x0A) else { return nil }
        let line = Array(received[..<end])
        received.removeSubrange(...end)
        return try result(line)
    }

    /// The result of the request that was sent first.
    func answer() throws(Failure) -> JSONValue { try result(try line()) }

    private func result(_ line: [UInt8]) throws(Failure) -> JSONValue {
        let value: JSONValue
        do throws(JSONError) { value = try JSONReader.read(line, limits: Self.answerLimits) } catch {
            throw Failure(.protocol, "\(path): the answer is not JSON: \(error.description)")
        }
        if value["ok"]?.bool == true, let result = value["result"] { return result }
        guard let error = value["error"], let code = error["code"]?.text, let message = error["message"]?.text else {
            throw Failure(.protocol, "\(path): the answer is neither a result nor an error")
        }
        throw Self.failure(code, code.is("no-channel") ? message + suggestion() : message, error)
    }

    /// The channel that was probably meant by the one asked for, as the end of a sentence.
    private func suggestion() -> String {
        guard let asked, let status = try? Connection(path).request([JSONMember("command", .string("status"))]) else {
            return ""
        }
        let names = (status["channels"]?.elements ?? []).compactMap { $0["name"]?.text }
        return Suggestion.of(asked, among: names).map { "; did you mean \(Text.safe($0))?" } ?? ""
    }

    private static func failure(_ code: String, _ message: String, _ error: JSONValue) -> Failure {
        switch code {
        case "not-permitted": return Failure(.noPermission, message, object: error)
        case "configuration":
            return Failure(.configuration, "\(message)\n\(error["text"]?.text ?? "")", object: error)
        case "malformed", "too-long", "bad-request", "unknown-command":
            return Failure(.protocol, message, object: error)
        default: return Failure(.failure, message, object: error)
        }
    }

    private var ended: Failure { Failure(.io, "\(path): the daemon ended the connection without an answer") }

    private func line() throws(Failure) -> [UInt8] {
        var searched = 0
        while true {
            if let end = received[searched...].firstIndex(of: 0x0A) {
                let line = Array(received[..<end])
                received.removeSubrange(...end)
                return line
            }
            searched = received.count
            guard searched <= Self.answerLimits.bytes else {
                throw Failure(.protocol, "\(path): the answer has no end")
            }
            guard let more = try read() else {
                throw ended
            }
            received.append(contentsOf: more)
        }
    }

    /// Bytes as they come; nil at the end of the connection.
    func bytes() throws(Failure) -> [UInt8]? {
        guard received.isEmpty else {
            defer { received = [] }
            return received
        }
        return try read()
    }

    /// As `bytes()`, for somebody who reads what is written to a descriptor. When nobody does any more, that is the end at
    /// once, and not only when there is something to write: a channel may be quiet for days.
    func bytes(for reader: Int32) throws(Failure) -> [UInt8]? {
        var requests = [
            pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0), pollfd(fd: reader, events: 0, revents: 0),
        ]
        if received.isEmpty, Poll.wait(&requests, until: nil) > 0, requests[1].revents != 0 {
            throw Failure(.io, "")
        }
        return try bytes()
    }

    private func read() throws(Failure) -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 65536)
        switch chunk.withUnsafeMutableBytes({ Syscalls.read(socket.raw, into: $0) }) {
        case .success(0): return nil
        case .success(let count): return Array(chunk[..<count])
        case .failure(let errno): throw Failure(.io, "\(path): \(errno.description)")
        }
    }
}
