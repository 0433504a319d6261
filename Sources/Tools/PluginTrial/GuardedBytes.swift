// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: pages of memory that may not be touched.
import CLinux

/// Bytes that end where a page does that nobody may touch: a plugin that reads or writes behind them ends the process there,
/// and not some day elsewhere.
enum GuardedBytes {
    private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// Calls `body` with a copy of `bytes`, of which there may be a page at most.
    static func with<Result>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard bytes.count <= page,
            let base = mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            base != UnsafeMutableRawPointer(bitPattern: -1)
        else { return bytes.withUnsafeBytes(body) }
        defer { munmap(base, 2 * page) }
        mprotect(base + page, page, PROT_NONE)
        let copy = UnsafeMutableRawBufferPointer(start: base + page - bytes.count, count: bytes.count)
        copy.copyBytes(from: bytes)
        return body(UnsafeRawBufferPointer(copy))
    }
}
