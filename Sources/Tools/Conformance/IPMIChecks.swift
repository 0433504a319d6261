// SPDX-License-Identifier: Apache-2.0
import Common

/// Commands that every management controller with a system interface has.
enum IPMIChecks {
    private typealias Fault = StrictHost.Fault

    /// A command that must be there: its answer's shortest data, and completion codes beside 00 that say as much.
    private static func mandatory(
        _ id: String, _ paragraph: String, _ name: String, _ request: [UInt8], atLeast count: Int,
        or codes: [UInt8] = []
    ) -> Check {
        Check(id, "IPMI 2.0 \(paragraph)", "\(name) is answered") { bench throws(Fault) in
            let (code, data) = try bench.ask(request)
            if codes.contains(code) { return }
            guard code == 0 else { throw Fault("its completion code is \(Hex.number(code))") }
            guard data.count >= count else {
                throw Fault("its answer has \(data.count) bytes of data, at least \(count) wanted")
            }
        }
    }

    static let all: [Check] = [
        Check("IPMI-DEVICE-ID", "IPMI 2.0 §20.1", "Get Device ID has 11 or 15 bytes, and IPMI version 1.5 or 2.0") {
            bench throws(Fault) in
            let (code, data) = try bench.ask([0x18, 0x01])
            guard code == 0, data.count == 11 || data.count == 15 else {
                throw Fault("completion code \(Hex.number(code)), \(data.count) bytes of data")
            }
            guard data[4] == 0x51 || data[4] == 0x02 else { throw Fault("its IPMI version is \(Hex.number(data[4]))") }
        },
        mandatory("IPMI-SELF-TEST", "§20.4", "Get Self Test Results", [0x18, 0x04], atLeast: 2),
        Check("IPMI-ENABLES", "IPMI 2.0 §22.1, §22.2", "Set BMC Global Enables takes what Get BMC Global Enables gives")
        {
            bench throws(Fault) in
            let (code, data) = try bench.ask([0x18, 0x2F])
            guard code == 0, data.count == 1 else {
                throw Fault("Get: completion code \(Hex.number(code)), \(data.count) bytes")
            }
            let set = try bench.ask([0x18, 0x2E, data[0]])
            guard set.code == 0 else { throw Fault("Set: completion code \(Hex.number(set.code))") }
        },
        mandatory("IPMI-CLEAR-FLAGS", "§22.3", "Clear Message Flags", [0x18, 0x30, 0x08], atLeast: 0),
        mandatory("IPMI-GET-FLAGS", "§22.4", "Get Message Flags", [0x18, 0x31], atLeast: 1),
        mandatory("IPMI-GET-MESSAGE", "§22.6", "Get Message", [0x18, 0x33], atLeast: 1, or: [0x80]),
        mandatory("IPMI-GET-WATCHDOG", "§27.7", "Get Watchdog Timer", [0x18, 0x25], atLeast: 8),
        mandatory("IPMI-RESET-WATCHDOG", "§27.5", "Reset Watchdog Timer", [0x18, 0x22], atLeast: 0, or: [0x80]),
        mandatory("IPMI-CHASSIS-CAPABILITIES", "§28.1", "Get Chassis Capabilities", [0x00, 0x00], atLeast: 5),
        mandatory("IPMI-CHASSIS-STATUS", "§28.2", "Get Chassis Status", [0x00, 0x01], atLeast: 3),
        mandatory("IPMI-SEL-INFO", "§31.2", "Get SEL Info", [0x28, 0x40], atLeast: 14),
        mandatory("IPMI-SEL-TIME", "§31.10", "Get SEL Time", [0x28, 0x48], atLeast: 4),
        mandatory("IPMI-SDR-INFO", "§33.9", "Get SDR Repository Info", [0x28, 0x20], atLeast: 14),
        mandatory(
            "IPMI-CHANNEL-INFO", "§22.24", "Get Channel Info of the present channel", [0x18, 0x42, 0x0E], atLeast: 9),
        Check("IPMI-UNKNOWN-COMMAND", "IPMI 2.0 §5.2, table 5-2", "a command that is none is refused with C1") {
            bench throws(Fault) in
            let (code, _) = try bench.ask([0x18, 0xEF])
            guard code == 0xC1 else { throw Fault("its completion code is \(Hex.number(code))") }
        },
        Check("IPMI-UNKNOWN-NETFN", "IPMI 2.0 §5.2, table 5-2", "a network function that is none is refused") {
            bench throws(Fault) in
            let (code, _) = try bench.ask([0x1E << 2, 0x01])
            guard code != 0 else { throw Fault("it is done: completion code 00") }
        },
        Check("IPMI-LENGTH", "IPMI 2.0 §5.2, table 5-2", "a request of a wrong length is refused with C7") {
            bench throws(Fault) in
            let (code, _) = try bench.ask([0x18, 0x42])
            guard code == 0xC7 || code == 0xC6 else {
                throw Fault("Get Channel Info without a channel: \(Hex.number(code))")
            }
        },
        Check("IPMI-LUN", "IPMI 2.0 §5.2", "the answer has the request's LUN") { bench throws(Fault) in
            _ = try bench.ask([0x19, 0x01])
        },
    ]
}
