// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a page that a channel's process writes, and that the daemon reads one word of, atomically.
import CLinux
import LinuxIO

/// The calls into handlers of a channel's process, for who has to say in which of them it died.
final class SharedActivity {
    let file: FileDescriptor
    private let words: UnsafeMutableRawPointer
    private static let length = 4096

    /// Memory to be passed on.
    convenience init() throws(SystemError) {
        try self.init(adopting: try MemoryFile.shared(Self.length, named: "activity").release())
    }

    /// Memory that was passed.
    init(adopting descriptor: Int32) throws(SystemError) {
        let file = FileDescriptor(owning: descriptor)
        let map = try MemoryMap(shared: file.raw, length: Self.length)
        words = map.release()
        self.file = file
    }

    deinit { MemoryMap.unmap(words, Self.length) }

    /// For `Activity`, for as long as this object lives.
    var base: UnsafeMutablePointer<UInt64> { words.assumingMemoryBound(to: UInt64.self) }

    /// The handler call under way, or 0.
    var call: UInt64 { cl_load64(base) }
}
