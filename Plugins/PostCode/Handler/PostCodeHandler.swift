// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import PluginKit

/// Records the post codes that a booting host CPU writes: in the log as they come, in the status display, and in a file that
/// survives the BMC's own restart. What the host CPU died of is then the last code of its last boot.
public final class PostCodeHandler: Handler {
    private let logs: Bool
    private let path: String?
    private var history: PostCodeHistory
    private var file = ""
    private var timer: HandlerTimer?
    private var isSaveDue = false
    private var isFileNewer = false
    private var isFileBroken = false

    private var codes: UInt64 = 0
    private var boots: UInt64 = 0
    private var commands: UInt64 = 0

    /// How long a code may be in memory alone: a boot writes hundreds, and flash wears.
    private static let savePause = Duration.seconds(1)
    /// Codes in the status display, of each boot.
    private static let shown = 24

    /// The plugin.
    public static let plugin: Plugin = Plugin(
        name: "post-code", version: "0.1.0", summary: "records the post codes of a booting host CPU",
        inputs: [.automatic], needs: [.dataIn],
        options: [
            .integer("keep", 1...4096, default: "256", help: "codes of a boot that are kept, the latest"),
            .path("path", owned: true, help: "their file; default post-codes in the channel's state folder"),
            .bool("log", default: "true", help: "a line in the log for each code"),
        ],
        create: { plugin.create($0, $1, $2, $3) { PostCodeHandler(host: $0, options: $1) } })

    init(host: Host, options: OptionValue) {
        logs = options["log"].bool
        path = options["path"].ifPresent?.path
        history = PostCodeHistory(limit: Int(options["keep"].integer))
        super.init(host: host)
    }

    /// Codes come as they are written; those of earlier boots are read meanwhile.
    public override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        let path = self.path ?? "\(info.stateFolder)/post-codes"
        let limit = history.limit
        file = path
        timer = host.timer(for: self) { handler, _ in handler.save() }
        let status = host.work(for: self) {
            Self.attempt { () throws(SystemError) in try Found(limit: limit, PostCodeFile.read(path)) }
        } done: { handler, found in
            switch found {
            case .success(.codes(let earlier)): handler.history.prepend(earlier)
            case .success(.newer(let format)): handler.leaveAlone(format)
            case .failure(let error): handler.host.log(.warning, "post codes of earlier boots: \(error.description)")
            }
        }
        if status != .ok { host.log(.warning, "post codes of earlier boots: the worker's queue is full") }
        return .automatic
    }

    /// Saves what is in memory alone.
    public override func stop(_ reason: Reason) {
        if isSaveDue { save() }
        timer = nil
    }

    /// A code. What comes through the command port is none.
    public override func data(_ value: UInt8, str: STR, now: UInt64) {
        guard !str.contains(.command) else {
            commands += 1
            return
        }
        codes += 1
        history.add(PostCodeHistory.Code(value, time: Clock.real))
        if logs { host.log(.notice, "post code \(name(of: value))") }
        saveSoon(now: now)
    }

    /// The host CPU was reset: its next code is the first of a boot.
    public override func reset(now: UInt64) {
        boots += 1
        history.beginBoot()
        saveSoon(now: now)
    }

    /// How many there were, and the latest of both boots.
    public override func stats(_ stats: Stats) {
        stats.count("codes", codes)
        stats.count("boots", boots)
        stats.count("command_bytes_ignored", commands)
        stats.text("last_boot", Self.words(history.latest))
        stats.text("boot_before", Self.words(history.previous))
    }

    private static func words(_ codes: [PostCodeHistory.Code]) -> String {
        guard !codes.isEmpty else { return "no code" }
        let words = codes.suffix(shown).map { name(of: $0.value) }
        return (codes.count > shown ? "… " : "") + words.joined(separator: " ")
    }

    // MARK: The file

    private enum Found {
        case codes(PostCodeHistory)
        case newer(UInt64)

        init(limit: Int, _ text: [UInt8]) {
            let newer = PostCodeHistory.newerFormat(text)
            self = newer.map { .newer($0) } ?? .codes(PostCodeHistory(limit: limit, text: text))
        }
    }

    private func leaveAlone(_ format: UInt64) {
        isFileNewer = true
        host.log(
            .error,
            """
            \(file) has format \(format), which a newer version wrote; this one knows \(PostCodeHistory.format): it is left \
            alone, and nothing is saved
            """)
    }

    private func saveSoon(now: UInt64) {
        guard !isSaveDue, let timer else { return }
        isSaveDue = true
        timer.set(now + Self.savePause)
    }

    private func save() {
        isSaveDue = false
        guard !isFileNewer else { return }
        let (path, history) = (file, history)
        let status = host.work(for: self) {
            Self.attempt { () throws(SystemError) in try PostCodeFile.replace(path, with: history.text) }
        } done: { handler, ending in
            handler.saved(ending)
        }
        if status != .ok { host.log(.warning, "post codes are not saved: the worker's queue is full") }
    }

    /// One line until it works: the file is tried with each save.
    private func saved(_ ending: Result<Void, SystemError>) {
        switch ending {
        case .success: isFileBroken = false
        case .failure(let error):
            if !isFileBroken { host.log(.error, "post codes are not saved: \(error.description)") }
            isFileBroken = true
        }
    }

    private static func attempt<Value>(_ body: () throws(SystemError) -> Value) -> Result<Value, SystemError> {
        do { return .success(try body()) } catch { return .failure(error) }
    }
}
