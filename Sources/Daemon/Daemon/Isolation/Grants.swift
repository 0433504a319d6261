// SPDX-License-Identifier: Apache-2.0
//
// What of the file system a channel's process reaches: what every program needs to run, and what the channel's own part of
// the configuration names.
import Devices
import JSON
import LinuxIO
import PluginHost
import Schema

extension ChannelPlan {
    /// Read by libraries on behalf of any program.
    private static let common = [
        "/usr", "/lib", "/lib64", "/sys", "/proc", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/localtime",
        "/etc/ld.so.cache", "/dev/urandom",
    ]
    /// Folders that nobody gets to write because an option names a file in them.
    private static let system = [
        "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc", "/sys", "/boot", "/root", "/home", "/run",
        "/var",
        "/var/lib", "/tmp",
    ]

    /// The files and folders of the channel's process.
    func grants(stateFolder: String) -> [Confinement.Grant] {
        var grants = Self.common.map { Confinement.Grant($0, isWritable: false) }
        grants.append(Confinement.Grant("/dev/null", isWritable: true))
        if let program = CurrentProcess.executable {
            grants.append(Confinement.Grant(Path.parent(of: program), isWritable: false))
        }
        grants.append(Confinement.Grant(stateFolder, isWritable: true))
        if device.kind.isSimulated { grants.append(Confinement.Grant(device.path, isWritable: true)) }
        for handler in handlers {
            grants.append(Confinement.Grant(Path.parent(of: handler.plugin.file.path), isWritable: false))
            for path in handler.options.allPaths {
                grants.append(Confinement.Grant(path, isWritable: true))
                // A file that is replaced as a whole needs its folder.
                let folder = Path.parent(of: path)
                let isSystem = folder == "/" || Self.system.contains { $0.utf8.elementsEqual(folder.utf8) }
                grants.append(Confinement.Grant(folder, isWritable: !isSystem))
            }
        }
        // Never all of it.
        return grants.filter { $0.path != "/" }
    }
}

extension Confinement.Grant {
    var json: JSONValue { .array([.string(path), .bool(isWritable)]) }

    init?(_ json: JSONValue) {
        guard let parts = json.elements, parts.count == 2, let path = parts[0].text, let isWritable = parts[1].bool
        else {
            return nil
        }
        self.init(path, isWritable: isWritable)
    }
}

extension WindowSource {
    var json: JSONValue {
        switch self {
        case .aspeedLPCControl(let path, let size):
            return ["lpc": .bool(true), "path": .string(path), "size": size.map { .unsigned($0) } ?? .null]
        case .memory(let path, let offset, let size):
            return [
                "path": .string(path), "offset": .unsigned(offset), "size": size.map { .unsigned($0) } ?? .null,
            ]
        }
    }

    init?(_ json: JSONValue) {
        guard let path = json["path"]?.text else { return nil }
        let size = json["size"]?.uint64
        self =
            json["lpc"]?.bool == true
            ? .aspeedLPCControl(path: path, size: size)
            : .memory(path: path, offset: json["offset"]?.uint64 ?? 0, size: size)
    }
}
