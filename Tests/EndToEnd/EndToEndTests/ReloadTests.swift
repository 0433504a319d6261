// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension EndToEnd {
    @Suite struct ReloadTests {
        private let bench = Bench()

        private func reload(_ daemon: Program) -> String {
            daemon.signal(SIGHUP)
            return daemon.line("reload") ?? "no answer: \(daemon.log)"
        }

        @Test func onlyWhatChangedIsTouched() throws {
            let probe = try bench.build("probe")
            func configure(_ tag: Int, _ extra: String...) throws {
                try bench.configure(
                    bench.channel("same", probe), bench.channel("other", probe, "options: {tag: \(tag)}"),
                    extra.joined(separator: "\n"))
            }
            try configure(1)
            let daemon = try bench.start(running: 2)
            let (same, other) = (try bench.host("same"), try bench.host("other"))
            #expect(reload(daemon).contains("no channel changed"))
            // A byte lies in ODR, and stays there.
            #expect(same.send(0x21, deadline: deadline))
            #expect(same.wait(for: 1, toBe: 1, deadline: deadline))
            try configure(2)
            daemon.signal(SIGHUP)
            #expect(daemon.line("other: stop: reason 1") != nil, "\(daemon.log)")
            #expect(daemon.line("other: start: reason 1") != nil)
            #expect(daemon.line("reloaded", "~other")?.contains("same") == false)
            #expect(same.receive(deadline: deadline) == 0x21)
            #expect(same.exchange(0x22) == 0x22)
            #expect(other.exchange(0x23) == 0x23)
            try configure(2, bench.channel("third", probe), bench.channel("fourth", probe))
            #expect(reload(daemon).contains("+third +fourth"))
            #expect(try bench.host("third").exchange(0x31) == 0x31)
            #expect(try bench.host("fourth").exchange(0x32) == 0x32)
            try bench.configure(bench.channel("same", probe))
            #expect(reload(daemon).contains("-other -third -fourth"))
            #expect(!(try bench.host("other").state.isOpen))
            #expect(same.exchange(0x24) == 0x24)
            #expect(!daemon.log.contains("same: stop"))
        }

        @Test func invalidFileChangesNothingAndSaysSo() throws {
            try bench.configure(bench.channel("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            try bench.folder.write("kcsmux.yaml", "version: 1\nchannels: [{name: a}]\nextra: 1\n")
            #expect(reload(daemon).contains("is invalid, nothing was changed"))
            #expect(daemon.line("kcsmux.yaml:3:1: error: ") != nil, "\(daemon.log)")
            #expect(host.exchange(7) == 7)
            CLinux.unlink(bench.file)
            #expect(reload(daemon).contains("is invalid, nothing was changed"))
            #expect(host.exchange(8) == 8)
            try bench.configure(bench.channel("a"))
            #expect(reload(daemon).contains("no channel changed"))
        }

        @Test func fileThatIsAddedToAnIncludedFolderIsPickedUp() throws {
            try Syscalls.makeFolders("\(bench.path)/channels.d")
            func add(_ name: String) throws {
                try bench.folder.write(
                    "channels.d/\(name).yaml",
                    "channels: [{name: \(name), device: {type: sim, path: \(bench.path)/\(name)}, plugin: echo}]\n")
            }
            try bench.folder.write(
                "kcsmux.yaml",
                """
                version: 1
                state_directory: \(bench.path)/state
                capture: {directory: \(bench.path)/captures}
                include: channels.d
                """)
            try add("one")
            let daemon = try bench.start(running: 1)
            try add("two")
            #expect(reload(daemon).hasSuffix(": +two"))
            #expect(try bench.host("two").exchange(9) == 9)
            try bench.folder.write("channels.d/two.yaml", "channels:\n- {name: one}\n")
            #expect(reload(daemon).contains("is invalid, nothing was changed"))
            #expect(daemon.line("channels.d/two.yaml:2:3: error: missing key 'device'") != nil, "\(daemon.log)")
            #expect(daemon.line("the name 'one' is taken by the channel at", "channels.d/one.yaml:1") != nil)
            try add("two")
            CLinux.chmod("\(bench.path)/channels.d/two.yaml", 0o666)
            #expect(reload(daemon).contains("is invalid, nothing was changed"))
            #expect(
                daemon.line("channels.d/two.yaml is not trusted: the file is writable by others (mode 0666)") != nil)
            CLinux.unlink("\(bench.path)/channels.d/two.yaml")
            #expect(reload(daemon).hasSuffix(": -two"))
        }

        @Test func devicesMayChangeHands() throws {
            func configure(_ first: String, _ second: String) throws {
                try bench.folder.write(
                    "kcsmux.yaml",
                    """
                    version: 1
                    state_directory: \(bench.path)/state
                    capture: {directory: \(bench.path)/captures}
                    channels:
                      - {name: one, device: {type: sim, path: \(bench.path)/\(first)}, plugin: echo, options: {xor: 1}}
                      - {name: two, device: {type: sim, path: \(bench.path)/\(second)}, plugin: echo, options: {xor: 2}}
                    """)
            }
            try configure("a", "b")
            let daemon = try bench.start(running: 2)
            try configure("b", "a")
            #expect(reload(daemon).contains("~one ~two"))
            #expect(!daemon.log.contains("waiting"), "\(daemon.log)")
            #expect(try bench.host("a").exchange(0x40) == 0x42)
            #expect(try bench.host("b").exchange(0x40) == 0x41)
        }

        @Test func whatTakesEffectAtARestartOnlySaysSo() throws {
            func configure(_ folder: String, _ hang: String, _ priority: String) throws {
                try bench.folder.write(
                    "kcsmux.yaml",
                    """
                    version: 1
                    state_directory: \(bench.path)/\(folder)
                    hang_timeout: \(hang)
                    \(priority)
                    capture: {directory: \(bench.path)/captures}
                    channels:
                      - {name: one, device: {type: sim, path: \(bench.path)/a}, plugin: echo}
                    """)
            }
            try configure("state", "5s", "")
            let daemon = try bench.start()
            try configure("elsewhere", "6s", "realtime: {lock_memory: false}")
            daemon.signal(SIGHUP)
            for key in ["state_directory", "hang_timeout", "realtime"] {
                #expect(
                    daemon.line("reload: \(key) has changed; it takes effect at a restart") != nil, "\(daemon.log)")
            }
            #expect(daemon.line("reloaded", "no channel changed") != nil)
        }

        @Test func disabledChannelStopsAndStartsAgain() throws {
            try bench.configure(bench.channel("a"))
            let daemon = try bench.start()
            try bench.configure(bench.channel("a", "echo", "enabled: false"))
            #expect(reload(daemon).contains("~a"))
            let host = try bench.host("a")
            #expect(!host.state.isOpen)
            try bench.configure(bench.channel("a"))
            #expect(reload(daemon).contains("~a"))
            #expect(host.exchange(3) == 3)
        }

        @Test func pluginsFileThatChangedIsTold() throws {
            let probe = try bench.build("probe")
            try bench.configure(bench.channel("a", probe))
            let daemon = try bench.start()
            rename(probe, probe + ".old")
            #expect(reload(daemon).contains("has changed on disk"))
            _ = try bench.build("probe")
            #expect(reload(daemon).contains("no channel changed"))
            #expect(reload(daemon).contains("has changed on disk"), "told at every reload")
            #expect(try bench.host("a").exchange(5) == 5)
            #expect(!daemon.log.contains("a: stop"), "\(daemon.log)")
        }

        @Test func otherChannelsLoseNothingWhileOneChanges() throws {
            let names = (0..<8).map { "c\($0)" }
            func configure(_ xor: Int) throws {
                try bench.folder.write(
                    "kcsmux.yaml",
                    """
                    version: 1
                    state_directory: \(bench.path)/state
                    capture: {directory: \(bench.path)/captures}
                    channels:
                    \(names.map { bench.channel($0, "echo", $0 == "c7" ? "options: {xor: \(xor)}" : "") }
                        .joined(separator: "\n"))
                    """)
            }
            try configure(0)
            let daemon = try bench.start(running: 8)
            let stop = Flag()
            let began = Flag()
            let hosts = Moved(value: try names.dropLast().map { try bench.host($0) })
            let traffic = inBackground { () -> [Int] in
                var exchanges = [Int](repeating: 0, count: hosts.value.count)
                while !stop.isSet {
                    for (index, host) in hosts.value.enumerated() {
                        let value = UInt8(truncatingIfNeeded: exchanges[index])
                        if host.exchange(value) != value { return [] }
                        exchanges[index] += 1
                    }
                    began.set()
                }
                return exchanges
            }
            while !began.isSet { sched_yield() }
            for round in 1...repetitions(1_000) {
                try configure(round & 0xFF)
                daemon.signal(SIGHUP)
                #expect(daemon.line("kcsmuxd: reloaded")?.contains("~c7") == true, "round \(round): \(daemon.log)")
            }
            stop.set()
            let exchanges = traffic.wait() ?? []
            #expect(exchanges.count == 7)
            #expect(exchanges.allSatisfy { $0 > 0 }, "\(exchanges)")
            for name in names.dropLast() { #expect(!daemon.log.contains("\(name): stopped")) }
        }
    }
}
