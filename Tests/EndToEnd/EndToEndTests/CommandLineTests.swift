// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import PluginHost
import TestKit
import Testing

extension EndToEnd {
    @Suite struct CommandLineTests {
        @Test func helpIsThis() throws {
            let result = try kcsmuxd("--help")
            #expect(result.ending == .exited(0))
            #expect(result.errors == "")
            #expect(
                result.output == """
                    Usage: kcsmuxd [--config FILE] [--log-level LEVEL]
                           [--check-config | --print-config | --print-needs | --check-plugin FILE |
                            --version | --help]

                    Serves KCS channels: opens the devices that FILE names, and gives each channel's
                    bytes or messages to the plugins that FILE names for it.

                      -c, --config FILE    the configuration (default /etc/kcsmux/kcsmux.yaml)
                      --check-config       check FILE, its plugins and their options, and exit
                      --print-config       print FILE as it takes effect, and exit
                      --print-needs        print what FILE needs of the machine, and exit
                      --check-plugin FILE  load that plugin, as is tried in a process of its own before
                                           it is loaded for a channel, and exit
                      --log-level LEVEL    error, warning, notice, info, debug or trace
                                           (default notice)
                      --version            print version, plugin ABI and build, and exit
                      --help               print this, and exit

                    Signals: SIGTERM and SIGINT stop, SIGHUP reloads FILE, SIGUSR1 writes the
                    captures of all channels to disk.
                    Exit status: 0 stopped as asked, 1 failure, 64 usage, 78 configuration.

                    """)
        }

        @Test func versionSaysVersionABIAndBuild() throws {
            let result = try kcsmuxd("--version")
            #expect(result.ending == .exited(0))
            let lines = result.output.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.first == "kcsmuxd \(Version.text)")
            #expect(lines.dropFirst().first == "plugin ABI \(Version.abi)")
            let build = lines.last?.split(separator: " ") ?? []
            #expect(build.first == "build" && build.last?.count == 40, "\(result.output)")
            #expect(build.last?.allSatisfy { $0.isHexDigit } == true)
        }

        @Test(arguments: [
            ["--confg"], ["extra"], ["--config"], ["--check-plugin"], ["--log-level", "loud"], ["--version=1"],
            ["--check-config=yes"],
            ["-x"],
        ])
        func wrongUsageIs64(arguments: [String]) throws {
            let program = try Program("\(programs)/kcsmuxd", arguments)
            #expect(program.wait() == .exited(64))
            #expect(program.log.contains("Try kcsmuxd --help."))
        }

        @Test func valuesMayFollowAnEqualsSign() throws {
            let bench = Bench()
            try bench.configure(bench.channel("a"))
            let result = try kcsmuxd("--check-config", "--config=\(bench.file)", "--log-level=debug")
            #expect(result.ending == .exited(0), "\(result.errors)")
            #expect(result.output == "\(bench.file): ok, 1 channel\n")
            #expect(result.errors == "")
        }

        @Test(onSimulatedDevices) func checkOpensNoDeviceAndMakesNothing() throws {
            let bench = Bench()
            try bench.configure(bench.channel("a"), bench.channel("b", "debug-trigger"))
            #expect(try kcsmuxd("--check-config", "--config", bench.file).ending == .exited(0))
            #expect(bench.folder.names() == ["kcsmux.yaml"])
        }

        @Test func twoChannelsMayNotWriteOneFile() throws {
            let bench = Bench()
            let options = "options: {sel: {path: \(bench.path)/sel}}"
            try bench.configure(bench.channel("a", "ipmi-lite", options), bench.channel("b", "ipmi-lite", options))
            let result = try kcsmuxd("--check-config", "--config", bench.file)
            #expect(result.ending == .exited(78))
            #expect(
                result.errors.contains(
                    "error: channel 'b' writes the file '\(bench.path)/sel', which is that of channel 'a', at line "),
                "\(result.errors)")
        }

        @Test func missingOrBrokenFileIs78AlsoAtRunTime() throws {
            for arguments in [["--check-config"], []] {
                let missing = try Program("\(programs)/kcsmuxd", arguments + ["--config", "/nowhere/kcsmux.yaml"])
                #expect(missing.wait() == .exited(78))
                #expect(missing.log.contains("/nowhere/kcsmux.yaml"))
                let bench = Bench()
                try bench.folder.write("kcsmux.yaml", "version: [")
                let broken = try Program("\(programs)/kcsmuxd", arguments + ["--config", bench.file])
                #expect(broken.wait() == .exited(78))
                #expect(broken.log.contains("\(bench.file):1:"))
            }
        }

        @Test func failureAtRunTimeIs1() throws {
            let bench = Bench()
            try bench.configure(bench.channel("a"))
            // Two descriptors beyond the standard ones are enough to read the file, and not for a loop.
            let program = try Program(
                "/bin/sh", ["-c", "ulimit -n 5; exec \(programs)/kcsmuxd --config \(bench.file)"])
            #expect(program.wait() == .exited(1), "\(program.log)")
            #expect(program.log.contains("error kcsmuxd: "), "\(program.log)")
        }

        @Test func eightMistakesAreAllReportedInOneRun() throws {
            let bench = Bench()
            let example = try CCompiler.library(
                "\(CCompiler.root)/Plugins/Examples/c/echo.c", to: "\(bench.path)/libkcs-echo-c.so")
            try bench.folder.write(
                "kcsmux.yaml",
                """
                version: 2
                plugin_trust: lax
                channels:
                  - name: Upper
                    device: {type: sim, path: \(bench.path)/a, wiat: 30s}
                    plugin: \(example)
                    options: {xro: 0xFF}
                  - name: b
                    enabled: yes
                    device: {type: sim, path: \(bench.path)/b}
                    plugin: debug-trigger
                    options: {cooldown: 10, command_bytes: maybe}
                """)
            for arguments in [["--check-config"], []] {
                let program = try Program("\(programs)/kcsmuxd", arguments + ["--config", bench.file])
                #expect(program.wait() == .exited(78))
                let lines = program.log.split(separator: "\n", omittingEmptySubsequences: false)
                let places = [
                    "1:10", "2:15", "4:11", "5:", "7:15", "9:14", "12:25", "12:44",
                ]
                for place in places {
                    let index = try #require(
                        lines.firstIndex { $0.hasPrefix("\(bench.file):\(place)") && $0.contains(": error: ") },
                        "\(place) in \(program.log)")
                    #expect(lines[index + 2].drop { $0 == " " } == "^", "\(place) in \(program.log)")
                }
                #expect(lines.count { $0.contains(": error: ") } == 8, "\(program.log)")
                #expect(program.log.contains("'xro' (did you mean 'xor'?)"), "\(program.log)")
            }
        }
    }
}
