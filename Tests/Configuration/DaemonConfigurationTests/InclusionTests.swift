// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import TestKit
import Testing
import YAML

@testable import DaemonConfiguration

@Suite struct InclusionTests {
    private let folder = TestFolder()

    private func channel(_ name: String) -> String {
        "{name: \(name), device: {type: sim, path: /x/\(name)}, plugin: echo}"
    }

    private func load(_ text: String) throws -> ConfigurationFile.Outcome {
        ConfigurationFile.load(path: try folder.write("kcsmux.yaml", text), devices: deviceTypes)
    }

    /// What is printed, without the test's folder.
    private func printed(_ outcome: ConfigurationFile.Outcome) -> String {
        outcome.diagnostics.render().split(separator: "\(folder.path)/").joined()
    }

    private func makeFolder(_ name: String = "channels.d") throws {
        try Syscalls.makeFolders("\(folder.path)/\(name)")
    }

    @Test func folderGivesTheChannelsOfItsFilesInTheOrderOfNames() throws {
        try makeFolder()
        try folder.write("channels.d/20-b.yaml", "channels: [\(channel("b"))]\n")
        try folder.write("channels.d/10-c.yaml", "version: 1\nchannels:\n- \(channel("c"))\n- \(channel("d"))\n")
        for name in [".hidden.yaml", "old.yaml~", "README", "x.yml"] { try folder.write("channels.d/\(name)", "}") }
        for include in ["channels.d", "channels.d/", "[channels.d]", "\(folder.path)/channels.d"] {
            let outcome = try load("version: 1\ninclude: \(include)\nchannels: [\(channel("a"))]\n")
            #expect(printed(outcome) == "")
            #expect(outcome.configuration?.channels.map { $0.name } == ["a", "c", "d", "b"])
            #expect(outcome.included.count == 3)
        }
    }

