// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import JSON
import LinuxIO
import SimulatedDevice
import Testing

/// What a handler that fails, or crashes, leaves for whoever comes next.
@Suite(.enabled(if: Program.find("cc") != nil, "no C compiler"))
struct FailureTests {
    /// A handler of bytes that fails on F and crashes on S.
    private func build(_ folder: TemporaryFolder) throws -> String {
        let root = Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath))))
        let source = folder.write(
            "faulty.c",
            """
            #include "kcs_plugin.h"
            static const struct kcs_host *host;
            static struct kcs_channel *channel;
            static int32_t create(const struct kcs_host *h, struct kcs_channel *c, const struct kcs_value *options,
                                  void **instance) {
                (void)options;
                host = h, channel = c, *instance = 0;
                return KCS_OK;
            }
            static int32_t start(void *instance, const struct kcs_start *info) {
                (void)instance, (void)info;
                return KCS_INPUT_AUTO;
            }
            static void data(void *instance, uint8_t value, uint8_t str, uint64_t now) {
                (void)instance, (void)str, (void)now;
                if (value == 'F') host->fail(channel, "the byte F came");
                if (value == 'S') *(volatile int *)0 = 1;
            }
            static void destroy(void *instance) { (void)instance; }
            static struct kcs_plugin plugin;
            const struct kcs_plugin *kcs_plugin_entry(void);
            __attribute__((visibility("default"))) const struct kcs_plugin *kcs_plugin_entry(void) {
                plugin.size = sizeof plugin;
                plugin.abi = KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR;
                plugin.abi_needed = plugin.abi;
                plugin.name = "faulty";
                plugin.version = "1.0";
                plugin.summary = "fails";
                plugin.inputs = 1u << KCS_INPUT_AUTO;
                plugin.option_size = sizeof(struct kcs_option);
                plugin.create = create;
                plugin.start = start;
                plugin.data = data;
                plugin.destroy = destroy;
                return &plugin;
            }
            """)
        let library = folder.path + "/libkcs-faulty.so"
        let result = try Program.run([
            Program.find("cc")!, "-shared", "-fPIC", "-w", "-I", root + "/Sources/CKCSPlugin/include", source,
            "-o",
            library,
        ])
        try #require(result.status == 0, "\(result.errors)")
        return library
    }

    private func faulty(_ library: String) -> String {
        """
          - name: faulty
            device: {type: sim, path: "@/faulty"}
            plugin: \(library)
            restart: {policy: never}

        """
    }

    private func send(_ daemon: Daemon, _ bytes: String) throws {
        let host = try SimulatedHost(directory: daemon.folder.path + "/faulty")
        for byte in bytes.utf8 {
            #expect(host.send(byte, command: false, deadline: Clock.monotonic + UInt64(deadline) * 1_000_000))
        }
    }

    private func decode(_ path: String) throws -> String { try Program.run([Program.kcsctl, "decode", path]).text }

    @Test func aFailureLeavesADumpOfWhatLedToIt() throws {
        let folder = TemporaryFolder()
        let daemon = try Daemon(faulty(try build(folder)) + echoChannel(), folder: folder)
        try send(daemon, "abF")
        let end = Clock.monotonic + UInt64(deadline) * 1_000_000
        let words = "what led to the failure is in "
        while !daemon.log.contains(words) && Clock.monotonic < end {
            #expect(try daemon.ask(["command": .string("ping")])["ok"]?.bool == true)
        }
        let log = daemon.log
        let place = try #require(log.range(of: words))
        let path = String(log[place.upperBound...].prefix { $0 != "\n" })
        let text = try decode(path)
        #expect(text.contains("IDR 61") && text.contains("IDR 46") && text.contains("the byte F came"), "\(text)")
        let status = try daemon.ask(["command": .string("status"), "channel": .string("faulty")])
        let channel = try #require(status["result"]?["channels"]?.elements?.first)
        #expect(channel["state"]?.text == "failed")
        #expect(channel["last_error"]?.text == "plugin faulty: the byte F came")
        #expect(try daemon.kcsctl("status", "faulty").text.contains("plugin faulty: the byte F came"))
    }

    @Test func aCrashInAHandlerNamesTheCulprit() throws {
        let folder = TemporaryFolder()
        let daemon = try Daemon(faulty(try build(folder)) + echoChannel(), folder: folder)
        try send(daemon, "xS")
        #expect(daemon.waitForEnd() == -SIGSEGV)
        let text = try decode(folder.path + "/capture/crash.kcsdump")
        #expect(text.contains("IDR 78") && text.contains("IDR 53"), "\(text)")
        let last = try #require(text.split(separator: "\n").last { $0.contains("SIGSEGV") })
        #expect(last.contains("faulty") && last.contains("data"), "\(last)")
    }
}

extension String {
    /// Where a text stands first.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(text) { return index..<self.index(index, offsetBy: text.count) }
            index = self.index(after: index)
        }
        return nil
    }
}
