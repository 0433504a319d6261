// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO

extension PluginLoader {
    /// The short names that files of these folders have, each with the folder in which it is found first.
    public static func names(in folders: [String]) -> [(name: String, folder: String)] {
        var names: [(name: String, folder: String)] = []
        for folder in folders {
            for file in ((try? Syscalls.list(folder)) ?? []).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
            {
                guard let name = shortName(file), !names.contains(where: { $0.name.utf8.elementsEqual(name.utf8) })
                else { continue }
                names.append((name, folder))
            }
        }
        return names
    }

    /// "mctp" of "libkcs-mctp.so".
    private static func shortName(_ file: String) -> String? {
        let bytes = Array(file.utf8)
        let lead = Array("libkcs-".utf8)
        let end = Array(".so".utf8)
        guard bytes.count > lead.count + end.count, bytes.starts(with: lead), bytes.suffix(end.count).elementsEqual(end)
        else { return nil }
        let name = String(decoding: bytes[lead.count..<(bytes.count - end.count)], as: UTF8.self)
        return PluginFile.isName(name) ? name : nil
    }
}
