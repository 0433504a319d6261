// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Looks at a file's ELF header before the dynamic linker does: its words about other files are hard to read, and a file
/// that was cut short, as by a copy under way, is mapped all the same and kills the process that touches what is missing.
enum LibraryHeader {
    private static let sharedLibrary = 3
    private static let loadedSegment = 1

    /// Why the open file cannot be loaded; nil when nothing speaks against it.
    static func fault(_ descriptor: Int32, size: Int64) -> String? {
        guard let header = read(descriptor, 64, at: 0), header[..<4].elementsEqual([0x7F, 0x45, 0x4C, 0x46]) else {
            return "it is no ELF file"
        }
        if let finding = foreign(header) { return finding }
        let fields = Fields(header)
        let type = fields.number(at: 16, 2)
        guard type == sharedLibrary else {
            return "it is an ELF file of type \(type), where a shared library has type \(sharedLibrary)"
        }
        return cut(descriptor, fields, size)
    }

    /// Compared with this program's own: class, byte order, machine.
    private static func foreign(_ header: [UInt8]) -> String? {
        guard let program = try? Syscalls.open("/proc/self/exe", O_RDONLY), let own = read(program.raw, 64, at: 0)
        else {
            return nil
        }
        if header[4] != own[4] { return "it is a \(bits(header)) bit ELF file, and this kcsmuxd has \(bits(own)) bits" }
        if header[5] != own[5] { return "it is an ELF file of the other byte order" }
        let machine = Fields(header).number(at: 18, 2)
        let ownMachine = Fields(own).number(at: 18, 2)
        return machine == ownMachine ? nil : "it is for machine \(machine), and this kcsmuxd for machine \(ownMachine)"
    }

    private static func bits(_ header: [UInt8]) -> Int { header[4] == 2 ? 64 : 32 }

    /// Every part of the file that would be mapped must be in it.
    private static func cut(_ descriptor: Int32, _ header: Fields, _ size: Int64) -> String? {
        let is64 = header.is64
        let offset = is64 ? header.number(at: 32, 8) : header.number(at: 28, 4)
        let stride = header.number(at: is64 ? 54 : 42, 2)
        let count = header.number(at: is64 ? 56 : 44, 2)
        // A header may say four gigabytes: nothing is made ready for them that the file does not have.
        let (end, overflows) = offset.addingReportingOverflow(stride * count)
        guard stride >= (is64 ? 56 : 32), offset >= 0, !overflows, end <= size,
            let table = read(descriptor, stride * count, at: offset)
        else {
            return "its program headers are not in the file"
        }
        for index in 0..<count {
            let entry = Fields(Array(table[(index * stride)..<((index + 1) * stride)]), like: header)
            guard entry.number(at: 0, 4) == loadedSegment else { continue }
            let start = is64 ? entry.number(at: 8, 8) : entry.number(at: 4, 4)
            let length = is64 ? entry.number(at: 32, 8) : entry.number(at: 16, 4)
            let (end, overflows) = start.addingReportingOverflow(length)
            if start < 0 || length < 0 || overflows || end > size {
                return "it is cut short: \(size) bytes, and a segment from \(start) on has \(length)"
            }
        }
        return nil
    }

    private static func read(_ descriptor: Int32, _ count: Int, at offset: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes { Syscalls.read(descriptor, into: $0, at: Int64(offset)) }
        guard case .success(count) = got else { return nil }
        return bytes
    }

    /// Numbers in a header's own byte order and width.
    private struct Fields {
        let bytes: [UInt8]
        let is64: Bool
        let isLittleEndian: Bool

        init(_ header: [UInt8]) {
            bytes = header
            is64 = header[4] == 2
            isLittleEndian = header[5] == 1
        }

        init(_ bytes: [UInt8], like header: Fields) {
            self.bytes = bytes
            is64 = header.is64
            isLittleEndian = header.isLittleEndian
        }

        func number(at offset: Int, _ count: Int) -> Int {
            var value: UInt64 = 0
            for index in 0..<count {
                let byte = UInt64(bytes[offset + (isLittleEndian ? count - 1 - index : index)])
                value = value << 8 | byte
            }
            return Int(truncatingIfNeeded: value)
        }
    }
}
