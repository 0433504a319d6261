// SPDX-License-Identifier: Apache-2.0
//
// `kcssim ipmi` as its users run it.
import Foundation
import IPMI
import LinuxIO
import Testing

@Suite(.serialized) struct CommandTests {
    private func kcssim(_ words: [String]) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: Path.parent(of: CurrentProcess.executable ?? "") + "/kcssim")
        process.arguments = ["ipmi"] + words
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let reasons = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, reasons)
    }

    @Test func rawRequestsAndReportsAreAnsweredInWords() throws {
        let fru = NSTemporaryDirectory() + "/fru-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: fru) }
        var contents = FRUContents()
        contents.board = ("Example", "Board One", "S/N 7", "P-1")
        try Data(try #require(contents.image(size: 256)).bytes).write(to: URL(fileURLWithPath: fru))
        let daemon = try DaemonProcess(
            options: """
                {device_id: {id: 0x21, firmware: "2.07", manufacturer: 4711, product: 99}, \
                sensors: [{number: 3, name: Inlet, value: {constant: "41.0"}, thresholds: {unc: 35, uc: 40}}], \
                fru: [{id: 0, path: \(fru), name: Mainboard}], write_limit: {rate: 0}}
                """)
        try daemon.start()
        let id = try kcssim([daemon.device, "6", "0x01"])
        #expect(id.status == 0)
        #expect(
            id.output
                == "completion code 0x00 (done)\n"
                + "0x21 0x81 0x02 0x07 0x02 0x8f 0x67 0x12 0x00 0x63 0x00 0x00 0x00 0x00 0x00\n")
        let unknown = try kcssim([daemon.device, "0x30", "1", "2", "3", "--temperament", "freeipmi"])
        #expect(unknown.status == 1, "a refusal is not what the host asked for")
        #expect(unknown.output == "completion code 0xc1 (unknown command)\n")
        #expect(unknown.errors.contains("completion code 0xc1 (unknown command)"))
        let refused = try kcssim([daemon.device, "0x30", "1", "--count", "3"])
        #expect(refused.status == 1 && refused.output.hasPrefix("3 answered, 3 of them refused, 0 failed, "))
        #expect(refused.output.hasSuffix("\n3 times: completion code 0xc1 (unknown command)\n"))
        let many = try kcssim([daemon.device, "6", "1", "--count", "20", "--temperament", "edk2"])
        #expect(many.status == 0 && many.output.hasPrefix("20 answered, 0 failed, "))

        let info = try kcssim([daemon.device, "mc-info"]).output
        for line in [
            "device        0x21, revision 1", "firmware      2.07", "manufacturer  4711", "self test     passed",
        ] {
            #expect(info.contains(line + "\n"))
        }
        let sensors = try kcssim([daemon.device, "sdr-list"]).output
        #expect(sensors.contains("41 °C, beyond the upper critical threshold\n"))
        #expect(sensors.contains("Mainboard        FRU device 0x00\n"))
        let board = try kcssim([daemon.device, "fru-print"]).output
        #expect(board.contains("FRU device 0x00 (Mainboard)\n"))
        #expect(board.contains("board product         Board One\n") && board.contains("board serial          S/N 7\n"))
        // The sensor's constant value made its events when the controller started.
        let log = try kcssim([daemon.device, "sel-list"]).output
        #expect(log.contains("temperature 0x03: upper critical, going high, asserted"))
        #expect(try kcssim([daemon.device, "chassis-status"]).output.contains("power         on\n"))
        #expect(daemon.stop() == 0)
    }

    @Test func noAnswerIsFailureWithAReason() throws {
        let daemon = try DaemonProcess()
        let result = try kcssim([daemon.device, "6", "1", "--temperament", "freeipmi", "--timeout", "20ms"])
        #expect(result.status == 1)
        #expect(result.errors.contains("nobody has the device open on the BMC's side"))
        let many = try kcssim([
            daemon.device, "6", "1", "--temperament", "freeipmi", "--timeout", "20ms", "--count", "2",
        ])
        #expect(many.status == 1)
        #expect(many.output.hasPrefix("0 answered, 2 failed"))
    }

    @Test(arguments: [
        ["DIR"], ["DIR", "6"], ["DIR", "7", "1"], ["DIR", "0x40", "1"], ["DIR", "6", "x"], ["DIR", "lan-print"],
        ["DIR", "6", "1", "--count", "0"], ["DIR", "mc-info", "--count", "2"],
        ["DIR", "6", "1", "--temperament", "windows"],
    ])
    func wrongUsageIs64AndMakesNothing(words: [String]) throws {
        let directory = NSTemporaryDirectory() + "/kcssim-ipmi-" + UUID().uuidString
        let result = try kcssim(words.map { $0 == "DIR" ? directory : $0 })
        #expect(result.status == 64)
        #expect(!FileManager.default.fileExists(atPath: directory))
    }
}
