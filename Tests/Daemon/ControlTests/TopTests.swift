// SPDX-License-Identifier: Apache-2.0
//
// `kcsctl top` on a pseudo terminal: what it draws, and what it leaves behind.
import CLinux
import LinuxIO
import Testing

/// Both ends of a terminal, and what was drawn on it.
private final class Pseudo {
    let master: Int32
    let slave: Int32
    private(set) var drawn: [UInt8] = []

    init(columns: UInt16, rows: UInt16) throws {
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard master >= 0, grantpt(master) == 0, unlockpt(master) == 0, let name = ptsname(master) else {
            throw TestFailure("there is no pseudo terminal")
        }
        slave = try Syscalls.open(String(cString: name), O_RDWR | O_NOCTTY).release()
        resize(columns: columns, rows: rows)
    }

    deinit {
        close(master)
        close(slave)
    }

    func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = cl_ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    func type(_ keys: String) { _ = Array(keys.utf8).withUnsafeBytes { Syscalls.writeAll(master, $0) } }

    /// Keys are shown and wait for the end of the line, as for a shell.
    var isAsItWas: Bool {
        var mode = termios()
        return tcgetattr(slave, &mode) == 0 && mode.c_lflag & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO)
    }

    var text: String { String(decoding: drawn, as: UTF8.self) }

    /// The lines of the last picture, without colours.
    var picture: [String] {
        guard let last = text.components(of: "\u{1B}[H").last else { return [] }
        var plain = ""
        var isEscape = false
        for scalar in last.unicodeScalars {
            if scalar == "\u{1B}" {
                isEscape = true
            } else if !isEscape, scalar != "\r" {
                plain.unicodeScalars.append(scalar)
            }
            if isEscape, scalar != "\u{1B}", scalar != "[", scalar != "?", scalar != ";", !("0"..."9").contains(scalar)
            {
                isEscape = false
            }
        }
        return plain.components(of: "\n")
    }

    /// Waits until a whole picture is as it should.
    func waits(for condition: ([String]) -> Bool) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while wait(master) {
            guard case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(master, into: $0) }),
                count > 0
            else { return false }
            drawn += chunk[..<count]
            if text.hasSuffix("\u{1B}[?2026l"), condition(picture) { return true }
        }
        return false
    }

    /// Takes what is left of a program that has ended.
    func drain() {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while Poll.isReadable(master) {
            guard case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(master, into: $0) }),
                count > 0
            else { return }
            drawn += chunk[..<count]
        }
    }
}

