// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import TestKit
import Testing

@testable import Daemon

/// Lines for a journald that is a socket of the test's.
@Suite final class JournalTests {
    private let folder = TestFolder()
    private let listener: FileDescriptor
    private let log: Log
    private let path: String

    init() throws {
        path = "\(folder.path)/socket"
        listener = try UnixSocket.make(.datagram)
        try UnixSocket.bind(listener.raw, path, abstract: false).get("bind")
        log = try Self.log(folder, path)
    }

    private static func log(_ folder: TestFolder, _ path: String) throws -> Log {
        let stream = try Syscalls.open("\(folder.path)/stderr", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        let identity = try Syscalls.status(of: stream.raw).identity
        return Log(
            level: .info, descriptor: stream.release(), journal: "\(identity.device):\(identity.inode)", socket: path)
    }

    /// The fields of the next entry.
    private func entry() -> [String] {
        var bytes = [UInt8](repeating: 0, count: 65536)
        guard case .success(let count) = bytes.withUnsafeMutableBytes({ UnixSocket.receive(listener.raw, into: $0) })
        else { return [] }
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func aLineHasTheFieldsThatAreKnownOfItAndNoOthers() {
        log.write(.notice, nil, "begun")
        #expect(entry() == ["MESSAGE=notice kcsmuxd: begun", "PRIORITY=5", "SYSLOG_IDENTIFIER=kcsmuxd"])
        log.write(
            .warning, "host", "late", JournalFields(event: .requestLate, plugin: "ipmi-lite", command: "06/01"))
        #expect(
            entry() == [
                "MESSAGE=warning host: late", "PRIORITY=4", "SYSLOG_IDENTIFIER=kcsmuxd", "CHANNEL=host",
                "PLUGIN=ipmi-lite", "COMMAND=06/01", "MESSAGE_ID=186a30b1357f4435b7ebff0fe6f72e82",
            ])
        #expect(folder.read("stderr") == "")
    }

    @Test func noTextMakesAFieldOfItsOwn() {
        log.write(.error, "host", "a\nPRIORITY=0", JournalFields(plugin: "p\nCHANNEL=x", trigger: "t\u{1B}"))
        #expect(
            entry() == [
                "MESSAGE=error host: a?PRIORITY=0", "PRIORITY=3", "SYSLOG_IDENTIFIER=kcsmuxd", "CHANNEL=host",
                "PLUGIN=p?CHANNEL=x", "TRIGGER=t?",
            ])
    }

    @Test func whatTheJournalDoesNotTakeGoesToStandardErrorWithoutWaiting() {
        var sent = 0
        while (folder.read("stderr") ?? "").isEmpty {
            log.write(.notice, "a", "line \(sent)")
            sent += 1
        }
        #expect(sent > 1 && folder.read("stderr") == "<5>notice a: line \(sent - 1)\n")
        for line in 0..<(sent - 1) { #expect(entry().first == "MESSAGE=notice a: line \(line)") }
        log.write(.notice, "a", "again")
        #expect(entry().first == "MESSAGE=notice a: again")
    }

    @Test func aJournalThatWasStartedAgainIsFound() throws {
        let path = self.path + "-2"
        func begin() throws -> Log {
            let first = try UnixSocket.make(.datagram)
            try UnixSocket.bind(first.raw, path, abstract: false).get("bind")
            return try Self.log(folder, path)
        }
        let log = try begin()
        unlink(path)
        log.write(.notice, nil, "nobody")
        #expect(folder.read("stderr") == "<5>notice kcsmuxd: nobody\n")
        let again = try UnixSocket.make(.datagram)
        try UnixSocket.bind(again.raw, path, abstract: false).get("bind")
        log.write(.notice, nil, "somebody")
        var bytes = [UInt8](repeating: 0, count: 4096)
        guard case .success(let count) = bytes.withUnsafeMutableBytes({ UnixSocket.receive(again.raw, into: $0) })
        else {
            Issue.record("nothing came")
            return
        }
        #expect(String(decoding: bytes[..<count], as: UTF8.self).hasPrefix("MESSAGE=notice kcsmuxd: somebody\n"))
    }

    @Test func everyMessageIDIsDocumentedOnceAndTheOtherWayRound() throws {
        let daemon = "\(CCompiler.root)/Sources/Daemon/Daemon"
        func identifiers(_ file: String) throws -> [String] {
            let text = String(decoding: try Syscalls.readFile("\(daemon)/\(file)", limit: 1 << 20), as: UTF8.self)
            let table = text.split(separator: "```")[0]
            return table.split { !$0.isHexDigit }.filter { $0.utf8.count == 32 }.map(String.init)
        }
        let used = try identifiers("Log/JournalFields.swift")
        #expect(used.count == 9 && Set(used).count == 9)
        #expect(try identifiers("Daemon.docc/Journal.md") == used)
    }
}
