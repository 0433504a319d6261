// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// A terminal as a picture that is drawn again and again: on its alternate screen, each picture in one write, over the one before.
final class Screen {
    private let mode: TerminalMode
    private var isOpen = false

    /// Nil where nobody looks, or types.
    init?() {
        guard Descriptors.isTerminal(1), let mode = TerminalMode(of: 0) else { return nil }
        self.mode = mode
    }

    /// The terminal's size; that of a small one where it does not say.
    var size: (columns: Int, rows: Int) {
        let size = TerminalMode.size(of: 1) ?? (80, 24)
        return (max(size.columns, 20), max(size.rows, 5))
    }

    func open() {
        isOpen = true
        mode.takeKeys()
        put("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// As it was before.
    func close() {
        guard isOpen else { return }
        isOpen = false
        put("\u{1B}[?25h\u{1B}[?1049l")
        mode.restore()
    }

    /// Draws lines, no more than there are rows. Terminals that know how show it all at once.
    func draw(_ lines: [String]) {
        var text = "\u{1B}[?2026h\u{1B}[H"
        for (index, line) in lines.prefix(size.rows).enumerated() {
            if index > 0 { text += "\r\n" }
            text += line + "\u{1B}[K"
        }
        put(text + "\u{1B}[J\u{1B}[?2026l")
    }

    private func put(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { Syscalls.writeAll(1, $0) } }

    /// Stops as who typed Ctrl-Z wishes, and goes on where it was.
    func suspend() {
        close()
        _ = Signals.send(SIGSTOP, to: CurrentProcess.identifier)
        open()
    }
}
