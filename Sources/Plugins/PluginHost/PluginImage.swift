// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// What is handed to the dynamic linker of a plugin's file that was opened and checked.
///
/// A mapped file that somebody cuts short or writes over ends the process that touches it (SIGBUS, or worse). So what is
/// loaded is a private copy in memory that nobody can change: it takes as many bytes of memory as the file has, most of
/// which the linker would have read anyway. The file itself is loaded where everybody is trusted, for debuggers to find it,
/// and where it looks for libraries beside itself ($ORIGIN).
struct PluginImage {
    /// What to load.
    let path: String
    /// The copy, which is never closed once it is loaded: the linker knows libraries by their names, and this is its name.
    private let copy: Int32?
    /// Larger than any plugin.
    private static let limit = 64 << 20

    /// An image of the open file `descriptor`, which is `file`.
    init(_ descriptor: Int32, _ file: PluginFile, trust: PluginFile.Trust) {
        copy = trust == .strict ? Self.copy(descriptor, file) : nil
        path = copy.map { "/proc/self/fd/\($0)" } ?? file.path
    }

    private static func copy(_ descriptor: Int32, _ file: PluginFile) -> Int32? {
        guard let bytes = try? Syscalls.readFile("/proc/self/fd/\(descriptor)", limit: limit),
            !looksBesideItself(bytes, file.path)
        else { return nil }
        return try? MemoryFile.sealed(bytes, named: Path.name(of: file.path)).release()
    }

    /// Does it name a folder beside or below its own, or a library that lies beside it?
    private static func looksBesideItself(_ bytes: [UInt8], _ path: String) -> Bool {
        guard mentions("$ORIGIN", bytes) else { return false }
        if mentions("$ORIGIN/", bytes) { return true }
        let own = Path.name(of: path)
        return ((try? Syscalls.list(Path.parent(of: path))) ?? []).contains {
            !$0.utf8.elementsEqual(own.utf8) && mentions(".so", Array($0.utf8)) && mentions("\0\($0)\0", bytes)
        }
    }

    private static func mentions(_ text: String, _ bytes: [UInt8]) -> Bool {
        let word = Array(text.utf8)
        return bytes.withUnsafeBytes { memmem($0.baseAddress!, $0.count, word, word.count) } != nil
    }

    /// Is it the file itself, which can be exchanged while it is loaded?
    var isFile: Bool { copy == nil }

    /// It could not be loaded.
    func drop() { if let copy { Syscalls.close(copy) } }
}
