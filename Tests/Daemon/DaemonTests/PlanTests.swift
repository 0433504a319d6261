// SPDX-License-Identifier: Apache-2.0
//
// A file with the shipped plugins, which stand beside the test program.
import DaemonConfiguration
import Devices
import PluginHost
import SimulatedDevice
import TestKit
import Testing
import YAML

@testable import Daemon

@Suite struct PlanTests {
    private let folder = TestFolder()

    private func read(_ text: String) throws -> PlanReader.Outcome {
        PlanReader.read(try folder.write("f.yaml", text), DeviceKind.all, PluginLoader(folders: [], trust: .any))
    }

    /// A file with one simulated channel; `more` follows its device.
    private func channel(_ more: String, _ top: String = "") throws -> PlanReader.Outcome {
        try read(
            "version: 1\n\(top)channels:\n  - {name: a, device: {type: sim, path: \(folder.path)/a}, \(more)}\n")
    }

    private func said(_ outcome: PlanReader.Outcome) -> [String] {
        (outcome.diagnostics.all + outcome.pluginDiagnostics.all).map { $0.message }
    }

    /// A plugin's own check never sees a value of a type that was refused; `check` of these plugins would end the process.
    @Test(
        arguments: ["", "[]", "5", "~", "x", "{cooldown: []}", "{actions: 5}"], ["debug-trigger", "ipmi-lite", "mctp"])
    func optionsThatWereRefusedDoNotReachThePlugin(options: String, plugin: String) throws {
        let outcome = try channel("plugin: \(plugin), options: \(options)")
        #expect(outcome.plan == nil)
        #expect(outcome.diagnostics.hasErrors)
    }

    @Test func handlerOfBytesSharesNoChannel() throws {
        let outcome = try channel("plugins: [{plugin: ipmi-lite}, {plugin: echo}]")
        #expect(said(outcome).count == 1 && said(outcome)[0].contains("owns its channel alone"), "\(said(outcome))")
        #expect(said(try channel("plugins: [{plugin: ipmi-lite}, {plugin: ipmi-lite, options: {guid: null}}]")) != [])
        #expect(said(try channel("plugins: [{plugin: ipmi-lite}]")) == [])
    }

    @Test func timeoutBeyondTheHostsIsAMistake() throws {
        #expect(said(try channel("plugin: ipmi-lite, transfer: {timeout: 5s}")) == [])
        let outcome = try channel("plugin: ipmi-lite, transfer: {timeout: 6s}")
        #expect(outcome.plan != nil && outcome.pluginDiagnostics.hasErrors)
    }

    @Test func groupThatThereIsNotIsAMistake() throws {
        let outcome = try channel("plugin: echo", "control: {group: no-such-group}\n")
        #expect(said(outcome) == ["there is no group 'no-such-group'"])
    }

    @Test func fractionSaysThatItNeedsQuotes() throws {
        let outcome = try channel(
            "plugin: ipmi-lite, options: {sensors: [{number: 1, name: x, value: {constant: 1.5}}]}")
        #expect(said(outcome).count == 1 && said(outcome)[0].hasSuffix("(quote it if it is text)"), "\(said(outcome))")
    }

    @Test func effectiveConfigurationReadsAsTheSame() throws {
        let first = try #require(
            try read(
                """
                version: 1
                sysrq_path: \(folder.path)/sysrq
                control: {socket: \(folder.path)/c, mode: 0660}
                capture: {events: 99}
                channels:
                  - name: a
                    device: {type: sim, path: \(folder.path)/a, driver: deferred}
                    plugin: debug-trigger
                    options: {actions: {D: [{log: "a: 'b'"}, {exec: [/bin/true, '5'], timeout: 2s, else: [{sysrq: 9}]}]}}
                  - name: b
                    device: {type: ipmi-kcs, path: /dev/ipmi-kcs9}
                    plugins: [{plugin: ipmi-lite, options: {device_id: {id: 7}}}]
                  - {name: c, device: {type: serio-raw, path: /dev/serio_raw9}, plugin: debug-trigger}
                """
            ).plan)
        let text = first.effectiveText
        let outcome = try read(text)
        #expect(said(outcome) == [], "\(text)")
        let second = try #require(outcome.plan)
        #expect(second.effectiveText == text)
        #expect(text.contains("mode: 0660") && text.contains("events: 99") && text.contains("handshake: fast"))
        #expect(text.contains("cooldown: 10s"), "the plugin's defaults are there")
        for (left, right) in zip(first.channels, second.channels) {
            #expect(left.handlers.map { $0.options } == right.handlers.map { $0.options })
        }
    }

    @Test func needsAreNamedOnce() throws {
        let plan = try #require(
            try channel(
                "plugin: debug-trigger, options: {actions: {D: [{sysrq: c}, {exec: [/bin/a]}, {exec: [/bin/a, b]}]}}",
                "sysrq_path: /s\nstate_directory: /st\nrealtime: {policy: fifo}\n"
            ).plan)
        let needs = plan.needs.filter { !$0.hasPrefix("plugin ") }
        #expect(
            needs == [
                "folder /st", "socket /run/kcsmux/control.sock", "capability CAP_SYS_NICE", "limit RTPRIO 50",
                "folder \(folder.path)/a", "folder /var/lib/kcsmux/capture", "write /s", "program /bin/a",
            ])
    }
}
