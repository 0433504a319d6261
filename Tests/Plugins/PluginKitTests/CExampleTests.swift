// SPDX-License-Identifier: Apache-2.0
//
// Builds the C example as its first lines say, with the system's compiler, and runs it.
import CKCSPlugin
import CLinux
import LinuxIO
import PluginTestSupport
import Testing

@Suite(.enabled(if: access("/usr/bin/cc", X_OK) == 0)) struct CExampleTests {
    private static var root: String { Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath)))) }

    private func compile(_ flags: [String], to output: String) -> Int32 {
        let arguments =
            ["/usr/bin/cc"] + flags + [
                "-I", "\(Self.root)/Sources/CKCSPlugin/include", "\(Self.root)/Plugins/Examples/c/echo.c", "-o",
                output,
            ]
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        guard posix_spawn(&child, "/usr/bin/cc", nil, nil, &pointers, cl_environment()) == 0 else { return -1 }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        return cl_exited(status) != 0 ? cl_exit_status(status) : -1
    }

    @Test func exampleBuildsWithoutAWarningAndEchoes() throws {
        var template = Array("/tmp/kcs-example-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        let path = "\(folder)/libkcs-echo-c.so"
        defer {
            unlink(path)
            rmdir(folder)
        }
        let strict = ["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"]
        #expect(compile(strict + ["-shared", "-fPIC"], to: path) == 0)
        let library = try DynamicLibrary.load(path).get()
        let symbol = try #require(library.symbol("kcs_plugin_entry"))
        typealias Entry = @convention(c) () -> UnsafePointer<kcs_plugin>
        let plugin = unsafeBitCast(symbol, to: Entry.self)()
        #expect(plugin.pointee.size == UInt32(MemoryLayout<kcs_plugin>.size))
        let host = try #require(FakeDaemon(plugin, ["xor": .byte(0xFF)]))
        #expect(host.start() == KCS_INPUT_AUTO)
        for value in [1, 2, 3] as [UInt8] { #expect(host.write(value)) }
        host.write(9, command: true)
        #expect([host.read(), host.read(), host.read(), host.read()] == [0xFE, 0xFD, 0xFC, nil])
        #expect(host.stats["echoed"] == 3)
        #expect(host.misuses.isEmpty)
    }
}
