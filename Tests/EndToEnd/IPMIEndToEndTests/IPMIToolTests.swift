// SPDX-License-Identifier: Apache-2.0
//
// The unmodified ipmitool, through its own `dummy` interface: a socket on which it sends requests as a C structure, and
// which here leads to the host CPU's side of a simulated device.
import CLinux
import Foundation
import IPMI
import LinuxIO
import Simulator
import TestKit
import Testing

private let ipmitool = ["/usr/bin/ipmitool", "/usr/local/bin/ipmitool"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// The other end of the interface: one ipmitool after the other, until it goes.
private final class DummyInterface: @unchecked Sendable {
    let path: String
    private let listener: Int32
    private let thread = DispatchSemaphore(value: 0)
    // Only the thread below uses it.
    private var host: HostTransfer
    private static let requestSize = 16
    private static let responseSize = 24

    init(_ daemon: DaemonProcess) throws {
        // A tool that is gone before its answer is no reason to end the tests.
        Signals.ignore(SIGPIPE)
        host = try daemon.host(.linux)
        path = daemon.folder + "/ipmitool"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try UnixSocket.bind(listener, path, abstract: false).get()
        #expect(listen(listener, 4) == 0)
        Foundation.Thread.detachNewThread { [self] in
            while true {
                let connection = cl_accept(listener)
                guard connection >= 0, cl_fcntl(connection, F_SETFL, 0) == 0 else { break }
                serve(connection)
                close(connection)
            }
            thread.signal()
        }
    }

    /// Ends the thread.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        thread.wait()
        close(listener)
    }

    /// As structures of a 64-bit little-endian machine.
    /// A request: NetFn, LUN, command, one more byte, length (16 bits), a pointer that means nothing here; then the data.
    /// A response: NetFn, command, sequence, LUN, completion code, length (32 bits at 8), such a pointer; then the data.
    private func serve(_ connection: Int32) {
        while let head = read(connection, Self.requestSize) {
            let netFn = head[0]
            // The tool says goodbye.
            if netFn == 0x3F && head[2] == 0xFF { return }
            guard let data = read(connection, Int(head[4]) | Int(head[5]) << 8) else { return }
            var response: [UInt8] = [netFn << 2 | 4, head[2], CompletionCode.unspecified.rawValue]
            if case .success(let bytes) = host.send([netFn << 2 | head[1], head[2]] + data) { response = bytes }
            var answer = [UInt8](repeating: 0, count: Self.responseSize)
            answer[0] = response[0] >> 2
            answer[1] = response[1]
            answer[4] = response[2]
            answer[8] = UInt8(truncatingIfNeeded: response.count - 3)
            answer[9] = UInt8(truncatingIfNeeded: (response.count - 3) >> 8)
            answer += response[3...]
            guard answer.withUnsafeBytes({ Syscalls.writeAll(connection, $0) }).isSuccess else { return }
        }
    }

    private func read(_ connection: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let result = bytes.withUnsafeMutableBytes {
                recv(connection, $0.baseAddress! + done, count - done, 0)
            }
            guard result > 0 else { return nil }
            done += result
        }
        return bytes
    }
}

extension Result {
    fileprivate var isSuccess: Bool { if case .success = self { true } else { false } }
}

