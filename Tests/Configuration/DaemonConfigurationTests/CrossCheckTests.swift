// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import DaemonConfiguration

@Suite struct CrossCheckTests {
    /// The rest of a channel behind its name, and what is said of it; the channel begins at line 3.
    @Test(arguments: [
        ("device: {type: raw-kcs, path: /d}", "3:9 missing key 'plugin' (or 'plugins')"),
        (
            "device: {type: raw-kcs, path: /d}\n  plugins: []",
            "5:12 'plugins' is 0 elements long; it must be 1 to 16 elements"
        ),
        (
            "device: {type: raw-kcs, path: /d}\n  plugin: x\n  plugins: [{plugin: y}]",
            "6:12 'plugin' and 'plugins' exclude each other"
        ),
        (
            "device: {type: raw-kcs, path: /d}\n  options: {}\n  plugins: [{plugin: y}]",
            "5:12 'options' belong to each element of 'plugins'"
        ),
        ("device: {type: raw-kcs, path: /d}\n  plugins: [{options: {}}]", "5:13 missing key 'plugin'"),
        ("device: {type: raw-kcs, path: /d}\n  plugn: x", "5:3 unknown key 'plugn' (did you mean 'plugin'?)"),
        (
            "device: {type: raw-kcs, path: /d}\n  plugin: Echo",
            "5:11 'Echo' is no plugin's short name (a-z, 0-9, - and _), and without a / it is no path"
        ),
        (
            "device: {type: raw-kcs, path: /d}\n  plugins: [{plugin: libx.so}]",
            "5:22 'libx.so' is no plugin's short name (a-z, 0-9, - and _), and without a / it is no path"
        ),
        (
            "device: {type: raw-kcs, path: /d}\n  plugin: x\n  options: [a]",
            "6:12 'options' wants a mapping, not a list"
        ),
        ("device: {type: raw-kcs, path: /d}\n  plugin: x\n  options:", "6:11 'options' has no value"),
        ("plugin: x", "3:3 missing key 'device'"),
        ("plugin: x\n  device: /dev/raw-kcs1", "5:11 'device' wants a mapping, not '/dev/raw-kcs1'"),
        ("plugin: x\n  device: {path: /d}", "5:11 missing key 'type'"),
        ("plugin: x\n  device: {type: sim}", "5:11 missing key 'path'"),
        (
            "plugin: x\n  device: {type: kcs, path: /d}",
            "5:18 'type' wants raw-kcs, serio-raw, ipmi-kcs, sim, not 'kcs'"
        ),
        (
            "plugin: x\n  device: {type: serio-raw, path: /d, driver: v2}",
            "5:47 'driver' means nothing for a device of type serio-raw"
        ),
        (
            "plugin: x\n  device: {type: ipmi-kcs, path: /d, driver: fixed}",
            "5:46 'driver' means nothing for a device of type ipmi-kcs"
        ),
        (
            "plugin: x\n  device: {type: ipmi-kcs, path: /d, window: {type: aspeed-lpc-ctrl}}",
            "5:46 'window' means nothing for a device of type ipmi-kcs"
        ),
        (
            "plugin: x\n  device: {type: raw-kcs, path: /d, window: {type: memory, size: 4KiB}}",
            "5:52 missing key 'path', which a window of memory needs"
        ),
        (
            "plugin: x\n  device: {type: raw-kcs, path: /d, window: {type: memory, path: /m}}",
            "5:52 missing key 'size', which a window of memory needs"
        ),
        (
            "plugin: x\n  device: {type: raw-kcs, path: /d, window: {type: aspeed-lpc-ctrl, offset: 5}}",
            "5:77 'offset' is 5B; it must be a multiple of 4KiB"
        ),
        ("plugin: x\n  device: {type: raw-kcs, path: /d, wait: 1ms}", "5:43 'wait' is 1ms; it must be 100ms to 24h"),
        (
            "plugin: x\n  device: {type: serio-raw, path: /d}\n  transfer: {timeout: 1s}",
            "6:13 'transfer' means nothing for a device of type serio-raw"
        ),
        (
            "plugin: x\n  device: {type: ipmi-kcs, path: /d}\n  transfer: {handshake: fast}",
            "6:25 'handshake' means nothing for a device of type ipmi-kcs, where the kernel runs the transfer"
        ),
        (
            "plugin: x\n  device: {type: ipmi-kcs, path: /d}\n  transfer: {rest: idle}",
            "6:20 'rest' means nothing for a device of type ipmi-kcs, where the kernel runs the transfer"
        ),
        (
            "plugin: x\n  device: {type: sim, path: d}\n  restart: {backoff: 2m}",
            "6:22 'backoff_max' is 1m, less than 'backoff', which is 2m"
        ),
        (
            "plugin: x\n  device: {type: sim, path: d}\n  restart: {backoff: 5s, backoff_max: 4s}",
            "6:39 'backoff_max' is 4s, less than 'backoff', which is 5s"
        ),
        (
            "plugin: x\n  device: {type: sim, path: d}\n  restart: {policy: always}",
            "6:21 'policy' wants never, on-failure, not 'always'"
        ),
        (
            "plugin: x\n  device: {type: sim, path: d}\n  capture: {mode: rings}",
            "6:19 'mode' wants none, ring, file, not 'rings' (did you mean 'ring'?)"
        ),
        (
            "plugin: x\n  device: {type: sim, path: d}\n  enabled: yes",
            "6:12 'enabled' wants true or false, not 'yes' (write true)"
        ),
    ])
    func mistakeInAChannelIsReportedAtItsPlace(rest: String, message: String) {
        let outcome = parse("version: 1\nchannels:\n- name: a\n  \(rest)\n")
        #expect(said(outcome.diagnostics) == [message])
        #expect(outcome.configuration == nil)
    }

