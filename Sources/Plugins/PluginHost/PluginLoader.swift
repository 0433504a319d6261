// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import LinuxIO

/// Loads plugins, each file once.
public final class PluginLoader {
    private var folders: [String]
    private var trust: PluginFile.Trust
    private let trial: LoadTrial?
    private let progress: (LoadTrial.Step) -> Void
    private var loaded: [LoadedPlugin] = []
    /// What was loaded and found wrong; what a trial found wrong is tried again.
    private var refused: [(file: PluginFile, failure: LoadFailure)] = []
    /// What each name stood for when it was last found.
    private var found: [(name: String, plugin: LoadedPlugin)] = []

    /// A loader that looks for short names in `folders`, in that order. With `trial`, each file is loaded by another process
    /// first; `progress` is told before each step that could end the process.
    public init(
        folders: [String], trust: PluginFile.Trust, trial: LoadTrial? = nil,
        progress: @escaping (LoadTrial.Step) -> Void = { _ in }
    ) {
        self.folders = folders
        self.trust = trust
        self.trial = trial
        self.progress = progress
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
        let result = PluginFile.find(name, in: folders).flatMap { path in
            PluginFile.open(path, trust).flatMap { load($0.file, $0.image) }
        }
        switch result {
        case .success(let plugin):
            found.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
            found.append((name, plugin))
        case .failure(let failure):
            // Its file is being exchanged, perhaps. What runs was checked when it was loaded, and runs on.
            guard failure.rule == .found,
                let earlier = found.first(where: { $0.name.utf8.elementsEqual(name.utf8) })
            else { break }
            earlier.plugin.isChangedOnDisk = true
            return .success(earlier.plugin)
        }
        return result
    }

    private func load(_ file: PluginFile, _ image: PluginImage) -> Result<LoadedPlugin, LoadFailure> {
        for plugin in loaded where plugin.file.path.utf8.elementsEqual(file.path.utf8) {
            image.drop()
            // A library is never unloaded, and two versions of one in a process would share nothing but trouble.
            plugin.isChangedOnDisk = !plugin.file.isSame(file)
            return .success(plugin)
        }
        // Neither is one that was refused, so it is not loaded again.
        let path = file.path.utf8
        if let earlier = refused.first(where: { $0.file.path.utf8.elementsEqual(path) && $0.file.isSame(file) }) {
            image.drop()
            return .failure(earlier.failure)
        }
        if let failure = trial?.fault(file.path) {
            image.drop()
            return .failure(failure)
        }
        let result = open(file, image)
        switch result {
        case .success(let plugin): loaded.append(plugin)
        case .failure(let failure): refused.append((file, failure))
        }
        return result
    }

    private func open(_ file: PluginFile, _ image: PluginImage) -> Result<LoadedPlugin, LoadFailure> {
        progress(.loading)
        let library: DynamicLibrary
        switch DynamicLibrary.load(image.path) {
        case .success(let opened): library = opened
        case .failure(let error):
            image.drop()
            let reason = Self.replacing(image.path, by: file.path, in: error.reason)
            return .failure(LoadFailure(file.path, .sharedLibrary, reason))
        }
        if image.isFile {
            guard let now = try? Syscalls.stat(file.path), now.identity == file.identity else {
                return .failure(LoadFailure(file.path, .trusted, "the file was exchanged while it was being loaded"))
            }
        }
        guard let symbol = library.symbol("kcs_plugin_entry") else {
            return .failure(LoadFailure(file.path, .entry, "it has no such symbol"))
        }
        progress(.entering)
        // The symbol's type is the header's promise; nothing can check it.
        typealias Entry = @convention(c) () -> UnsafePointer<kcs_plugin>?
        guard let descriptor = unsafeBitCast(symbol, to: Entry.self)() else {
            return .failure(LoadFailure(file.path, .entry, "it returned no descriptor"))
        }
        progress(.reading)
        return Descriptor.check(descriptor, of: file)
    }

    /// The dynamic linker's sentence, with the plugin's name in place of its copy's.
    private static func replacing(_ name: String, by path: String, in text: String) -> String {
        guard text.utf8.starts(with: name.utf8) else { return text }
        return path + String(decoding: text.utf8.dropFirst(name.utf8.count), as: UTF8.self)
    }
}
