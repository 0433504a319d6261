// SPDX-License-Identifier: Apache-2.0
import CLinux

/// How a terminal treats what is typed, to be put back as it was.
public struct TerminalMode {
    private let descriptor: Int32
    private let before: termios

    /// The mode of a terminal; nil for what is none. The corresponding C function is `tcgetattr`.
    public init?(of descriptor: Int32) {
        var mode = termios()
        guard tcgetattr(descriptor, &mode) == 0 else { return nil }
        (self.descriptor, before) = (descriptor, mode)
    }

    /// Keys come at once, and are not shown. Those that send signals still do.
    public func takeKeys() {
        var mode = before
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
        apply(mode)
    }

    /// Puts it back. The corresponding C function is `tcsetattr`.
    public func restore() { apply(before) }

    private func apply(_ mode: termios) {
        var mode = mode
        // A terminal that is given to somebody else meanwhile answers EIO: there is nothing to put back.
        while tcsetattr(descriptor, TCSADRAIN, &mode) != 0 && Errno.current == .interrupted {}
    }

    /// Columns and rows of a terminal; nil where it does not say. The corresponding C call is `ioctl(TIOCGWINSZ)`.
    public static func size(of descriptor: Int32) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard cl_ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
