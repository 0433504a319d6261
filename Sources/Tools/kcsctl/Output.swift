// SPDX-License-Identifier: Apache-2.0
import CLinux
import JSON
import LinuxIO

/// Where results and messages go.
enum Output {
    /// Prints lines on standard output.
    static func print(_ lines: [String]) throws(Failure) {
        var bytes: [UInt8] = []
        for line in lines {
            bytes.append(contentsOf: line.utf8)
            bytes.append(0x0A)
        }
        try write(bytes, to: 1)
    }

    /// Prints a line of JSON on standard output.
    static func print(_ value: JSONValue) throws(Failure) { try write(value.line, to: 1) }

    /// Says something on standard error.
    static func say(_ text: String) {
        let bytes = Array("kcsctl: \(text)\n".utf8)
        _ = bytes.withUnsafeBytes { Syscalls.writeAll(2, $0) }
    }

    /// Writes bytes; that nobody reads them any more (`| head`) is no failure worth a word.
    static func write(_ bytes: [UInt8], to descriptor: Int32, _ name: String = "standard output") throws(Failure) {
        if case .failure(let errno) = bytes.withUnsafeBytes({ Syscalls.writeAll(descriptor, $0) }) {
            throw Failure(.io, errno == .brokenPipe ? "" : "\(name): \(errno.description)")
        }
    }
}

/// A file that is complete or not there: written beside its name first.
struct NewFile: ~Copyable {
    private let file: FileDescriptor
    private let path: String
    private let unfinished: String

    /// For its owner only, as captures may hold passwords, unless `mode` says otherwise.
    init(_ path: String, mode: mode_t = 0o600) throws(Failure) {
        self.path = path
        unfinished = "\(path).\(CurrentProcess.identifier).part"
        do throws(SystemError) {
            file = try Syscalls.open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        } catch { throw Failure(.cannotCreate, error.description) }
    }

    /// Appends bytes.
    func write(_ bytes: [UInt8]) throws(Failure) {
        do throws(Failure) { try Output.write(bytes, to: file.raw, path) } catch {
            try? Syscalls.unlink(unfinished)
            throw error
        }
    }

    /// Gives it its name.
    func finish() throws(Failure) {
        do throws(SystemError) { try Syscalls.rename(unfinished, to: path) } catch {
            try? Syscalls.unlink(unfinished)
            throw Failure(.cannotCreate, "\(path): \(error.errno.description)")
        }
    }

    /// Leaves nothing behind.
    func abandon() { try? Syscalls.unlink(unfinished) }
}
