// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the window is memory that the host CPU writes at the same time; whoever reads it copies first and checks then.
import CLinux
import LinuxIO

/// Where the memory that a channel shares with the host CPU comes from.
public enum WindowSource: Equatable, Sendable {
    /// The LPC bridge of an ASPEED BMC (`/dev/aspeed-lpc-ctrl`): the end of the memory that its device tree reserves, put at
    /// the top of the host CPU's LPC firmware space. `size` nil: 1 MiB, which is what the MCTP binding over LPC uses.
    case aspeedLPCControl(path: String, size: UInt64?)
    /// A file that can be mapped, from an offset that is a multiple of the page size.
    case memory(path: String, offset: UInt64, size: UInt64?)
}

/// Memory shared with the host CPU, mapped as long as this object lives.
public final class Window {
    /// The memory.
    public let bytes: UnsafeMutableRawBufferPointer
    private let map: MemoryMap

    /// The size of a window that nobody gave one.
    public static let defaultSize: UInt64 = 1 << 20
    /// What the host CPU sees of LPC firmware space: 28 bits of addresses.
    private static let firmwareSpaceEnd: UInt32 = 0x0FFF_FFFF

    /// Maps a window. The error names the file and what it refused.
    public static func open(_ source: WindowSource) throws(SystemError) -> Window {
        switch source {
        case .memory(let path, let offset, let size):
            let file = try Syscalls.open(path, O_RDWR | O_SYNC)
            let length = try checked(size ?? defaultSize, path)
            let status = try Syscalls.status(of: file.raw)
            // Pages behind a file's end cannot be touched; devices have no size to check.
            guard !status.isRegular || UInt64(status.size) >= offset + UInt64(length) else {
                throw SystemError(.invalidArgument, "mmap", "\(path): the file ends before the window does")
            }
            guard let start = Int64(exactly: offset) else { throw SystemError(.invalidArgument, "mmap", path) }
            let map = try MemoryMap(shared: file.raw, offset: start, length: length)
            return Window(map, from: 0, count: length)
        case .aspeedLPCControl(let path, let size):
            let file = try Syscalls.open(path, O_RDWR | O_SYNC)
            var region = cl_lpc_mapping()
            region.window_type = UInt8(CL_LPC_WINDOW_MEMORY)
            try Syscalls.control(file.raw, UInt(CL_LPC_GET_SIZE), &region).get("ioctl(GET_SIZE)", path)
            let length = try checked(size ?? defaultSize, path)
            guard let reserved = Int(exactly: region.size), reserved >= length else {
                throw SystemError(
                    .invalidArgument, "mmap", "\(path): the reserved memory has \(region.size) bytes only")
            }
            let map = try MemoryMap(shared: file.raw, length: reserved)
            region.addr = Self.firmwareSpaceEnd & (0 &- region.size)
            region.offset = 0
            try Syscalls.control(file.raw, UInt(CL_LPC_MAP), &region).get("ioctl(MAP)", path)
            return Window(map, from: reserved - length, count: length)
        }
    }

    private static func checked(_ size: UInt64, _ path: String) throws(SystemError) -> Int {
        guard size > 0, size <= 1 << 30 else { throw SystemError(.invalidArgument, "mmap", path) }
        return Int(size)
    }

    private init(_ map: consuming MemoryMap, from offset: Int, count: Int) {
        bytes = UnsafeMutableRawBufferPointer(start: map.base + offset, count: count)
        self.map = map
    }
}
