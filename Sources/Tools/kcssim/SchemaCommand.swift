// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Devices
import LinuxIO
import PluginHost

/// `kcssim schema`
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Prints a JSON Schema of kcsmuxd's file, with the options of all plugins that are found.",
        discussion: """
            Editors complete and check a file by it: with yaml-language-server, write it to kcsmux.schema.json, and \
            `# yaml-language-server: $schema=kcsmux.schema.json` into the file's first line.
            """)

    @Option(help: "A folder in which plugins are looked for first; may be given again.")
    var pluginPath: [String] = []

    func run() throws {
        let folders = PluginLoader.searchPath(pluginPath)
        let loader = PluginLoader(folders: folders, trust: .any)
        var plugins: [LoadedPlugin] = []
        for (name, _) in PluginLoader.names(in: folders) {
            switch loader.load(name) {
            case .success(let plugin): plugins.append(plugin)
            // One that cannot be loaded has no options.
            case .failure(let failure):
                _ = Array("kcssim: \(failure.description)\n".utf8).withUnsafeBytes { Syscalls.writeAll(2, $0) }
            }
        }
        say(String(decoding: FileSchema(plugins).line(DeviceKind.all).dropLast(), as: UTF8.self))
    }
}