@Suite(.serialized, .enabled(if: ipmitool != nil, "ipmitool is not installed"))
struct IPMIToolTests {
    /// What a command prints. It must succeed, or fail; nil: its exit status says nothing.
    private func run(_ interface: DummyInterface, _ words: String, succeeds: Bool? = true) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(ipmitool))
        process.arguments = ["-I", "dummy"] + words.split(separator: " ").map(String.init)
        process.environment = ["IPMI_DUMMY_SOCK": interface.path, "TZ": "UTC"]
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        if let succeeds { #expect((process.terminationStatus == 0) == succeeds, "ipmitool \(words): \(text)") }
        return text
    }

    @Test func everydayCommandsSucceedAndSayWhatIsSo() throws {
        let fru = NSTemporaryDirectory() + "/fru-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: fru) }
        var contents = FRUContents()
        contents.board = ("Example", "Board One", "SN7", "P1")
        contents.product = ("Example", "Machine", "PN2", "1", "SN2")
        try Data(try #require(contents.image(size: 256)).bytes).write(to: URL(fileURLWithPath: fru))
        let daemon = try DaemonProcess(
            options: """
                {device_id: {id: 0x21, firmware: "2.07", manufacturer: 4711, product: 99}, \
                guid: "00112233-4455-4677-8899-aabbccddeeff", \
                sensors: [{number: 3, name: Inlet, value: {constant: "41.0"}, thresholds: {unc: 35, uc: 40}}], \
                fru: [{id: 0, path: \(fru), name: Mainboard, writable: true}], \
                chassis: {power_on: [{log: one}], power_off: [{log: two}], cycle: [{log: three}]}, \
                watchdog: {reset: [{log: four}]}, lan: {address: 192.0.2.17, users: [{id: 2, name: admin}]}, \
                write_limit: {rate: 0}}
                """)
        try daemon.start()
        let interface = try DummyInterface(daemon)
        defer { interface.stop() }
        for (words, parts) in [
            ("mc info", ["Device ID                 : 33", "Firmware Revision         : 2.07", ": 4711"]),
            ("mc selftest", ["Selftest: passed"]),
            ("mc guid", ["System GUID", "00112233-4455-4677-8899-aabbccddeeff"]),
            ("mc getenables", ["System Event Logging                     : enabled"]),
            ("raw 6 0x2e 0x0c", []),
            ("mc getenables", ["Event Message Buffer                     : enabled"]),
            ("mc watchdog get", ["Stopped"]),
            ("mc getsysinfo system_name", []),
            ("chassis status", ["System Power         : on", "Power Restore Policy : unknown"]),
            ("chassis policy always-off", []),
            ("chassis status", ["Power Restore Policy : always-off"]),
            ("chassis policy list", ["always-off always-on previous"]),
            ("chassis poh", ["POH Counter"]),
            ("chassis restart_cause", ["unknown"]),
            ("chassis identify 1", []),
            ("chassis bootdev pxe", ["Set Boot Device to pxe"]),
            ("chassis bootparam get 5", ["Boot Flag Valid", "Force PXE"]),
            ("chassis power cycle", ["Cycle"]),
            ("chassis restart_cause", ["chassis power control"]),
            ("power status", ["on"]),
            ("sel clear", []),
            ("sel list", ["SEL has no entries"]),
            ("event 1", ["Upper Critical"]),
            ("sel info", ["Entries          : 1"]),
            ("sel elist", ["Upper Critical going high | Asserted"]),
            ("sel get 1", ["SEL Record ID"]),
            ("sel delete 1", ["Deleted entry"]),
            ("sel time set now", []),
            ("sel time get", ["/"]),
            ("sdr info", ["Record Count                        : 5"]),
            ("sdr list", ["Inlet            | 41 degrees C      | cr"]),
            ("sdr elist all", ["Inlet            | 03h | ucr", "Mainboard"]),
            ("sensor list", ["Inlet            | 41.000     | degrees C  | cr", "35.000    | 40.000"]),
            ("sensor thresh Inlet unc 38", ["Setting sensor \"Inlet\" Upper Non-Critical threshold to 38.000"]),
            ("sensor list", ["38.000    | 40.000"]),
            ("fru print 0", ["Board Product         : Board One", "Product Name          : Machine"]),
            ("channel info 15", ["System Interface", "KCS"]),
            ("channel getaccess 1 2", ["admin"]),
            ("lan print 1", ["IP Address              : 192.0.2.17"]),
            ("user list 1", ["2   admin            true    false      true       ADMINISTRATOR"]),
            ("user summary 1", ["Maximum IDs"]),
            ("session info all", ["slot count                    : 0", "active sessions               : 0"]),
            ("pef info", ["0x51"]),
            ("pef status", []),
            ("raw 6 1", ["21 81 02 07"]),
        ] {
            let text = try run(interface, words)
            for part in parts { #expect(text.contains(part), "ipmitool \(words): \(text)") }
        }
        // The tool fails after an edit that it has made.
        _ = try run(interface, "fru edit 0 field b 1 Board_Two", succeeds: nil)
        #expect(try run(interface, "fru print 0").contains("Board Product         : Board_Two"))
        // What is not there is refused, and the tool says so.
        for words in ["raw 6 0x99", "i2c bus=0 0xa0 4", "mc reset cold", "sel get 77", "user set name 2 eve"] {
            _ = try run(interface, words, succeeds: false)
        }
        #expect(daemon.stop() == 0)
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: fru)).contains(UInt8(ascii: "_")),
            "what was edited is in the file")
    }

    @Test func dcmiIsAnsweredBesideTheCommandsOfIPMI() throws {
        let folder = TestFolder()
        let power = try folder.write("power1_average", "287600000\n")
        let inlet = try folder.write("temp1_input", "-4200\n")
        let daemon = try DaemonProcess(
            options: "{device_id: {id: 0x21}, sensors: [{number: 3, name: Inlet, value: {constant: 24}}]}",
            dcmi: """
                {power: {file: \(power)}, temperatures: [{entity: inlet, file: \(inlet), record: 2}], \
                mc_id: bmc-7, sel: {capacity: 300, when_full: wrap}, lan_channel: 1}
                """)
        try daemon.start()
        let interface = try DummyInterface(daemon)
        defer { interface.stop() }
        let name = "rack-17-node-03-of-the-second-row"
        for (words, parts) in [
            ("mc info", ["Device ID                 : 33"]),
            (
                "dcmi discover",
                [
                    "Power management available", "In-band KCS channel available", "SEL automatic rollover is enabled",
                    "300 SEL entries", "Primary LAN channel number: 1 is available", "No serial channel is available",
                ]
            ),
            (
                "dcmi power reading",
                [
                    "Instantaneous power reading:                   288 Watts",
                    "Minimum during sampling period:                288 Watts", "state is:                   activated",
                ]
            ),
            ("dcmi power get_limit", ["No Active Power Limit"]),
            ("dcmi asset_tag", ["Asset tag: \n"]),
            ("dcmi set_asset_tag \(name)", ["Set Asset Tag: \(name)"]),
            ("dcmi asset_tag", ["Asset tag: \(name)\n"]),
            ("dcmi get_mc_id_string", ["Identifier String: bmc-7\n"]),
            ("dcmi set_mc_id_string \(name)", []),
            ("dcmi get_mc_id_string", ["Identifier String: \(name)\n"]),
            ("dcmi get_temp_reading", ["Inlet air temperature(40h)\t\t1\t\t-4 C"]),
            ("dcmi sensors", ["Inlet: 1 temperature sensor found", "Record ID 0x0002: Inlet", "CPU: 0 temperature"]),
            ("dcmi get_conf_param", ["Initial timeout interval\t: 4 seconds", "retry interval\t: 64 seconds"]),
            ("sel info", ["Entries          : 0"]),
        ] {
            let text = try run(interface, words)
            for part in parts { #expect(text.contains(part), "ipmitool \(words): \(text)") }
        }
        for words in ["dcmi power set_limit limit 100", "dcmi power activate", "dcmi thermalpolicy get 0x40 1"] {
            _ = try run(interface, words, succeeds: false)
        }
        #expect(daemon.stop() == 0)
        try daemon.start()
        #expect(try run(interface, "dcmi asset_tag").contains("Asset tag: \(name)\n"), "it survives")
        #expect(try run(interface, "dcmi get_mc_id_string").contains("String: \(name)\n"))
        #expect(daemon.stop() == 0)
    }

    /// The packets of eight bytes in a pcapng file.
    private static func registerRecords(_ file: [UInt8]) -> [[UInt8]] {
        func word(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(file[place + $1]) << (8 * $1) } }
        var records: [[UInt8]] = []
        var place = 0
        while place + 12 <= file.count, word(place + 4) >= 12, place + word(place + 4) <= file.count {
            if word(place) == 6, word(place + 20) == 8 { records.append([UInt8](file[(place + 28)..<(place + 36)])) }
            place += word(place + 4)
        }
        return records
    }

    @Test func settingsAreWrittenSurviveAndPasswordsAreInNoLogAndNoCapture() throws {
        let folder = TestFolder()
        let script = try folder.write(
            "password.sh",
            """
            file=\(folder.path)/password
            case $KCSMUX_OPERATION in
            set) printf '%s %s' "$KCSMUX_USER_NAME" "$KCSMUX_PASSWORD" >$file ;;
            test) test "$(cat $file)" = "$KCSMUX_USER_NAME $KCSMUX_PASSWORD" ;;
            esac
            """)
        let daemon = try DaemonProcess(
            settings: """
                {lan: {mac: "02:00:00:00:00:01"}, \
                changed: [{exec: [/bin/sh, -c, 'cp $KCSMUX_FILE \(folder.path)/$KCSMUX_CHANGE']}], \
                password: [{exec: [/bin/sh, \(script)]}]}
                """)
        try daemon.start()
        let interface = try DummyInterface(daemon)
        defer { interface.stop() }
        for words in [
            "lan set 1 ipsrc static", "lan set 1 ipaddr 192.0.2.33", "lan set 1 netmask 255.255.255.0",
            "lan set 1 defgw ipaddr 192.0.2.1", "lan set 1 vlan id 42", "user set name 3 bob", "user priv 3 4 1",
            "user enable 3", "user set password 3 hush-hush-77", "user test 3 16 hush-hush-77",
        ] { _ = try run(interface, words) }
        _ = try run(interface, "user test 3 16 hush-hush-78", succeeds: false)
        #expect(folder.read("password") == "bob hush-hush-77")
        func readBack() throws {
            let lan = try run(interface, "lan print 1", succeeds: nil)
            for part in [
                ": Static Address", ": 192.0.2.33\n", ": 255.255.255.0\n", ": 02:00:00:00:00:01\n", ": 192.0.2.1\n",
                ": 42\n",
            ] { #expect(lan.contains(part), "\(part) in \(lan)") }
            let users = try run(interface, "user list 1")
            #expect(users.contains("3   bob") && users.contains("ADMINISTRATOR"), "\(users)")
        }
        try readBack()
        let capture = folder.path + "/capture.pcapng"
        let control = try Program(
            Path.parent(of: DaemonProcess.program) + "/kcsctl",
            ["--socket", daemon.folder + "/control.sock", "capture", "dump", "ipmi", "-o", capture])
        #expect(control.wait() == .exited(0), "\(control.log)")
        #expect(daemon.stop() == 0)
        #expect(!daemon.rest.contains("hush-hush"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: capture))
        #expect(bytes.range(of: Data("bob".utf8)) != nil, "whole messages are in it")
        #expect(bytes.range(of: Data("hush".utf8)) == nil)
        // Nor is it in the register accesses: kind 1 is a read of IDR, and the byte behind that the value.
        let read = Self.registerRecords([UInt8](bytes)).filter { $0[1] == 1 }.map { $0[2] }
        #expect(Data(read).range(of: Data([0x47, 0x03, 0x02, 0, 0, 0])) != nil, "the request is")
        #expect(Data(read).range(of: Data("hush".utf8)) == nil)
        try daemon.start()
        try readBack()
        #expect(daemon.stop() == 0)
        #expect(folder.names().contains("lan") && folder.names().contains("user"), "the actions ran")
    }
}