    @Test func fileMayLeaveAllChannelsToOthers() throws {
        try folder.write("one.yaml", "channels: [\(channel("a"))]\n")
        try folder.write("two.yaml", "channels: [\(channel("b"))]\n")
        let outcome = try load("version: 1\ninclude: [two.yaml, one.yaml]\n")
        #expect(printed(outcome) == "")
        #expect(outcome.configuration?.channels.map { $0.name } == ["b", "a"])
        #expect(
            parse("version: 1\n").diagnostics.render() == "f:1:1: error: missing key 'channels'\n  version: 1\n  ^\n")
    }

    @Test func defaultsOfTheFileAreThoseOfIncludedChannels() throws {
        try folder.write("one.yaml", "channels: [\(channel("a"))]\n")
        let outcome = try load("version: 1\ncapture: {events: 99}\ninclude: one.yaml\n")
        #expect(outcome.configuration?.channels.first?.capture.events == 99)
    }

    @Test func everyMistakeNamesItsOwnFileAndShowsItsOwnLine() throws {
        try makeFolder()
        try folder.write("channels.d/a.yaml", "channels:\n- {name: A, device: {type: sim, path: /a}, plugin: echo}\n")
        try folder.write("channels.d/b.yaml", "channels: []\nchanels: 1\ninclude: x\n")
        try folder.write("channels.d/c.yaml", "channels: [\n")
        try folder.write("channels.d/d.yaml", "channels: []\nversion: 2\n")
        let text = printed(try load("version: 1\ninclude: channels.d\nchannels: []\nextra: 1\n"))
        #expect(text.contains("kcsmux.yaml:4:1: error: unknown key 'extra'"))
        #expect(text.contains("\nchannels.d/a.yaml:2:10: error: 'A' can't be a channel's name"))
        #expect(text.contains("\n  - {name: A, device: {type: sim, path: /a}, plugin: echo}\n           ^\n"))
        #expect(text.contains("\nchannels.d/b.yaml:2:1: error: unknown key 'chanels'"))
        #expect(text.contains("\n  chanels: 1\n  ^\n"))
        #expect(text.contains("\nchannels.d/b.yaml:3:1: error: unknown key 'include'; known here: version, channels\n"))
        #expect(text.contains("\nchannels.d/c.yaml:"))
        #expect(text.contains("\nchannels.d/d.yaml:2:10: error: version 2 of this format is not known"))
    }

    @Test func nameAndDeviceThatAreTakenSayWhichFileHasThem() throws {
        try folder.write("one.yaml", "channels:\n- \(channel("a"))\n")
        try folder.write(
            "two.yaml", "\nchannels: [\(channel("a")), {name: b, device: {type: sim, path: //x/a}, plugin: echo}]\n")
        let text = printed(try load("version: 1\ninclude: [one.yaml, two.yaml]\n"))
        #expect(text.contains("two.yaml:2:19: error: the name 'a' is taken by the channel at one.yaml:2\n"), "\(text)")
        #expect(text.contains("error: the device '/x/a' is that of channel 'a', at one.yaml:2, already\n"))
        #expect(text.contains("error: the device '//x/a' is that of channel 'a', at one.yaml:2, already\n"))
    }

    @Test func whatCannotBeIncludedIsNamedAtTheKey() throws {
        try makeFolder("empty")
        try folder.write("big.yaml", String(repeating: "#", count: 1 << 20) + "\n")
        try makeFolder("dir.d/x.yaml")
        #expect(mkfifo("\(folder.path)/pipe.yaml", 0o600) == 0)
        let text = printed(
            try load(
                """
                version: 1
                channels: [\(channel("a"))]
                include:
                - empty
                - nowhere
                - none.yaml
                - pipe.yaml
                - big.yaml
                - dir.d

                """))
        #expect(!text.contains(":4:"))
        #expect(text.contains("kcsmux.yaml:5:3: warning: there is no folder 'nowhere'; nothing is included\n"))
        #expect(text.contains("kcsmux.yaml:6:3: error: none.yaml: No such file or directory\n"))
        #expect(text.contains("kcsmux.yaml:7:3: error: pipe.yaml is no regular file; it can't be included\n"))
        #expect(text.contains("kcsmux.yaml:8:3: error: big.yaml: larger than 1MiB\n"))
        #expect(text.contains("kcsmux.yaml:9:3: error: dir.d/x.yaml is no regular file; it can't be included\n"))
    }

    @Test func filesAreLimitedInNumberAndInAll() throws {
        try makeFolder()
        for number in 0...Inclusion.mostFiles { try folder.write("channels.d/\(number).yaml", "channels: []\n") }
        let many = try load("version: 1\ninclude: channels.d\nchannels: [\(channel("a"))]\n")
        #expect(printed(many).contains("kcsmux.yaml:2:10: error: channels.d/"))
        #expect(many.included.count == Inclusion.mostFiles)
        try makeFolder("large")
        for number in 0..<6 {
            try folder.write(
                "large/\(number).yaml", "channels: []\n#" + String(repeating: "x", count: (1 << 20) - 20) + "\n")
        }
        let large = printed(try load("version: 1\ninclude: large\nchannels: [\(channel("a"))]\n"))
        #expect(large.contains("large/5.yaml is too much; 256 files and folders, and 4MiB in all, may be included"))
        #expect(!large.contains("large/3.yaml is too much"))
    }

    @Test func effectiveConfigurationIsOneFile() throws {
        try folder.write("one.yaml", "channels: [\(channel("b"))]\n")
        let outcome = try load("version: 1\ninclude: one.yaml\nchannels: [\(channel("a"))]\n")
        let (value, configuration) = (try #require(outcome.value), try #require(outcome.configuration))
        let text = EffectiveConfiguration.yaml(value, configuration, options: [])
        #expect(!text.contains("include"))
        let again = parse(text)
        #expect(again.diagnostics.render() == "")
        #expect(again.configuration?.channels.map { $0.name } == ["a", "b"])
        #expect(again.configuration?.channels.map { $0.device.path } == configuration.channels.map { $0.device.path })
    }
}
