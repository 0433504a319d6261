// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO
import Schema
import YAML

/// A file, or a folder of files, that kcsmuxd's file includes.
public struct IncludedFile: Sendable {
    /// Its path, as it is printed.
    public let path: String
    /// Where the file says so.
    public let mark: Mark
}

/// The channels of a file and of those that it includes, in this order: its own first. An included file has channels and
/// nothing else, and includes none.
struct Inclusion {
    /// As many files.
    static let mostFiles = 256
    /// As many bytes in all of them together.
    static let mostBytes = 4 << 20
    /// As many channels in all of them together.
    static let mostChannels = 4096

    /// What was included so far.
    private(set) var files: [IncludedFile] = []
    /// What the channels were made of.
    private(set) var nodes: [Node] = []
    private var channels: [Value] = []
    private let folder: String
    private var bytes: Int
    private let devices: [DeviceType]
    private let diagnostics: Diagnostics

    /// Nothing yet; `file` is the one that includes, and has so many bytes.
    init(_ file: String, _ bytes: Int, _ devices: [DeviceType], _ diagnostics: Diagnostics) {
        folder = Path.hasFolder(file) ? Path.parent(of: file) + "/" : ""
        self.bytes = bytes
        self.devices = devices
        self.diagnostics = diagnostics
    }

    /// The channels of a file that was checked, and made of `root`.
    mutating func add(_ file: Value, _ root: Node) {
        guard let list = file["channels"].list, case .sequence(let elements) = root.value(of: "channels")?.content
        else { return }
        channels += list
        nodes += elements
    }

    /// What the key `include` names: a path, or a list of them.
    mutating func read(_ include: Value) {
        guard let named = include.oneOf?.value else { return }
        for entry in named.list ?? [named] {
            if let path = entry.text { read(path, entry.mark) }
        }
        if channels.count > Inclusion.mostChannels {
            diagnostics.error("more than \(Inclusion.mostChannels) channels in all files together", at: include.mark)
        }
    }

    /// The file with all channels, as one that includes nothing.
    func merged(_ file: Value) -> Value {
        guard file["include"].isGiven, let members = file.object else { return file }
        return Value(
            type: file.type, mark: file.mark, isGiven: true,
            payload: .object(
                members.map { member in
                    let mark = member.value.mark
                    switch member.key {
                    case "include":
                        return Value.Member(
                            member.key, Value(type: .absent, mark: mark, isGiven: false, payload: .absent))
                    case "channels":
                        return Value.Member(
                            member.key, Value(type: .list, mark: mark, isGiven: true, payload: .list(channels)))
                    default: return member
                    }
                }))
    }

    private mutating func read(_ named: String, _ mark: Mark) {
        let path = named.utf8.first == UInt8(ascii: "/") ? named : folder + named
        do throws(SystemError) {
            let status = try Syscalls.stat(path)
            guard status.isFolder else { return try read(file: path, status, mark) }
            files.append(IncludedFile(path: path, mark: mark))
            let names = try Syscalls.list(path).filter { isYAML($0) && $0.utf8.first != UInt8(ascii: ".") }
            for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
                let file = (path.utf8.last == UInt8(ascii: "/") ? path : path + "/") + name
                try read(file: file, Syscalls.stat(file), mark)
            }
        } catch {
            // A folder that is not there holds no channels; one that is misspelt is worth a line all the same.
            if error.errno == .noSuchFile && error.subject == path && !isYAML(path) {
                diagnostics.warning("there is no folder \(quote(path)); nothing is included", at: mark)
            } else {
                diagnostics.error("\(error.subject): \(ConfigurationFile.reason(error))", at: mark)
            }
        }
    }

    private mutating func read(file path: String, _ status: FileStatus, _ mark: Mark) throws(SystemError) {
        // Nothing else is opened: a pipe would be waited for.
        guard status.isRegular else {
            diagnostics.error("\(path) is no regular file; it can't be included", at: mark)
            return
        }
        guard files.count < Inclusion.mostFiles, bytes < Inclusion.mostBytes else {
            diagnostics.error(
                "\(path) is too much; \(Inclusion.mostFiles) files and folders, and "
                    + "\(Quantity.size(UInt64(Inclusion.mostBytes))) in all, may be included", at: mark)
            return
        }
        files.append(IncludedFile(path: path, mark: mark))
        let text = try Syscalls.readFile(path, limit: Limits().bytes)
        bytes += text.count
        let source = diagnostics.add(file: path, text: text)
        guard let root = Document.parse(text, diagnostics, source: source) else { return }
        let value = Checker(diagnostics).check(
            root, Keys.included(devices), at: root.mark, subject: "an included file")
        CrossChecks(diagnostics).version(value["version"])
        add(value, root)
    }

    private func isYAML(_ name: String) -> Bool { Array(name.utf8).suffix(5).elementsEqual(".yaml".utf8) }
}
