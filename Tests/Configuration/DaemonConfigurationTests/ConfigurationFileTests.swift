// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing
import YAML

@testable import DaemonConfiguration

@Suite struct ConfigurationFileTests {
    private static let smallest =
        "version: 1\nchannels:\n- {name: a, device: {type: raw-kcs, path: /dev/raw-kcs1}, plugin: echo}"

    @Test func smallestFileHasEveryDefault() throws {
        let result = try configuration(Self.smallest)
        let capture = CaptureConfiguration(
            mode: .ring, events: 4096, persist: false, maxSize: 16 << 20, maxFiles: 4,
            directory: "/var/lib/kcsmux/capture")
        #expect(result.pluginPath == [])
        #expect(result.stateDirectory == "/var/lib/kcsmux")
        #expect(result.pluginTrust == .strict)
        #expect(result.sysrqPath == "/proc/sysrq-trigger" && !result.isSysrqPathGiven)
        #expect(result.hangTimeout == .seconds(2))
        #expect(result.realtime == nil)
        #expect(
            result.control
                == ControlConfiguration(
                    socket: "/run/kcsmux/control.sock", mode: 0o600, group: nil, groupOrigin: Origin(.start),
                    isGiven: false))
        #expect(result.capture == capture)
        let channel = try #require(result.channels.first)
        #expect(channel.name == "a" && channel.enabled)
        #expect(channel.device.type.name == "raw-kcs" && channel.device.path == "/dev/raw-kcs1")
        #expect(
            channel.device.driver == .v2 && !channel.device.isDriverGiven && channel.device.wait == .seconds(30))
        #expect(channel.device.window == nil)
        #expect(channel.handlers.map { $0.plugin } == ["echo"])
        #expect(channel.handlers[0].options == nil)
        #expect(
            channel.transfer
                == TransferConfiguration(
                    handshake: .strict, isHandshakeGiven: false, rest: .auto, timeout: .seconds(4),
                    timeoutOrigin: Origin(.start)))
        #expect(channel.capture == capture)
        #expect(
            channel.restart
                == RestartConfiguration(policy: .onFailure, backoff: .seconds(1), backoffMax: .seconds(60), giveUp: 5))
        #expect(channel.callBudget == .milliseconds(10))
        #expect(channel.nameOrigin.mark == Mark(line: 3, column: 10))
        #expect(channel.device.pathOrigin.mark == Mark(line: 3, column: 43))
        #expect(channel.handlers[0].pluginOrigin.mark == Mark(line: 3, column: 67))
    }

    @Test func everyKeyIsRead() throws {
        let result = try configuration(
            """
            version: 1
            plugin_path: [/a, b/c]
            state_directory: /state
            plugin_trust: any
            sysrq_path: /tmp/sysrq
            hang_timeout: 5s
            realtime: {policy: fifo, priority: 7, lock_memory: true, cpu: 1}
            control: {socket: /c.sock, mode: 0660, group: kcsmux}
            capture: {mode: file, events: 100, persist: true, max_size: 1MiB, max_files: 9, directory: /cap}
            channels:
              - name: one
                enabled: false
                device:
                  type: sim
                  path: /sim
                  driver: deferred
                  wait: 1s
                  window: {type: memory, path: /dev/mem, offset: 0x9ef00000, size: 1MiB}
                plugin: ./libkcs-x.so
                options: {a: [1]}
                transfer: {handshake: strict, rest: idle, timeout: 1s}
                capture: {mode: none, events: 16, persist: false, max_size: 64KiB, max_files: 1, directory: /other}
                restart: {policy: never, backoff: 2s, backoff_max: 3s}
                call_budget: 1ms
              - name: two
                device: {type: ipmi-kcs, path: /dev/ipmi-kcs3}
                plugins:
                  - {plugin: ipmi-lite, options: {x: 1}}
                  - plugin: oem
                transfer: {timeout: 2s}
                capture: {mode: ring}
            """)
        #expect(result.pluginPath == ["/a", "b/c"])
        #expect(result.stateDirectory == "/state" && result.pluginTrust == .any)
        #expect(result.sysrqPath == "/tmp/sysrq" && result.isSysrqPathGiven)
        #expect(result.hangTimeout == .seconds(5))
        #expect(result.realtime == RealtimeConfiguration(fifoPriority: 7, lockMemory: true, cpu: 1))
        #expect(
            result.control
                == ControlConfiguration(
                    socket: "/c.sock", mode: 0o660, group: "kcsmux", groupOrigin: Origin(.start), isGiven: true))
        let capture = CaptureConfiguration(
            mode: .file, events: 100, persist: true, maxSize: 1 << 20, maxFiles: 9, directory: "/cap")
        #expect(result.capture == capture)
        try #require(result.channels.count == 2)
        let (one, two) = (result.channels[0], result.channels[1])
        #expect(!one.enabled && two.enabled)
        #expect(one.device.type.name == "sim" && one.device.path == "/sim" && one.device.wait == .seconds(1))
        #expect(one.device.driver == .deferred && one.device.isDriverGiven)
        #expect(
            one.device.window
                == WindowConfiguration(kind: .memory, path: "/dev/mem", offset: 0x9ef0_0000, size: 1 << 20))
        #expect(one.handlers.map { $0.plugin } == ["./libkcs-x.so"])
        #expect(one.handlers[0].options?.value(of: "a")?.mark == Mark(line: 20, column: 18))
        #expect(
            one.transfer
                == TransferConfiguration(
                    handshake: .strict, isHandshakeGiven: true, rest: .idle, timeout: .seconds(1),
                    timeoutOrigin: Origin(.start)))
        #expect(
            one.capture
                == CaptureConfiguration(
                    mode: .none, events: 16, persist: false, maxSize: 65536, maxFiles: 1, directory: "/other"))
        #expect(
            one.restart
                == RestartConfiguration(policy: .never, backoff: .seconds(2), backoffMax: .seconds(3), giveUp: 5))
        #expect(one.callBudget == .milliseconds(1))
        #expect(two.device.type.name == "ipmi-kcs")
        #expect(two.handlers.map { $0.plugin } == ["ipmi-lite", "oem"])
        #expect(two.handlers.map { $0.options == nil } == [false, true])
        #expect(two.transfer.timeout == .seconds(2))
        var inherited = capture
        inherited.mode = .ring
        #expect(two.capture == inherited, "what a channel does not say comes from the file's own capture")
    }

    @Test func handshakeIsFastForADeferredDriverUnlessTheFileSaysOtherwise() throws {
        func handshake(_ driver: String, _ transfer: String) throws -> TransferConfiguration {
            try configuration(
                "version: 1\nchannels:\n- {name: a, device: {type: sim, path: x, driver: \(driver)}, plugin: e\(transfer)}"
            ).channels[0].transfer
        }
        #expect(try handshake("v2", "").handshake == .strict)
        #expect(try handshake("fixed", "").handshake == .strict)
        #expect(try handshake("deferred", "").handshake == .fast)
        #expect(try handshake("deferred", ", transfer: {handshake: strict}").handshake == .strict)
    }

    @Test func controlThatIsGivenIsKnownToBe() throws {
        #expect(try configuration(Self.smallest + "\ncontrol: {}").control.isGiven)
    }

    @Test func realtimePolicyIsLeftAloneUnlessAskedFor() throws {
        let result = try configuration(Self.smallest + "\nrealtime: {lock_memory: true}")
        #expect(result.realtime == RealtimeConfiguration(fifoPriority: nil, lockMemory: true, cpu: nil))
        let fifo = try configuration(Self.smallest + "\nrealtime: {policy: fifo}")
        #expect(fifo.realtime?.fifoPriority == 50)
    }

    @Test func emptyListOfChannelsIsAWarning() {
        let outcome = parse("version: 1\nchannels: []")
        #expect(said(outcome.diagnostics) == ["2:11 warning: there are no channels"])
        #expect(outcome.configuration?.channels == [])
    }

    @Test func fastOnADriverThatTakesIDRIsAWarning() {
        func said(_ driver: String, _ handshake: String) -> [String] {
            let channel = "{name: a, device: {type: raw-kcs, path: x\(driver)}, plugin: e, transfer: {\(handshake)}}"
            return DaemonConfigurationTests.said(parse("version: 1\nchannels:\n- \(channel)").diagnostics)
        }
        for (driver, name) in [("", "v2"), (", driver: v2", "v2"), (", driver: fixed", "fixed")] {
            let words = said(driver, "handshake: fast")
            #expect(words.count == 1 && words[0].contains("warning: 'handshake' is fast, but the driver is \(name)"))
        }
        #expect(said(", driver: deferred", "handshake: fast") == [])
        #expect(said("", "handshake: strict") == [])
    }

    @Test func equalChannelsAreThoseThatBehaveTheSame() throws {
        let base = try configuration(Self.smallest)
        let moved = try configuration(
            """
            # moved, and written out
            version: 1
            capture: {mode: ring}
            channels:
              - name: a
                plugin: echo
                device:
                  path: "/dev/raw-kcs1"
                  type: raw-kcs
                restart: {backoff: 1000ms}
                call_budget: 10ms
            """)
        #expect(base.channels == moved.channels)
        #expect(base == moved)
        let changes = [
            "enabled: false", "call_budget: 9ms", "restart: {policy: never}", "options: {}", "capture: {events: 99}",
            "transfer: {timeout: 1s}", "transfer: {handshake: fast}",
        ]
        for change in changes {
            let other = try #require(parse(String(Self.smallest.dropLast()) + ", \(change)}").configuration)
            #expect(other.channels != base.channels, "\(change)")
        }
        let inherited = try configuration(Self.smallest + "\ncapture: {events: 99}")
        #expect(inherited.channels != base.channels, "a default that changed changes the channels that inherit it")
    }

    @Test func optionsDifferByContentOnly() throws {
        func handler(_ options: String) throws -> HandlerConfiguration {
            try configuration(String(Self.smallest.dropLast()) + ", options: \(options)}").channels[0].handlers[0]
        }
        #expect(try handler("{a: 1}") == handler("{   a:   1 }"))
        #expect(try handler("{a: 1}") != handler("{a: '1'}"))
        #expect(try handler("{a: 1}") != handler("{a: 2}"))
    }

    @Test func optionsAreCheckedAgainstWhatThePluginDeclaresAtTheirPlaces() throws {
        let shape = OptionShape(
            .object,
            children: [
                .init(.duration, key: "cooldown", defaultText: "10s"), .init(.path, key: "file", required: true),
            ])
        let outcome = parse(String(Self.smallest.dropLast()) + ",\n  options: {cooldwn: 5s}}")
        let handler = try #require(outcome.configuration?.channels[0].handlers[0])
        _ = handler.check(shape, outcome.diagnostics)
        #expect(
            said(outcome.diagnostics) == [
                "4:12 missing key 'file'", "4:13 unknown key 'cooldwn' (did you mean 'cooldown'?)",
            ])
        let bare = parse(Self.smallest)
        let value = try #require(bare.configuration).channels[0].handlers[0].check(shape, bare.diagnostics)
        #expect(said(bare.diagnostics) == ["3:67 missing key 'file'"])
        #expect(value["cooldown"].duration == .seconds(10))
    }

    // MARK: files

    @Test func folderIsNotAFile() {
        let outcome = ConfigurationFile.load(path: "/tmp", devices: deviceTypes)
        #expect(outcome.configuration == nil)
        #expect(outcome.diagnostics.render() == "/tmp: error: Is a directory\n")
    }

    @Test func missingFileIsNamed() {
        let outcome = ConfigurationFile.load(path: "/nowhere/kcsmux.yaml", devices: deviceTypes)
        #expect(outcome.diagnostics.render() == "/nowhere/kcsmux.yaml: error: No such file or directory\n")
    }

    @Test func endlessFileIsCutOff() {
        #expect(
            ConfigurationFile.load(path: "/dev/zero", devices: deviceTypes).diagnostics.render()
                == "/dev/zero: error: larger than 1MiB\n")
    }

    @Test func emptyFileIsRefused() {
        #expect(
            ConfigurationFile.load(path: "/dev/null", devices: deviceTypes).diagnostics.render()
                == "/dev/null:1:1: error: the file is empty\n  \n  ^\n")
    }
}
