// SPDX-License-Identifier: Apache-2.0
//
// The documented layout is enough for a host in another language.
import DriverModel
import Foundation
import SimulatedDevice
import Testing

private let compiler = ["/usr/bin/cc", "/usr/local/bin/cc"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite struct CProgramTests {
    @Test(.enabled(if: compiler != nil, "no C compiler at /usr/bin/cc"), arguments: Driver.allCases)
    func hostInPlainCExchangesBytes(driver: Driver) throws {
        let folder = TemporaryFolder()
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Resources/host.c"
        let program = folder.path + "/host"
        let warnings = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
        let compiled = try run(compiler ?? "cc", warnings + ["-o", program, source])
        #expect(compiled.status == 0, "\(compiled.output)")

        let device = folder.path + "/device"
        _ = try DeviceDirectory.create(device, DeviceSettings(driver: driver))
        let stop = Flag()
        let bmc = inBackground {
            let port = try SimulatedPort(directory: device)
            echo(port) { stop.isSet }
        }
        // The doorbells are there once somebody used the device.
        let host = try SimulatedHost(directory: device)
        let exchanged = try run(program, [device, "0x44", "82", "0", "0xff"])
        stop.set()
        bmc.wait()
        #expect(exchanged.output == "0x44\n0x52\n0x00\n0xff\n")
        #expect(exchanged.status == 0)
        #expect(host.counted(.bmcReads) == 4)
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
