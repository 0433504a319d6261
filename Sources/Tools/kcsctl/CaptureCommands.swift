// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import JSON
import LinuxIO

/// `capture …`.
struct CaptureCommands {
    private let arguments: Arguments
    private let socket: String

    /// Captures to be read may be as large as a file of capture mode `file` usually is; they are read into memory.
    private static let fileLimit = 1 << 30

    init(_ arguments: Arguments, socket: String) {
        self.arguments = arguments
        self.socket = socket
    }

    // MARK: dump

    /// Writes what a channel's recorder, or all, hold: the daemon in its folder, or here.
    func dump(_ channel: String?) throws(Failure) {
        guard (channel != nil) != arguments.has("--all") else {
            throw Failure(.usage, "capture dump needs either CHANNEL or --all")
        }
        var request = [JSONMember("command", .string("capture-dump"))]
        request.append(channel.map { JSONMember("channel", .string($0)) } ?? JSONMember("all", .bool(true)))
        let connection = try Connection(socket)
        guard let output = arguments.value("--output") else {
            let result = try connection.request(request)
            if arguments.has("--json") { return try Output.print(result) }
            return try Output.print([result["path"]?.text ?? ""])
        }
        request.append(JSONMember("to", .string("stream")))
        let result = try connection.request(request)
        guard let size = result["bytes"]?.uint64 else {
            throw Failure(.protocol, "the daemon does not say how long the capture is")
        }
        if output.is("-") {
            try receive(connection, size) { bytes throws(Failure) in try Output.write(bytes, to: 1) }
            return
        }
        let file = try NewFile(output)
        do throws(Failure) {
            try receive(connection, size) { bytes throws(Failure) in try file.write(bytes) }
            try file.finish()
        } catch {
            file.abandon()
            throw error
        }
        if arguments.has("--json") {
            try Output.print(["path": .string(output), "bytes": .unsigned(size)])
        } else {
            try Output.print([output])
        }
    }

    private func receive(
        _ connection: Connection, _ size: UInt64, _ take: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        var left = size
        while left > 0 {
            guard let bytes = try connection.bytes() else {
                throw Failure(.io, "the daemon ended the connection \(left) bytes before the capture's end")
            }
            guard UInt64(bytes.count) <= left else { throw Failure(.protocol, "the capture is longer than was said") }
            left -= UInt64(bytes.count)
            try take(bytes)
        }
    }

    // MARK: follow

    /// Writes a capture to standard output for as long as the channel, and the reader, go on.
    func follow(_ channel: String) throws(Failure) {
        if Descriptors.isTerminal(1) {
            throw Failure(
                .usage, "a capture is not for a terminal: kcsctl capture follow \(channel) | wireshark -k -i -")
        }
        var request = [JSONMember("command", .string("capture-follow")), JSONMember("channel", .string(channel))]
        if arguments.has("--from-oldest") { request.append(JSONMember("from", .string("oldest"))) }
        let connection = try Connection(socket)
        _ = try connection.request(request)
        while let bytes = try connection.bytes(for: 1) { try Output.write(bytes, to: 1) }
    }

    // MARK: convert

    /// Makes pcapng of a crash dump or of the file of a persistent recorder.
    func convert(_ path: String) throws(Failure) {
        guard let output = arguments.value("--output") else {
            throw Failure(.usage, "capture convert needs -o FILE, or -o - for standard output")
        }
        guard let converted = CaptureDump.converted(try read(path)) else { throw notACapture(path) }
        if output.is("-") { return try Output.write(converted, to: 1) }
        let file = try NewFile(output)
        try file.write(converted)
        try file.finish()
        if arguments.has("--json") {
            try Output.print(["path": .string(output), "bytes": .integer(converted.count)])
        }
    }

    private func read(_ path: String) throws(Failure) -> [UInt8] {
        do throws(SystemError) {
            return try Syscalls.readFile(path.is("-") ? "/dev/stdin" : path, limit: Self.fileLimit)
        } catch {
            throw Failure(.noInput, error.description)
        }
    }

    private func notACapture(_ path: String) -> Failure {
        Failure(.data, "\(path): neither a pcapng capture, nor a crash dump, nor a persistent recorder's file")
    }
}