    @Test(arguments: [
        ("channels: [{name: a, device: {type: sim, path: x}, plugin: e}]", "1:1 missing key 'version'"),
        ("version: 1", "1:1 missing key 'channels'"),
        ("version: 1\nchannels:", "2:10 'channels' has no value"),
        ("version: 1\nchannels: {a: 1}", "2:11 'channels' wants a list, not a mapping"),
        ("version: 1\nchannels: [a]", "2:12 an element of 'channels' wants a mapping, not 'a'"),
        ("[a]", "1:1 the file wants a mapping, not a list"), ("---\n", "2:1 the file has no value"),
        ("a", "1:1 the file wants a mapping, not 'a'"),
    ])
    func fileWithoutItsFrameIsRefused(text: String, message: String) {
        let outcome = parse(text)
        #expect(said(outcome.diagnostics) == [message])
        #expect(outcome.configuration == nil)
    }

    @Test(arguments: [
        ("version: 2", "1:10 version 2 of this format is not known; this kcsmuxd reads version 1"),
        ("version: '1'", "1:10 'version' wants a whole number, not '1' (quoted, it is text)"),
        ("version: 1\nplugin_path: /usr/lib", "2:14 'plugin_path' wants a list, not '/usr/lib' (write [/usr/lib])"),
        ("version: 1\nplugin_trust: none", "2:15 'plugin_trust' wants strict, any, not 'none'"),
        (
            "version: 1\ncontrol: {mode: 660}",
            "2:17 'mode' wants a file mode such as 0660, not '660' (octal, with a leading 0)"
        ),
        ("version: 1\ncontrol: {mode: 01777}", "2:17 'mode' is 01777; it must be 0 to 0777"),
        (
            "version: 1\ncontrol: {group: 100}",
            "2:18 'group' wants a string; '100' reads as a number (quote it if it is text)"
        ),
        ("version: 1\nrealtime: {priority: 5}", "2:22 'priority' means something with 'policy: fifo' only"),
        ("version: 1\nrealtime: {policy: fifo, priority: 100}", "2:36 'priority' is 100; it must be 1 to 99"),
        (
            "version: 1\nhang_timeout: 2",
            "2:15 'hang_timeout' wants a duration such as 10ms or 30s, not '2' (a unit is missing; the units are us, ms, s, m and h)"
        ),
        ("version: 1\nsysrqpath: /x", "2:1 unknown key 'sysrqpath' (did you mean 'sysrq_path'?)"),
        ("version: 1\ncapture: {events: 1}", "2:19 'events' is 1; it must be 16 to 1048576"),
    ])
    func mistakeAtTheTopIsReportedAtItsPlace(text: String, message: String) {
        let outcome = parse(text + "\nchannels: [{name: a, device: {type: sim, path: x}, plugin: e}]")
        #expect(said(outcome.diagnostics) == [message])
    }

    @Test(arguments: ["a", "debug", "a-", "a-b-c", "z9", String(repeating: "a", count: 32)])
    func goodNameIsTaken(name: String) { #expect(CrossChecks.isChannelName(name)) }

    @Test(arguments: ["", "A", "9a", "-a", "a_b", "a.b", "a b", "é", "a/b", String(repeating: "a", count: 33)])
    func badNameIsRefused(name: String) throws {
        #expect(!CrossChecks.isChannelName(name))
        let outcome = parse("version: 1\nchannels: [{name: \"\(name)\", device: {type: sim, path: x}, plugin: e}]")
        let reports = said(outcome.diagnostics)
        #expect(reports.count == 1)
        #expect(reports[0].hasPrefix("2:19 '\(name)' can't be a channel's name"))
    }

    @Test func twoChannelsHaveNeitherNameNorDeviceInCommon() {
        let outcome = parse(
            """
            version: 1
            channels:
              - {name: a, device: {type: raw-kcs, path: /dev/raw-kcs1}, plugin: e}
              - {name: b, device: {type: raw-kcs, path: /dev//./raw-kcs1}, plugin: e}
              - {name: a, device: {type: raw-kcs, path: /dev/raw-kcs2}, plugin: e}
              - {name: c, device: {type: raw-kcs, path: dev/raw-kcs1}, plugin: e, enabled: false}
              - {name: a, device: {type: raw-kcs, path: /dev/raw-kcs1}, plugin: e}
            """)
        #expect(
            said(outcome.diagnostics) == [
                "4:45 the device '/dev//./raw-kcs1' is that of channel 'a', at line 3, already",
                "5:12 the name 'a' is taken by the channel at line 3",
                "7:12 the name 'a' is taken by the channel at line 3",
                "7:45 the device '/dev/raw-kcs1' is that of channel 'a', at line 3, already",
            ])
    }
}
