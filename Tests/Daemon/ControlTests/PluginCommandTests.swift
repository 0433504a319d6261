// SPDX-License-Identifier: Apache-2.0
import CLinux
import DaemonConfiguration
import JSON
import LinuxIO
import Testing

/// `plugin info` on plugins of every kind of wrongness, made with the C compiler.
@Suite struct PluginCommandTests {
    private static let include =
        Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath))))
        + "/Sources/CKCSPlugin/include"
    private static let compiler = Program.find("cc") ?? Program.find("clang")

    /// A plugin that is right but for what `change` (C statements about `plugin`) does to its descriptor.
    private func build(
        _ folder: TemporaryFolder, _ name: String, change: String = "", entry: String = "kcs_plugin_entry"
    )
        throws -> String
    {
        let source = folder.write(
            "\(name).c",
            """
            #include "kcs_plugin.h"
            static int32_t create(const struct kcs_host *host, struct kcs_channel *channel,
                                  const struct kcs_value *options, void **instance) {
                (void)host, (void)channel, (void)options;
                *instance = 0;
                return KCS_OK;
            }
            static int32_t start(void *instance, const struct kcs_start *info) {
                (void)instance, (void)info;
                return KCS_INPUT_NONE;
            }
            static void destroy(void *instance) { (void)instance; }
            static struct kcs_plugin plugin;
            const struct kcs_plugin *\(entry)(void);
            __attribute__((visibility("default"))) const struct kcs_plugin *\(entry)(void) {
                plugin.size = sizeof plugin;
                plugin.abi = KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR;
                plugin.abi_needed = plugin.abi;
                plugin.name = "\(name)";
                plugin.version = "1.2.3";
                plugin.summary = "does nothing";
                plugin.inputs = 1u << KCS_INPUT_NONE;
                plugin.option_size = sizeof(struct kcs_option);
                plugin.create = create;
                plugin.start = start;
                plugin.destroy = destroy;
                \(change)
                return &plugin;
            }
            """)
        let library = folder.path + "/libkcs-\(name).so"
        let result = try Program.run([
            try #require(Self.compiler), "-shared", "-fPIC", "-w", "-I", Self.include, source, "-o", library,
        ])
        try #require(result.status == 0, "\(result.errors)")
        return library
    }

    private func info(_ words: String...) throws -> Program.Result {
        try Program.run([Program.kcsctl, "plugin", "info"] + words)
    }

    /// Expects a refusal that names the file, the rule and the finding, as text and as JSON.
    private func refused(_ path: String, _ rule: String, _ sentence: String, _ more: [String] = []) throws {
        let text = try Program.run([Program.kcsctl, "plugin", "info", path] + more)
        #expect(text.status == 1)
        #expect(text.errors.hasPrefix("kcsctl: \(path): "), "\(text.errors)")
        #expect(text.errors.contains(sentence), "\(text.errors)")
        #expect(text.output.isEmpty)
        let json = try Program.run([Program.kcsctl, "--json", "plugin", "info", path] + more)
        let error = try #require(try JSONReader.read(json.output)["error"])
        #expect(error["file"]?.text == path)
        #expect(error["rule"]?.text == rule)
        #expect(error["finding"]?.text.map { sentence.contains($0) || $0.contains(sentence) || !$0.isEmpty } == true)
    }

    @Test(.enabled(if: compiler != nil, "no C compiler"))
    func everyLoadFailureNamesFileRuleAndFinding() throws {
        let folder = TemporaryFolder()
        try refused(folder.path + "/none.so", "found", "plugin not found: No such file or directory")
        try refused(
            folder.write("text.so", "#!/bin/sh\n"), "shared-library",
            "not a shared library that can be loaded: it is no ELF file")
        try refused(
            try build(folder, "entry", entry: "another_entry"), "entry",
            "plugin must export kcs_plugin_entry: it has no such symbol")
        try refused(
            try build(folder, "abi", change: "plugin.abi = 9 << 16 | 7;"), "abi",
            "plugin has the wrong ABI: it was built for ABI 9.7")
        try refused(
            try build(folder, "small", change: "plugin.size = 16;"), "size",
            "plugin descriptor is too small: it says 16 bytes")
        try refused(
            try build(folder, "null", change: "plugin.create = 0;"), "required",
            "plugin descriptor lacks a required member: create is null")
        try refused(
            try build(folder, "newer", change: "plugin.abi_needed = plugin.abi + 5;"), "host-version",
            "plugin needs a newer kcsmuxd: it needs ABI")
        try refused(
            try build(folder, "wrong", change: "plugin.inputs = 0;"), "declaration",
            "plugin descriptor is wrong: inputs is 0x0")
        let twice = """
            static const struct kcs_option o[2] = {{.type = KCS_OPTION_BOOL, .key = "a"}, {.type = KCS_OPTION_BOOL, .key = "a"}};
            plugin.options = o, plugin.option_count = 2;
            """
        try refused(try build(folder, "twice", change: twice), "declaration", "the options has 'a' twice")
        let odd = """
            static const struct kcs_option o = {.type = KCS_OPTION_DURATION, .key = "a", .default_yaml = "10"};
            plugin.options = &o, plugin.option_count = 1;
            """
        try refused(try build(folder, "odd", change: odd), "declaration", "bad default for 'a': it wants a duration")
        let str = try build(folder, "str", change: "plugin.needs = KCS_CAP_DATA_IN | KCS_CAP_STR;")
        #expect(try info(str, "--device", "raw-kcs").status == 0)
        try refused(
            str, "needs",
            "plugin does not work on this device: it needs STR, which a device of type serio-raw does not",
            ["--device", "serio-raw"])
        let open = try build(folder, "open")
        chmod(open, 0o777)
        try refused(open, "trusted", "plugin is not trusted: the file is writable by others (mode 0777)")
        #expect(try info(open, "--trust", "any").status == 0)
    }

    @Test(.enabled(if: compiler != nil, "no C compiler"))
    func aPluginIsFoundByNameInTheFoldersGiven() throws {
        let folder = TemporaryFolder()
        let path = try build(folder, "small-one")
        let found = try info("small-one", "--plugin-path", folder.path)
        #expect(found.text.contains("small-one 1.2.3: does nothing"))
        #expect(found.text.contains(path))
        #expect(found.text.contains("It has no options."))
        let list = try Program.run([Program.kcsctl, "plugin", "list", "--plugin-path", folder.path])
        #expect(list.text.contains("small-one      1.2.3"))
        let variable = try Program.run(
            [Program.kcsctl, "plugin", "info", "small-one"], environment: ["KCSMUX_PLUGIN_PATH=\(folder.path)"])
        #expect(variable.status == 0)
        let absent = try info("small-two", "--plugin-path", folder.path)
        #expect(absent.status == 1)
        #expect(absent.errors.contains("no libkcs-small-two.so in \(folder.path)"))
        let wrong = try info("Small_Two")
        #expect(wrong.errors.contains("a short name is [a-z][a-z0-9-]*"))
    }

    @Test func infoIsMadeForReading() throws {
        let result = try info("debug-trigger")
        #expect(result.status == 0)
        for words in [
            "debug-trigger ", "takes       bytes", "needs       data in", "Options:", "cooldown: duration (default 10s",
        ] { #expect(result.text.contains(words), "\(result.text)") }
        let json = try Program.run([Program.kcsctl, "--json", "plugin", "info", "debug-trigger"])
        let options = try #require(
            try JSONReader.read(json.output, limits: JSONLimits(bytes: 1 << 20))["options"]?.elements)
        let cooldown = try #require(options.first { $0["key"]?.text == "cooldown" })
        #expect(cooldown["type"]?.text == "duration")
        #expect(cooldown["default"]?.text == "10s")
        #expect(cooldown["maximum"]?.uint64 == 86_400_000_000_000)
    }

    @Test(.enabled(if: compiler != nil, "no C compiler"))
    func everyCommandIsListedWithItsNameAndItsCompletionCodes() throws {
        let folder = TemporaryFolder()
        let path = try build(
            folder, "commands",
            change: """
                static struct kcs_command commands[4] = {
                    {0x06, 0x01, 0, 0, {0}, 0}, {0x0A, 0x45, 0, 3, {0x80, 0xC5, 0xFF}, 0},
                    {0x2C, 0x02, 0xDC, 1, {0xCC}, 0}, {0x30, 0x07, 0, 200, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, "Own\\033"},
                };
                plugin.commands = commands;
                plugin.command_count = 4;
                """)
        let text = try info(path).text
        #expect(
            text.hasSuffix(
                """
                Commands, and the completion codes beside 00 that are their own:
                  06/01  Get Device ID
                  0A/45  Partial Add SEL Entry: 80 C5 FF
                  2C/02  Get Power Reading: CC
                  30/07  Own?: 01 02 03 04 05 06 07 08 09 0A 0B 0C

                """), "\(text)")
        let json = try JSONReader.read(try Program.run([Program.kcsctl, "--json", "plugin", "info", path]).output)
        let second = try #require(json["commands"]?.elements?[1])
        #expect(second["name"]?.text == "Partial Add SEL Entry")
        #expect(second["codes"]?.elements?.count == 3)
    }

    @Test(.enabled(if: compiler != nil, "no C compiler"))
    func aPluginOfABI1_0HasNoCommandsWhateverStandsBehindItsDescriptor() throws {
        let folder = TemporaryFolder()
        let path = try build(
            folder, "old",
            change: """
                plugin.abi = 1 << 16;
                plugin.abi_needed = 0;
                plugin.commands = (const struct kcs_command *)1;
                plugin.command_count = 1000;
                """)
        let result = try info(path)
        #expect(result.status == 0 && !result.text.contains("Commands"))
    }
}