extension String {
    fileprivate func components(of separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

@Suite struct TopTests {
    private let folder = TemporaryFolder()
    private static let restored = "\u{1B}[?25h\u{1B}[?1049l"

    private func top(_ terminal: Pseudo, _ words: String...) throws -> Program {
        try Program.start(
            [Program.kcsctl, "--socket", folder.path + "/run/control.sock", "top", "--interval", "100ms"] + words,
            descriptors: [(0, terminal.slave), (1, terminal.slave), (2, terminal.slave)], environment: ["TERM=xterm"])
    }

    private func has(_ picture: [String], _ channel: String, _ words: String...) -> Bool {
        picture.contains { line in line.dropFirst().hasPrefix(channel) && words.allSatisfy { line.contains($0) } }
    }

    @Test func itGoesOnWhenTheDaemonGoesAndComesBackAndFitsTheTerminal() throws {
        let terminal = try Pseudo(columns: 80, rows: 24)
        let program = try top(terminal)
        #expect(terminal.waits { $0.last?.hasPrefix("waiting for kcsmuxd: ") == true }, "\(terminal.picture)")
        var daemon = try Daemon(echoChannel("a-channel-with-a-name-of-32-char") + echoChannel("echo"), folder: folder)
        #expect(terminal.waits { has($0, "echo", "running") }, "\(terminal.picture)")
        let picture = terminal.picture
        #expect(picture.count == 24 && picture.allSatisfy { $0.unicodeScalars.count <= 80 }, "\(picture)")
        #expect(picture[2].contains("BYTES/S") && picture[2].contains("RESTARTS"))
        #expect(daemon.stop() == 0)
        #expect(terminal.waits { $0.last?.hasPrefix("waiting for kcsmuxd: ") == true && !has($0, "echo") })
        daemon = try Daemon(echoChannel("echo"), folder: folder)
        #expect(terminal.waits { has($0, "echo", "running") })
        terminal.resize(columns: 120, rows: 10)
        kill(program.process, SIGWINCH)
        #expect(terminal.waits { $0.count == 10 && $0[2].contains("PLUGIN") }, "\(terminal.picture)")
        terminal.type("q")
        #expect(program.wait() == 0)
        terminal.drain()
        #expect(terminal.text.hasSuffix(Self.restored) && terminal.isAsItWas)
        withExtendedLifetime(daemon) {}
    }

    @Test func channelsAreSortedSelectedAndDumpedByKeys() throws {
        let daemon = try Daemon(
            echoChannel("one") + echoChannel("two")
                + "  - {name: absent, device: {type: raw-kcs, path: \"@/none\"}, plugin: echo}\n", folder: folder)
        let terminal = try Pseudo(columns: 80, rows: 24)
        let program = try top(terminal)
        let order = { (picture: [String]) in picture[3..<6].map { $0.dropFirst().prefix { $0 != " " } } }
        #expect(
            terminal.waits { order($0) == ["absent", "one", "two"] && $0[3].hasPrefix(">") }, "\(terminal.picture)")
        terminal.type("r")
        #expect(terminal.waits { order($0) == ["two", "one", "absent"] }, "\(terminal.picture)")
        terminal.type("rt")
        #expect(
            terminal.waits { order($0) == ["absent", "one", "two"] && $0.last?.hasSuffix("sorted by state") == true })
        terminal.type("\u{1B}[B")
        #expect(terminal.waits { $0[4].hasPrefix(">one ") })
        terminal.type("d")
        #expect(terminal.waits { $0.last?.hasPrefix("dumped to \(folder.path)/capture/one-") == true })
        terminal.type("f")
        #expect(terminal.waits { $0[2].hasPrefix("Messages of one") })
        terminal.type("\u{1B}")
        #expect(terminal.waits { has($0, "two", "running") })
        terminal.type("q")
        #expect(program.wait() == 0)
        withExtendedLifetime(daemon) {}
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
    func aSignalLeavesTheTerminalAsItWas(signal: Int32) throws {
        let terminal = try Pseudo(columns: 80, rows: 24)
        let program = try top(terminal)
        #expect(terminal.waits { $0.count == 24 })
        #expect(!terminal.isAsItWas)
        kill(program.process, signal)
        #expect(program.wait() == 0)
        terminal.drain()
        #expect(terminal.text.hasSuffix(Self.restored) && terminal.isAsItWas)
    }

    @Test func whereNobodyLooksItPrintsOneIntervalAsText() throws {
        let daemon = try Daemon(echoChannel("one") + echoChannel("two"), folder: folder)
        for words in [["top"], ["top", "--once", "--sort", "bytes"]] {
            let result = try Program.run([Program.kcsctl, "--socket", daemon.socket, "--interval", "100ms"] + words)
            #expect(result.status == 0 && !result.text.contains("\u{1B}"))
            let lines = result.text.split(separator: "\n")
            #expect(lines.count == 3 && lines[0].hasPrefix("CHANNEL ") && lines[2].hasPrefix("two "), "\(result.text)")
        }
        for (option, value) in [("--sort", "names"), ("--interval", "5"), ("--interval", "1us")] {
            let result = try Program.run([Program.kcsctl, "--socket", daemon.socket, "top", option, value])
            #expect(result.status == 64 && result.errors.contains(value))
        }
    }
}
