// SPDX-License-Identifier: Apache-2.0
import CLinux
import JSON
import LinuxIO

/// `metrics`: what kcsmuxd counts, for Prometheus and what reads the same text.
struct MetricsCommand {
    private let arguments: Arguments
    private let socket: String
    private static let formats = ["openmetrics", "prometheus"]
    private static let end = "# EOF\n"
    /// A scraper's request takes no more, and no longer (nanoseconds).
    private static let requestLimit = 16 << 10
    private static let requestTime: UInt64 = 5_000_000_000

    init(_ arguments: Arguments, _ socket: String) {
        self.arguments = arguments
        self.socket = socket
    }

    func run() throws(Failure) {
        let format = arguments.value("--format") ?? Self.formats[0]
        guard Self.formats.contains(format) else {
            throw unknown("--format \(format): not one of openmetrics, prometheus", format, among: Self.formats)
        }
        if arguments.has("--http") { return try answer(format) }
        let text = try text(format)
        guard let path = arguments.value("--output"), !path.is("-") else { return try Output.write(text, to: 1) }
        // Whoever collects it is somebody else, and it holds nothing but counts.
        let file = try NewFile(path, mode: 0o644)
        try file.write(text)
        try file.finish()
    }

    private func text(_ format: String) throws(Failure) -> [UInt8] {
        let connection = try Connection(socket)
        _ = try connection.request([
            JSONMember("command", .string("metrics")), JSONMember("format", .string(format)),
        ])
        var text: [UInt8] = []
        while let bytes = try connection.bytes() { text.append(contentsOf: bytes) }
        guard text.suffix(Self.end.utf8.count).elementsEqual(Self.end.utf8) else {
            throw Failure(.io, "\(socket): the daemon ended the connection in the middle of its metrics")
        }
        return text
    }

    // MARK: HTTP, for a unit that a socket starts

    private func answer(_ format: String) throws(Failure) {
        readRequest()
        let type =
            format.is(Self.formats[0])
            ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8"
        do throws(Failure) {
            try respond("200 OK", type, try text(format))
        } catch {
            try respond("503 Service Unavailable", "text/plain; charset=utf-8", Array("\(error.text)\n".utf8))
            throw error
        }
    }

    /// To the blank line: a connection that closes with something unread looks like a failure. What is asked for does not
    /// matter, as there is only one thing to tell.
    private func readRequest() {
        let deadline = Clock.monotonic + Self.requestTime
        var request: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while request.count < Self.requestLimit, Poll.isReadable(0, until: deadline) {
            guard case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(0, into: $0) }), count > 0
            else { return }
            request.append(contentsOf: chunk[..<count])
            if request.suffix(4).elementsEqual("\r\n\r\n".utf8) || request.suffix(2).elementsEqual("\n\n".utf8) {
                return
            }
        }
    }

    private func respond(_ status: String, _ type: String, _ body: [UInt8]) throws(Failure) {
        let head =
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        try Output.write(Array(head.utf8) + body, to: 1)
    }
}
