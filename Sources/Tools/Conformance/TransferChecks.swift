// SPDX-License-Identifier: Apache-2.0
import Common
import KCS
import LinuxIO

/// The state machine, its error and abort phases, and what hosts do in between.
enum TransferChecks {
    private typealias Fault = StrictHost.Fault

    static let all: [Check] = phases + aborts + errors + interleavings

    private static let phases = [
        Check("KCS-PRESENT", "IPMI 2.0 §9.5", "the status register does not read 0xff") { bench throws(Fault) in
            guard bench.host.ports.readStatus() != 0xFF else { throw Fault("it reads 0xff") }
        },
        Check("KCS-SERVES", "IPMI 2.0 §9.12", "a host that retries is served") { bench throws(Fault) in
            try bench.serves()
        },
        Check(
            "KCS-WRITE", "IPMI 2.0 §9.15, figure 9-6",
            "STATE is WRITE from WRITE_START on, and READ behind the last byte"
        ) {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send(bench.probe)
        },
        Check(
            "KCS-READ", "IPMI 2.0 §9.15, figure 9-7",
            "each byte sets OBF, and STATE is IDLE behind the last, with a byte in ODR"
        ) {
            bench throws(Fault) in
            try bench.ready()
            _ = try bench.host.transfer(bench.probe)
        },
        Check("KCS-OBF", "IPMI 2.0 §9.5", "a read of ODR clears OBF") { bench throws(Fault) in
            try bench.ready()
            try bench.host.send(bench.probe)
            try bench.host.wait(.obf, toBe: true, "OBF stayed clear")
            _ = bench.host.ports.readData()
            guard bench.host.ports.readStatus() & 1 == 0 else { throw Fault("OBF is set behind the read") }
        },
        Check("KCS-STEADY", "IPMI 2.0 §9.15", "forty transfers in a row need no recovery") { bench throws(Fault) in
            try bench.ready()
            for number in 1...40 {
                do throws(Fault) { _ = try bench.host.transfer(bench.probe) } catch {
                    throw Fault("transfer \(number): \(error.text)")
                }
            }
        },
    ]

    private static let aborts = [
        Check(
            "KCS-ABORT-WRITE", "IPMI 2.0 §9.15, figure 9-8",
            "GET_STATUS/ABORT in the write phase gives status 01, then IDLE"
        ) {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send([0x18, 0x01, 0, 0], limit: 2)
            let code = try bench.host.abort()
            guard code == 1 else {
                throw Fault("the error status is \(Hex.number(code)), not 0x01 (aborted by command)")
            }
            try bench.serves()
        },
        Check(
            "KCS-ABORT-READ", "IPMI 2.0 §9.15, figure 9-8",
            "GET_STATUS/ABORT in the read phase gives status 01, then IDLE"
        ) {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send(bench.probe)
            _ = try bench.host.receive(limit: 2)
            let code = try bench.host.abort()
            guard code == 1 else {
                throw Fault("the error status is \(Hex.number(code)), not 0x01 (aborted by command)")
            }
            try bench.serves()
        },
        Check("KCS-ABORT-IDLE", "IPMI 2.0 §9.15, figure 9-8", "GET_STATUS/ABORT in IDLE is answered") {
            bench throws(Fault) in
            try bench.ready()
            _ = try bench.host.abort()
            try bench.serves()
        },
        Check("KCS-ABORT-TWICE", "IPMI 2.0 §9.15, figure 9-8", "a second GET_STATUS/ABORT is answered as the first") {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send([0x18, 0x01, 0, 0], limit: 1)
            _ = try bench.host.abort()
            _ = try bench.host.abort()
            try bench.serves()
        },
    ]

    private static let errors = [
        Check("KCS-ERROR-CODE", "IPMI 2.0 §9.10, table 9-4", "an illegal control code leads to ERROR, and to status 02")
        {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send([0x18, 0x01, 0, 0], limit: 2)
            try bench.host.write(0x63, command: true, "control code 63")
            // A driver may show what was done to it only when the host goes on.
            do throws(Fault) { try bench.host.eventually(.error, behind: "control code 63") } catch {
                guard try bench.host.abort() == 2 else { throw error }
                return try bench.serves()
            }
            let code = try bench.host.abort()
            guard code == 2 else {
                throw Fault("the error status is \(Hex.number(code)), not 0x02 (illegal control code)")
            }
            try bench.serves()
        },
        Check("KCS-ERROR-READ", "IPMI 2.0 §9.15, figure 9-7", "another byte than READ in the read phase leads to ERROR")
        {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send(bench.probe)
            _ = try bench.host.receive(limit: 1)
            bench.host.ports.write(0x69, command: false)
            try bench.host.waitInput("69")
            try bench.host.eventually(.error, behind: "69 in the read phase")
            try bench.serves()
        },
        Check(
            "KCS-ERROR-EMPTY", "IPMI 2.0 §9.15, figure 9-6",
            "WRITE_END without a byte is no request, and the next is served"
        ) {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.write(ControlCode.writeStart, command: true, "WRITE_START")
            bench.host.ports.write(ControlCode.writeEnd, command: true)
            try bench.host.waitInput("WRITE_END")
            try bench.serves()
        },
        Check(
            "KCS-ERROR-LENGTH", "IPMI 2.0 §9.10, table 9-4",
            "a request longer than any leads to ERROR, and the next is served"
        ) {
            bench throws(Fault) in
            try bench.ready()
            var fault: Fault?
            do throws(Fault) { try bench.host.send([0xC0, 0x01] + [UInt8](repeating: 0, count: 1100)) } catch {
                fault = error
            }
            guard let fault, fault.text.contains("ERROR") || bench.host.state == .error else {
                throw Fault(fault?.text ?? "1102 bytes were taken as a request")
            }
            try bench.serves()
        },
    ]

    private static let interleavings = [
        Check("KCS-RESTART-WRITE", "IPMI 2.0 §9.15", "WRITE_START in the write phase begins the request anew") {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send([0x18, 0x01, 0, 0], limit: 2)
            try bench.serves()
        },
        Check(
            "KCS-RESTART-READ", "IPMI 2.0 §9.15", "WRITE_START in the read phase begins a request, and drops the answer"
        ) {
            bench throws(Fault) in
            try bench.ready()
            try bench.host.send(bench.probe)
            _ = try bench.host.receive(limit: 2)
            try bench.serves()
        },
        Check("KCS-RESTART-DUMMY", "IPMI 2.0 §9.15", "a host that leaves the last byte in ODR is served") {
            bench throws(Fault) in
            try bench.ready()
            for _ in 1...3 {
                try bench.host.send(bench.probe)
                _ = try bench.host.receive(readsDummy: false)
            }
            try bench.serves()
        },
        Check("KCS-ONE-BYTE", "IPMI 2.0 §9.3", "a request of one byte is none, and the next is served") {
            bench throws(Fault) in
            try bench.ready()
            do throws(Fault) { try bench.host.send([0x18]) } catch {}
            try bench.serves()
        },
        Check("KCS-STRAY", "IPMI 2.0 §9.15", "a byte of data in IDLE does not keep the next request from being served")
        {
            bench throws(Fault) in
            try bench.ready()
            bench.host.ports.write(0x55, command: false)
            try bench.host.waitInput("a byte of data in IDLE")
            try bench.serves()
        },
    ]
}
