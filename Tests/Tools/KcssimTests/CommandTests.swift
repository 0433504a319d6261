// SPDX-License-Identifier: Apache-2.0
//
// The program as its users run it.
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct CommandTests {
    private let directory = NSTemporaryDirectory() + "/kcssim-" + UUID().uuidString

    @Test func createSaysWhatWasMadeAndKeepsWhatIsThere() throws {
        defer { remove() }
        let made = try kcssim("create", directory, "--driver", "fixed", "--obe-lag", "500ms", "--window", "64KiB")
        #expect(made.status == 0)
        #expect(made.output == "\(directory): driver fixed, OBF polled every 500ms, window of 65536 bytes\n")
        let settings = try #require(try DeviceDirectory.settings(of: directory))
        #expect(settings == DeviceSettings(driver: .fixed, obeLag: 500_000_000, windowSize: 65536))
        let repeated = try kcssim("create", directory, "--driver", "fixed", "--obe-lag", "500ms", "--window", "64KiB")
        #expect(repeated.status == 0)
        let other = try kcssim("create", directory)
        #expect(other.status == 1)
        #expect(other.errors.contains("\(directory) holds another device already: driver fixed"))
    }

    @Test func bytesGoOutAndComeIn() throws {
        defer { remove() }
        let port = try SimulatedPort(directory: directory)
        #expect(try kcssim("out", directory, "data", "0x44").status == 0)
        #expect(port.readData()?.value == 0x44)
        #expect(try kcssim("out", directory, "command", "97").status == 0)
        let command = try #require(port.readData())
        #expect(command.value == 0x61)
        #expect(command.str & 0x08 != 0)
        #expect(port.writeBoth(odr: 0x1C, str: 0x45))
        #expect(try kcssim("in", directory, "status").output == "0x4d READ C/D SMS_ATN OBF\n")
        let input = try kcssim("in", directory, "data")
        #expect(input.output == "0x1c\n")
        #expect(input.status == 0)
        #expect(port.readStatus() & 1 == 0)
    }

    @Test func triggerIsTakenByTheDriver() throws {
        defer { remove() }
        let port = try SimulatedPort(directory: directory)
        #expect(try kcssim("trigger", directory, "D").status == 0)
        #expect(port.readData()?.value == UInt8(ascii: "D"))
        #expect(try kcssim("trigger", directory, "R").status == 0)
        #expect(port.readData()?.value == UInt8(ascii: "R"))
        #expect(try kcssim("trigger", directory, "X").status == 64)
    }

    @Test func whatTheBMCDoesNotDoIsFailureWithAReason() throws {
        defer { remove() }
        let input = try kcssim("in", directory, "data", "--timeout", "10ms")
        #expect(input.status == 1)
        #expect(input.errors.contains("OBF stayed clear for 10ms; nobody has the device open"))
        #expect(input.output == "")
        let trigger = try kcssim("trigger", directory, "D", "--timeout", "10ms")
        #expect(trigger.status == 1)
        #expect(trigger.errors.contains("IBF stayed set for 10ms"))
        let nowhere = try kcssim("in", "/proc/nowhere", "status")
        #expect(nowhere.status == 1)
        #expect(nowhere.errors.contains("/proc/nowhere"))
    }

    @Test func folderThatIsNoDeviceIsRefused() throws {
        defer { remove() }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for contents in ["", "short", String(repeating: "x", count: 4096)] {
            try contents.write(toFile: directory + "/registers", atomically: true, encoding: .utf8)
            let status = try kcssim("in", directory, "status")
            #expect(status.status == 1)
            #expect(status.errors.contains("find a device's registers in \(directory)/registers"))
        }
        var newer = Array("kcs-sim\0".utf8) + [2, 0, 0, 0]
        newer += [UInt8](repeating: 0, count: 4096 - newer.count)
        try Data(newer).write(to: URL(fileURLWithPath: directory + "/registers"))
        #expect(try kcssim("in", directory, "status").errors.contains("understand version 2"))
    }

    @Test(arguments: [
        ["out", "DIR", "data", "0x100"], ["out", "DIR", "data", "D"], ["out", "DIR", "status", "1"],
        ["out", "DIR", "data"], ["in", "DIR", "command"], ["create"], ["create", "DIR", "--driver", "v3"],
        ["create", "DIR", "--obe-lag", "5"], ["create", "DIR", "--window", "2GiB"], ["trigger", "DIR"], ["nothing"],
        ["in", "DIR", "data", "--timeout", "soon"], ["in", "DIR", "data", "--count", "0"],
    ])
    func wrongUsageIs64AndMakesNothing(words: [String]) throws {
        let result = try kcssim(words.map { $0 == "DIR" ? directory : $0 })
        #expect(result.status == 64)
        #expect(result.errors.hasPrefix("Error: "))
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test func versionIsThatOfTheProject() throws {
        let result = try kcssim("--version")
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("kcssim "))
        #expect(result.output.contains("\nplugin ABI ") && result.output.contains("\nbuild "))
    }

    @Test(arguments: ["create", "out", "in", "watch", "trigger", "ipmi", "soak", "demo", "mctp", "mount", "plugin"])
    func helpNamesADefaultOnce(command: String) throws {
        let help = try kcssim("help", command).output.split(separator: " ").joined(separator: " ")
        for option in help.components(separatedBy: " --").dropFirst() {
            #expect(option.components(separatedBy: "default:").count <= 2, "\(option)")
        }
    }

    @Test func badByteIsNamed() throws {
        let result = try kcssim("out", directory, "data", "1", "0x1ff")
        #expect(result.errors.contains("'0x1ff' is not a byte: 0 to 255, or 0x00 to 0xff"))
    }

    @Test func watchShowsChangesAsTheyCome() throws {
        defer { remove() }
        let port = try SimulatedPort(directory: directory)
        let process = Process()
        let output = Pipe()
        process.executableURL = program
        process.arguments = ["watch", directory]
        process.standardOutput = output
        try process.run()
        let lines = Lines(output.fileHandleForReading)
        #expect(lines.next() == "seconds       STR   ODR   meaning")
        #expect(lines.next()?.hasSuffix("  0x00  0x00  IDLE") == true)
        #expect(port.writeData(0x5A))
        #expect(lines.next()?.hasSuffix("  0x01  0x5a  IDLE OBF") == true)
        port.writeStatus(0xC1)
        #expect(lines.next()?.hasSuffix("  0xc1  0x5a  ERROR OBF") == true)
        #expect(process.isRunning)
        // Threads of the test runner block other signals, and the child inherits that.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private func remove() { try? FileManager.default.removeItem(atPath: directory) }
}

private var program: URL {
    URL(fileURLWithPath: Path.parent(of: CurrentProcess.executable ?? "") + "/kcssim")
}

private func kcssim(_ words: String...) throws -> (status: Int32, output: String, errors: String) { try kcssim(words) }

private func kcssim(_ words: [String]) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    let output = Pipe()
    let errors = Pipe()
    process.executableURL = program
    process.arguments = words
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let reasons = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text, reasons)
}

/// Lines from a pipe, as they come.
private final class Lines {
    private let handle: FileHandle

    init(_ handle: FileHandle) { self.handle = handle }

    func next() -> String? {
        var bytes: [UInt8] = []
        while let byte = handle.readData(ofLength: 1).first {
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }
}
