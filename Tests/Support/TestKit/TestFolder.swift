// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// A folder that goes, with what is in it, when its owner lets go of it.
public final class TestFolder {
    /// Its path.
    public let path: String

    /// A new, empty folder that nobody else may write.
    public init() {
        var template = Array("/tmp/kcsmux-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary folder") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit { TestFolder.remove(path) }

    private static func remove(_ path: String) {
        if CLinux.unlink(path) == 0 { return }
        for name in (try? Syscalls.list(path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// Writes a file in it, and answers its path.
    @discardableResult
    public func write(_ name: String, _ text: String) throws -> String { try write(name, bytes: Array(text.utf8)) }

    /// Writes a file in it, and answers its path.
    @discardableResult
    public func write(_ name: String, bytes: [UInt8]) throws -> String {
        let path = "\(self.path)/\(name)"
        let file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try bytes.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }.get()
        return path
    }

    /// What is in a file of it; nil when there is none.
    public func read(_ name: String) -> String? { bytes(name).map { String(decoding: $0, as: UTF8.self) } }

    /// What is in a file of it; nil when there is none.
    public func bytes(_ name: String) -> [UInt8]? { try? Syscalls.readFile("\(path)/\(name)", limit: 1 << 28) }

    /// The names in one of its folders, sorted.
    public func names(_ folder: String = "") -> [String] {
        ((try? Syscalls.list(folder.isEmpty ? path : "\(path)/\(folder)")) ?? []).sorted()
    }
}

/// A count that an acceptance run names, or a hundredth of it.
public func repetitions(_ full: Int) -> Int {
    CurrentProcess.environment("KCSMUX_LONG") == "1" ? full : max(1, full / 100)
}

/// A small generator of numbers that one seed repeats.
public struct SplitMix {
    private var state: UInt64

    /// Numbers of a seed.
    public init(seed: UInt64) { state = seed }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
