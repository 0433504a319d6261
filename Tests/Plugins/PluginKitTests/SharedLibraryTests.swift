// SPDX-License-Identifier: Apache-2.0
//
// Loads the plugins that the build made, which stand beside the test program, as kcsmuxd does.
import CKCSPlugin
import LinuxIO
import PluginTestSupport
import Testing

@Suite struct SharedLibraryTests {
    private func load(_ name: String) throws -> UnsafePointer<kcs_plugin> {
        let executable = try #require(CurrentProcess.executable)
        let library = try DynamicLibrary.load("\(Path.parent(of: executable))/libkcs-\(name).so").get()
        let symbol = try #require(library.symbol("kcs_plugin_entry"))
        typealias Entry = @convention(c) () -> UnsafePointer<kcs_plugin>
        let entry = unsafeBitCast(symbol, to: Entry.self)
        let descriptor = entry()
        #expect(entry() == descriptor, "the same descriptor at each call")
        return descriptor
    }

    @Test(arguments: ["dcmi", "echo", "debug-trigger", "post-code"])
    func descriptorIsSane(name: String) throws {
        let plugin = try load(name).pointee
        #expect(plugin.size == UInt32(MemoryLayout<kcs_plugin>.size))
        #expect(plugin.abi == UInt32(KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR))
        #expect(plugin.option_size == UInt32(MemoryLayout<kcs_option>.stride))
        #expect(String(cString: plugin.name) == name)
        #expect(!String(cString: plugin.version).isEmpty)
        #expect(!String(cString: plugin.summary).contains("\n"))
        if plugin.inputs & 1 << UInt32(KCS_INPUT_AUTO) != 0 { #expect(plugin.data != nil) }
        if plugin.inputs & 1 << UInt32(KCS_INPUT_MANUAL) != 0 { #expect(plugin.input_ready != nil) }
    }

    @Test(arguments: ["dcmi", "echo", "debug-trigger", "post-code"])
    func everyOptionHasKeyAndHelp(name: String) throws {
        let plugin = try load(name).pointee
        #expect(plugin.option_count > 0)
        for index in 0..<Int(plugin.option_count) {
            let option = plugin.options![index]
            #expect(option.key != nil)
            #expect(option.help != nil)
        }
    }

    @Test func loadedEchoAnswers() throws {
        let host = try #require(FakeDaemon(try load("echo"), ["xor": .byte(0x0F)]))
        host.start()
        host.write(0x30)
        #expect(host.read() == 0x3F)
    }

    @Test func librariesShareNoSymbols() throws {
        #expect(try load("echo") != load("debug-trigger"))
    }
}
