// SPDX-License-Identifier: Apache-2.0
//
// Crashes of the last hour, by channel and plugins, in a small file of the state folder: what one start of the daemon counts,
// the next one knows. The file is text, a line each, and anybody may have written anything into it:
//
//     kcsmux-crashes 1
//     CHANNEL PLUGIN[,PLUGIN…] SECOND…        seconds since 1970
import CLinux
import Events
import LinuxIO

/// How often channels have crashed, over restarts of the daemon.
final class CrashLedger {
    /// Crashes count for so many seconds.
    static let life: UInt64 = 3600
    /// So many are remembered of a channel: more than any configuration asks for.
    static let most = 100
    private static let head = "kcsmux-crashes 1"
    private static let mostChannels = 4096

    private struct Entry {
        let channel: String
        let plugins: String
        var times: [UInt64]
    }

    private let path: String
    private let worker: Worker
    private var entries: [Entry] = []

    /// What the file in that folder says; nothing if there is none.
    init(folder: String, _ worker: Worker) {
        path = "\(folder)/crashes"
        self.worker = worker
        let bytes = (try? Syscalls.readFile(path, limit: 4 << 20)) ?? []
        let lines = String(decoding: bytes, as: UTF8.self).parts(at: UInt8(ascii: "\n"))
        guard lines.first == Self.head else { return }
        let now = Self.now
        for line in lines.dropFirst().prefix(Self.mostChannels) {
            let words = line.parts(at: UInt8(ascii: " "))
            guard words.count > 2 else { continue }
            // A clock that was not set when it was written, or is not now, does not make a crash last longer.
            let times = words[2...].suffix(Self.most).compactMap { UInt64($0) }.map { min($0, now) }
            entries.append(Entry(channel: words[0], plugins: words[1], times: times))
        }
    }

    private static var now: UInt64 { Clock.real / 1_000_000_000 }

    private func index(_ channel: String, _ plugins: String) -> Int? {
        entries.firstIndex {
            $0.channel.utf8.elementsEqual(channel.utf8) && $0.plugins.utf8.elementsEqual(plugins.utf8)
        }
    }

    /// Crashes of a channel with these plugins in the last hour.
    func count(_ channel: String, _ plugins: String) -> Int {
        guard let index = index(channel, plugins) else { return 0 }
        let now = Self.now
        return entries[index].times.count { now < $0 + Self.life }
    }

    /// One more crash; how many that makes in the last hour. `atOnce`: nothing is served yet, and the next crash may come
    /// before the worker gets to it.
    func note(_ channel: String, _ plugins: String, atOnce: Bool) -> Int {
        let now = Self.now
        // Other plugins are another matter.
        entries.removeAll {
            $0.channel.utf8.elementsEqual(channel.utf8) && !$0.plugins.utf8.elementsEqual(plugins.utf8)
        }
        if index(channel, plugins) == nil { entries.append(Entry(channel: channel, plugins: plugins, times: [])) }
        guard let index = index(channel, plugins) else { return 1 }
        entries[index].times = entries[index].times.filter { now < $0 + Self.life }.suffix(Self.most - 1) + [now]
        save(atOnce: atOnce)
        return entries[index].times.count
    }

    /// Somebody wants the channel to run: what was counts no more.
    func forgive(_ channel: String) {
        let before = entries.count
        entries.removeAll { $0.channel.utf8.elementsEqual(channel.utf8) }
        if entries.count != before { save() }
    }

    /// Written anew and put in place as a whole. That it can't be written is no reason to stop anything.
    private func save(atOnce: Bool = false) {
        var text = "\(Self.head)\n"
        for entry in entries {
            text += "\(entry.channel) \(entry.plugins)\(entry.times.map { " \($0)" }.joined())\n"
        }
        let (path, bytes) = (self.path, Array(text.utf8))
        if atOnce { return Self.write(bytes, path) }
        _ = worker.submit({ Self.write(bytes, path) }) {}
    }

    private static func write(_ bytes: [UInt8], _ path: String) {
        try? Syscalls.makeFolders(Path.parent(of: path))
        let temporary = path + ".new"
        guard let file = try? Syscalls.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600),
            bytes.withUnsafeBytes({ Syscalls.writeAll(file.raw, $0) }).errno == nil,
            Syscalls.sync(file.raw).errno == nil
        else { return }
        try? Syscalls.rename(temporary, to: path)
    }
}
