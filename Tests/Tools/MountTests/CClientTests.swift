// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

private let compiler = ["/usr/bin/cc", "/usr/local/bin/cc"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite(.serialized, onMountedFiles) struct CClientTests {
    @Test(.enabled(if: compiler != nil, "no C compiler at /usr/bin/cc"), arguments: ["v2", "fixed", "deferred"])
    func programForTheKernelsNodeWorksUnchanged(driver: String) throws {
        let mount = try Mount(channels: 1, "--driver", driver)
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Resources/client.c"
        let program = mount.root + "/client"
        let compiled = try run(
            compiler ?? "cc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", program, source])
        #expect(compiled.status == 0, "\(compiled.output)")

        let client = Process()
        client.executableURL = URL(fileURLWithPath: program)
        client.arguments = [mount.node("raw-kcs")]
        try client.run()
        let host = try mount.host()
        for byte: UInt8 in [0x00, 0x44, 0x51, 0xFF] {
            #expect(host.send(byte, deadline: patience))
            #expect(host.receive(deadline: patience) == ~byte)
        }
        #expect(host.send(0x60, command: true, deadline: patience))
        #expect(host.send(0x01, deadline: patience))
        _ = host.receive(deadline: patience)
        #expect(host.wait(for: 0x02, toBe: 0, deadline: patience))
        // Each byte is read before the next is written: two queued would share one C/D.
        #expect(eventually { host.counted(.bmcReads) == 6 })
        #expect(host.send(0x51, command: true, deadline: patience))
        client.waitUntilExit()
        #expect(client.terminationStatus == 0)
    }
}
