// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import TestKit
import Testing

/// What config/systemd installs, as systemd and the shell read it.
@Suite struct DeploymentTests {
    private let folder = TestFolder()
    private static let root = CCompiler.root
    private static let analyzer = "/usr/bin/systemd-analyze"

    /// The drop-in that the generator makes of a configuration.
    private func generated(_ configuration: String) throws -> String {
        let file = try folder.write("kcsmux.yaml", configuration)
        let generator = try Program(
            "/bin/sh", ["\(Self.root)/config/systemd/kcsmux-generator", folder.path, folder.path, folder.path],
            environment: ["KCSMUX_CONFIGURATION": file])
        #expect(generator.wait() == .exited(0), "\(generator.log)")
        return try #require(folder.read("kcsmuxd.service.d/kcsmux.conf"))
    }

    private let everything = """
        version: 1
        realtime:
          policy: fifo
          lock_memory: true
        channels:
          - name: debug
            device: {type: raw-kcs, path: /dev/raw-kcs1}
            plugin: debug-trigger
            options: {actions: {D: [{sysrq: c}]}}
          - name: mctp
            device: {type: raw-kcs, path: "/dev/raw-kcs4", window: {type: aspeed-lpc-ctrl}}
            plugin: mctp

        """

    @Test func generatorGrantsTheNodesThatTheFileNamesAndNothingElse() throws {
        let text = try generated(
            """
            version: 1
            # path: /dev/raw-kcs7
            channels:
              - {name: a, device: {type: raw-kcs, path: /dev/raw-kcs1}, plugin: echo}   # not /dev/mem
              - {name: b, device: {type: ipmi-kcs, path: /dev/ipmi-kcs3}, plugin: ipmi-lite}
              - {name: c, device: {type: raw-kcs, path: /dev/raw-kcs1}, plugin: echo}
              - {name: d, device: {"type": sim, "path": '/dev/shm/d'}, plugin: debug-trigger, options: {actions: {D: [
                  {exec: [/usr/bin/dump, /dev/mem, --to=/dev/sda1]}, {log: "see /dev/kmsg"}]}}}

            """)
        #expect(
            text == """
                # Made by kcsmux-generator from \(folder.path)/kcsmux.yaml.
                [Service]
                DeviceAllow=/dev/ipmi-kcs3 rw
                DeviceAllow=/dev/raw-kcs1 rw
                DeviceAllow=/dev/shm/d rw

                """)
    }

    @Test(arguments: [
        "include: channels.d", "include: [one.yaml, 'channels.d']   # more", "include:\n- one.yaml\n- channels.d/",
        "include:\n  - \"channels.d\"\n  - one.yaml",
    ]) func generatorGrantsWhatIncludedFilesName(include: String) throws {
        try Syscalls.makeFolders("\(folder.path)/channels.d")
        try folder.write("channels.d/a.yaml", "channels: [{name: a, device: {type: raw-kcs, path: /dev/raw-kcs2}}]\n")
        try folder.write("channels.d/b.yaml", "channels:\n- {name: b, device: {type: raw-kcs, path: /dev/raw-kcs3}}")
        try folder.write(
            "channels.d/c.yaml.old", "channels: [{name: c, device: {type: raw-kcs, path: /dev/raw-kcs4}}]\n")
        try folder.write("one.yaml", "channels: []\n")
        #expect(
            try generated("version: 1\n\(include)\nchannels: []\n") == """
                # Made by kcsmux-generator from \(folder.path)/kcsmux.yaml.
                [Service]
                DeviceAllow=/dev/raw-kcs2 rw
                DeviceAllow=/dev/raw-kcs3 rw

                """)
    }

    @Test func generatorGrantsWhatActionsAndSchedulingTake() throws {
        #expect(
            try generated(everything) == """
                # Made by kcsmux-generator from \(folder.path)/kcsmux.yaml.
                [Service]
                DeviceAllow=/dev/aspeed-lpc-ctrl rw
                DeviceAllow=/dev/raw-kcs1 rw
                DeviceAllow=/dev/raw-kcs4 rw
                ProtectKernelTunables=no
                ExecStartPre=+/bin/chgrp kcsmux /proc/sysrq-trigger
                ExecStartPre=+/bin/chmod 0220 /proc/sysrq-trigger
                RestrictRealtime=no
                SystemCallFilter=@resources @memlock
                LimitRTPRIO=99
                LimitMEMLOCK=infinity

                """)
    }

    @Test(arguments: [
        ("control:\n  socket: /run/kcs/a.sock   # with kcsctl\n  mode: 0660\n", "/run/kcs/a.sock"),
        ("control: {mode: 0600, socket: \"/run/kcs/b.sock\"}\n", "/run/kcs/b.sock"),
        ("control: {socket: /run/a$(id).sock}\n", nil), ("control: {mode: 0600}\nother: {socket: /run/c}\n", nil),
        ("", nil),
    ]) func generatorTellsKcsctlWhereTheControlSocketIs(control: String, path: String?) throws {
        let text = try generated(
            """
            version: 1
            \(control)channels:
              - {name: a, device: {type: sim, path: /x}, plugin: mctp, options: {socket: {path: /run/d}}}

            """)
        let line = path.map { "Environment=KCSCTL_SOCKET=\($0)\n" } ?? ""
        #expect(text == "# Made by kcsmux-generator from \(folder.path)/kcsmux.yaml.\n[Service]\n\(line)")
    }

    @Test func generatorMakesNothingWithoutAConfiguration() throws {
        let generator = try Program(
            "/bin/sh", ["\(Self.root)/config/systemd/kcsmux-generator", folder.path],
            environment: ["KCSMUX_CONFIGURATION": "\(folder.path)/none"])
        #expect(generator.wait() == .exited(0), "\(generator.log)")
        #expect(folder.names() == [])
    }

    /// The unit alone, and with the rights of a file that asks for everything.
    @Test(
        .enabled(if: access(analyzer, X_OK) == 0, "systemd-analyze is not installed"), arguments: [false, true])
    func unitIsCleanAndExposesAtMostTwo(withDropIn: Bool) throws {
        let unit = try #require(
            String(
                validating: try Syscalls.readFile("\(Self.root)/config/systemd/kcsmuxd.service", limit: 1 << 16),
                as: UTF8.self))
        #expect(unit.contains("\nExecStart=/usr/bin/kcsmuxd --config /etc/kcsmux/kcsmux.yaml\n"))
        // The programs are not installed here.
        let commands = ["ExecStart=", "ExecReload="]
        let path = try folder.write(
            "kcsmuxd.service",
            unit.split(separator: "\n", omittingEmptySubsequences: false)
                .map { line in commands.first { line.hasPrefix($0) }.map { "\($0)/bin/true" } ?? String(line) }
                .joined(separator: "\n"))
        if withDropIn { _ = try generated(everything) }
        let verify = try Program(Self.analyzer, ["verify", path])
        #expect(verify.wait() == .exited(0))
        #expect(verify.log == "")
        // The threshold is in tenths.
        let security = try Program(Self.analyzer, ["security", "--offline=true", "--threshold=20", "--no-pager", path])
        let table = security.standardOutput()
        #expect(security.wait() == .exited(0), "\(table)\(security.log)")
        #expect(table.contains("Overall exposure level for kcsmuxd.service: "), "\(security.log)")
    }
}
