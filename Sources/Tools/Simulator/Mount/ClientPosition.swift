// SPDX-License-Identifier: Apache-2.0
//
// The driver never moves a file's position, and carries out each vector of a vectored call on its own. FUSE does neither:
// the kernel moves the position by what was transferred, tells the server no more than an offset, and joins vectors. Where
// that makes a difference, the caller's own entry in /proc says which system call it is in. It is asked seldom: the answer
// is remembered for a file that turns out to use pread(2) and pwrite(2).
//
// Two differences stay. lseek(fd, 0, SEEK_CUR) tells the moved position. And read(2) right after an lseek(2) to just where
// the kernel's own position stands is taken for one without lseek(2).
import CLinux
import LinuxIO

/// Where in the device a call of one open file takes place.
struct ClientPosition {
    /// The position as the kernel has it after the last call, if that one moved it, and as the driver would have it.
    private var last: (kernel: Int, driver: Int)?
    private var plainLooks = 8
    private var vectorLooks = 8

    /// The driver's offset of a call that the kernel puts at `offset`.
    mutating func start(_ offset: Int, count: Int, thread: UInt32) -> Int {
        var start = offset
        if let last, last.kernel == offset, plainLooks > 0 {
            switch CallerState.systemCall(thread)?.number {
            case SYS_read, SYS_write, SYS_readv, SYS_writev:
                start = last.driver
                plainLooks = 8
            default: plainLooks -= 1
            }
        }
        last = (offset + count, start)
        return start
    }

    /// Is this call of two bytes one of two vectors?
    mutating func isVectored(thread: UInt32) -> Bool {
        guard vectorLooks > 0 else { return false }
        vectorLooks -= 1
        guard let call = CallerState.systemCall(thread) else { return false }
        switch call.number {
        case SYS_readv, SYS_preadv, SYS_preadv2:
            vectorLooks = 8
            return call.third == 2
        default: return false
        }
    }
}

/// What a thread that waits for the kernel is doing.
enum CallerState {
    /// Number and third argument of its system call; nil where the kernel does not say, or it is in none.
    static func systemCall(_ thread: UInt32) -> (number: Int32, third: UInt64)? {
        guard thread != 0, let text = try? Syscalls.readFile("/proc/\(thread)/syscall", limit: 512) else { return nil }
        let words = text.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count > 3, let number = Int32(words[0]), let third = UInt64(words[3].dropFirst(2), radix: 16) else {
            return nil
        }
        return (number, third)
    }
}
