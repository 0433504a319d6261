// SPDX-License-Identifier: Apache-2.0
import KCS
import LinuxIO
import Simulator
import TestKit
import Testing

@Suite(.serialized) struct LabelTests {
    /// Requests in which no byte is a control code, so that what each byte was is seen from its value.
    private func decoded(_ handshake: String, _ driver: String) throws -> [String] {
        let daemon = try DaemonProcess(driver: driver, handshake: handshake)
        try daemon.start()
        for temperament in [HostTemperament.linux, .freeipmi, .edk2] {
            var host = try daemon.host(temperament)
            for _ in 0..<2 { _ = host.send([0x18, 0x01]) }
        }
        let path = daemon.folder + "/x.pcapng"
        let dump = try Tools.run(
            "kcsctl", ["--socket", daemon.folder + "/control.sock", "capture", "dump", "ipmi", "-o", path])
        #expect(dump.ending == .exited(0), "\(dump.errors)")
        let text = try Tools.run("kcsctl", ["decode", path])
        #expect(text.ending == .exited(0))
        return text.output.split(separator: "\n").map(String.init).filter { $0.contains("  IDR ") }
    }

    @Test(arguments: [("strict", "v2"), ("fast", "deferred")])
    func aCaptureNamesBytesAsTheHostWroteThem(_ handshake: String, _ driver: String) throws {
        let lines = try decoded(handshake, driver)
        #expect(lines.count { $0.contains("IDR 61  command") } >= 6)
        for line in lines {
            let isCommand = ["IDR 60", "IDR 61", "IDR 62"].contains { line.contains($0) }
            let isRight = line.contains(isCommand ? "  command  STR" : "  data     STR")
            // Where nothing told which it was, no name is right, too.
            #expect(isRight || line.contains("  ?        STR"), "\(line)")
        }
    }
}
