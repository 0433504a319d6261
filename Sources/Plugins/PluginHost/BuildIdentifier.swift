// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import LinuxIO

/// The build id that the linker left in the running program (the ELF note NT_GNU_BUILD_ID): what debug files and crash
/// reports are matched by.
enum BuildIdentifier {
    static var text: String {
        // Notes stand before the code.
        guard let file = try? Syscalls.open("/proc/self/exe", O_RDONLY) else { return "unknown" }
        var head = [UInt8](repeating: 0, count: 1 << 16)
        guard case .success(let count) = head.withUnsafeMutableBytes({ Syscalls.read(file.raw, into: $0) }),
            let bytes = find(Array(head[..<count]))
        else { return "unknown" }
        return Hex.lowercase(bytes)
    }

    /// A note is: name size 4, description size, type 3, "GNU", description.
    private static func find(_ file: [UInt8]) -> ArraySlice<UInt8>? {
        let tail: [UInt8] = [3, 0, 0, 0, 0x47, 0x4E, 0x55, 0]
        var index = 8
        while index + 8 + 64 < min(file.count, 1 << 16) {
            if file[index] == 3 && file[index..<(index + 8)].elementsEqual(tail) && file[index - 8] == 4 {
                let count = Int(file[index - 4])
                if count > 0 && count <= 64 { return file[(index + 8)..<(index + 8 + count)] }
            }
            index += 4
        }
        return nil
    }
}
