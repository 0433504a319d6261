// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import LinuxIO

/// Loads plugins, each file once.
public final class PluginLoader {
    private var folders: [String]
    private var trust: PluginFile.Trust
    private var loaded: [LoadedPlugin] = []
    /// What each name stood for when it was last found.
    private var found: [(name: String, plugin: LoadedPlugin)] = []

    /// A loader that looks for short names in `folders`, in that order.
    public init(folders: [String], trust: PluginFile.Trust) {
        self.folders = folders
        self.trust = trust
    }

    /// Plugins whose file is another than the one that was loaded.
    public var changedOnDisk: [LoadedPlugin] { loaded.filter { $0.isChangedOnDisk } }

    /// Looks elsewhere, or trusts otherwise, from now on. What is loaded stays.
    public func reconfigure(folders: [String], trust: PluginFile.Trust) {
        self.folders = folders
        self.trust = trust
    }

    /// The order of the search: the file's own `plugin_path`, the environment's KCSMUX_PLUGIN_PATH, the folder of the
    /// running program, and the system's.
    public static func searchPath(_ configured: [String]) -> [String] {
        var folders = configured
        if let variable = CurrentProcess.environment("KCSMUX_PLUGIN_PATH") {
            folders += variable.parts(at: UInt8(ascii: ":"))
        }
        if let executable = CurrentProcess.executable { folders.append(Path.parent(of: executable)) }
        folders.append("/usr/lib/kcsmux/plugins")
        return folders
    }

    /// The plugin of that name or path, loaded now or before.
    public func load(_ name: String) -> Result<LoadedPlugin, LoadFailure> {
        let file: PluginFile
        switch PluginFile.find(name, in: folders, trust: trust) {
        case .success(let found): file = found
        case .failure(let failure):
            // Its file is being exchanged, perhaps. What runs was checked when it was loaded, and runs on.
            guard failure.rule == .found, let earlier = found.first(where: { $0.name == name }) else {
                return .failure(failure)
            }
            earlier.plugin.isChangedOnDisk = true
            return .success(earlier.plugin)
        }
        let result = load(file)
        if case .success(let plugin) = result {
            found.removeAll { $0.name == name }
            found.append((name, plugin))
        }
        return result
    }

    private func load(_ file: PluginFile) -> Result<LoadedPlugin, LoadFailure> {
        for plugin in loaded where plugin.file.path == file.path {
            // A library is never unloaded, and two versions of one in a process would share nothing but trouble.
            plugin.isChangedOnDisk = plugin.file.identity != file.identity || plugin.file.modified != file.modified
            return .success(plugin)
        }
        let result = Self.open(file)
        if case .success(let plugin) = result { loaded.append(plugin) }
        return result
    }

    private static func open(_ file: PluginFile) -> Result<LoadedPlugin, LoadFailure> {
        let library: DynamicLibrary
        switch DynamicLibrary.load(file.path) {
        case .success(let opened): library = opened
        case .failure(let error): return .failure(LoadFailure(file.path, .sharedLibrary, error.reason))
        }
        guard let now = try? Syscalls.stat(file.path), now.identity == file.identity else {
            return .failure(LoadFailure(file.path, .trusted, "the file was exchanged while it was being loaded"))
        }
        guard let symbol = library.symbol("kcs_plugin_entry") else {
            return .failure(LoadFailure(file.path, .entry, "it has no such symbol"))
        }
        // The symbol's type is the header's promise; nothing can check it.
        typealias Entry = @convention(c) () -> UnsafePointer<kcs_plugin>?
        guard let descriptor = unsafeBitCast(symbol, to: Entry.self)() else {
            return .failure(LoadFailure(file.path, .entry, "it returned no descriptor"))
        }
        return Descriptor.check(descriptor, of: file)
    }
}
