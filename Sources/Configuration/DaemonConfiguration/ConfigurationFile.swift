// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO
import Schema
import YAML

/// Reads kcsmuxd's file.
public enum ConfigurationFile {
    /// What came of a file.
    public struct Outcome {
        /// What the file says; nil when there is an error.
        public let configuration: Configuration?
        /// What could be read of it in spite of errors, for whoever looks for more of them; nil when nothing could.
        /// Nothing may act on it.
        public let draft: Configuration?
        /// The file's values, checked, with their defaults: what `draft` was made of.
        public let value: Value?
        /// The files and folders that the file includes.
        public var included: [IncludedFile] = []
        /// Everything there is to say about the file. More may be added, by whoever checks the plugins' options.
        public let diagnostics: Diagnostics
    }

    /// Reads a file of at most 1 MiB. `devices` are the types of devices that there are.
    public static func load(path: String, devices: [DeviceType]) -> Outcome {
        do {
            return parse(try Syscalls.readFile(path, limit: Limits().bytes), file: path, devices: devices)
        } catch {
            let diagnostics = Diagnostics(file: path)
            diagnostics.error(reason(error), at: nil)
            return Outcome(configuration: nil, draft: nil, value: nil, diagnostics: diagnostics)
        }
    }

    /// Why a file could not be read.
    static func reason(_ error: SystemError) -> String {
        error.errno == .tooLarge
            ? "larger than \(Quantity.size(UInt64(Limits().bytes)))" : error.errno.description
    }

    /// Reads bytes; `file` is the name to print, and its folder that of what it includes.
    public static func parse(_ bytes: [UInt8], file: String, devices: [DeviceType]) -> Outcome {
        let diagnostics = Diagnostics(file: file, text: bytes)
        guard let root = Document.parse(bytes, diagnostics) else {
            return Outcome(configuration: nil, draft: nil, value: nil, diagnostics: diagnostics)
        }
        let isWhole = root.value(of: "include") == nil
        let own = Checker(diagnostics).check(root, Keys.file(devices, needsChannels: isWhole), at: root.mark)
        var inclusion = Inclusion(file, bytes.count, devices, diagnostics)
        inclusion.add(own, root)
        inclusion.read(own["include"])
        let value = inclusion.merged(own)
        let configuration = ConfigurationReader(inclusion.nodes, devices, diagnostics).configuration(value)
        return Outcome(
            configuration: diagnostics.hasErrors ? nil : configuration, draft: configuration, value: value,
            included: inclusion.files, diagnostics: diagnostics)
    }
}
