// SPDX-License-Identifier: Apache-2.0
import Common
import KCS
import LinuxIO

/// A host CPU that does one thing at a time, and says what is not as the standard has it.
public struct StrictHost {
    /// What was found, in one sentence.
    struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    let ports: any HostPorts
    /// Nanoseconds that the BMC may take for IBF, OBF and an answer.
    let timeout: UInt64

    /// A host at those ports.
    public init(_ ports: any HostPorts, timeout: UInt64) { (self.ports, self.timeout) = (ports, timeout) }

    var state: KCSState { StatusRegister(rawValue: ports.readStatus()).state }

    /// Waits until a bit of STR has a value.
    func wait(_ bit: StatusRegister, toBe isSet: Bool, _ what: String, within limit: UInt64? = nil) throws(Fault) {
        let deadline = Clock.monotonic &+ (limit ?? timeout)
        var polls = 0
        while true {
            let status = ports.readStatus()
            if status == 0xFF { throw Fault("the status port reads 0xff: there is no device") }
            if StatusRegister(rawValue: status).contains(bit) == isSet { return }
            guard Clock.monotonic < deadline else { throw Fault("\(what) for \(Quantity.duration(limit ?? timeout))") }
            polls += 1
            if polls % 40 == 0 { ports.nudge() }
            Clock.sleep(polls < 20 ? 5_000 : 50_000)
        }
    }

    func waitInput(_ behind: String) throws(Fault) { try wait(.ibf, toBe: false, "IBF stayed set behind \(behind)") }

    /// Reads a byte that may lie in ODR, as a host does before each write.
    func clearOutput() { if StatusRegister(rawValue: ports.readStatus()).contains(.obf) { _ = ports.readData() } }

    func write(_ value: UInt8, command: Bool, _ name: String) throws(Fault) {
        try waitInput("what came before \(name)")
        clearOutput()
        ports.write(value, command: command)
        try waitInput(name)
    }

    /// STATE, sampled once.
    func expect(_ wanted: KCSState, behind name: String) throws(Fault) {
        let found = state
        guard found == wanted else { throw Fault("STATE is \(found.name) behind \(name), not \(wanted.name)") }
    }

    /// STATE, which may take so long.
    func eventually(_ wanted: KCSState, behind name: String, within limit: UInt64 = 1_000_000_000) throws(Fault) {
        let deadline = Clock.monotonic &+ limit
        while state != wanted {
            guard Clock.monotonic < deadline else {
                throw Fault("STATE stays \(state.name) behind \(name), and does not become \(wanted.name)")
            }
            Clock.sleep(100_000)
        }
    }

    /// The write phase (IPMI 2.0 §9.15, figure 9-6), up to and with byte `limit`, without WRITE_END when that is less.
    func send(_ request: [UInt8], limit: Int? = nil, pause: UInt64 = 0) throws(Fault) {
        try write(ControlCode.writeStart, command: true, "WRITE_START")
        try expect(.write, behind: "WRITE_START")
        for (index, byte) in request.enumerated() {
            if let limit, index >= limit { return }
            if pause > 0 { Clock.sleep(pause) }
            if index == request.count - 1 {
                try write(ControlCode.writeEnd, command: true, "WRITE_END")
                try expect(.write, behind: "WRITE_END")
            }
            try write(byte, command: false, "byte \(index + 1) of \(request.count)")
            if index < request.count - 1 { try expect(.write, behind: "byte \(index + 1) of \(request.count)") }
        }
        try expect(.read, behind: "the last byte of a request")
    }

    /// The read phase (figure 9-7), up to byte `limit`.
    func receive(limit: Int = 1024, pause: UInt64 = 0, readsDummy: Bool = true) throws(Fault) -> [UInt8] {
        var answer: [UInt8] = []
        while true {
            let found = state
            guard found == .read else {
                guard found == .idle else {
                    throw Fault("STATE is \(found.name) in the read phase, behind \(answer.count) bytes")
                }
                guard !answer.isEmpty else { throw Fault("STATE is IDLE before the first byte of the answer") }
                guard readsDummy else { return answer }
                try wait(.obf, toBe: true, "there is no byte in ODR behind the answer's last: OBF stayed clear")
                _ = ports.readData()
                return answer
            }
            try wait(.obf, toBe: true, "OBF stayed clear in the read phase, behind \(answer.count) bytes")
            answer.append(ports.readData())
            guard answer.count < limit else { return answer }
            if pause > 0 { Clock.sleep(pause) }
            ports.write(ControlCode.read, command: false)
            try waitInput("READ")
        }
    }

    func transfer(_ request: [UInt8]) throws(Fault) -> [UInt8] {
        try send(request)
        return try receive()
    }

    /// GET_STATUS/ABORT (figure 9-8); the answer is the error status.
    func abort() throws(Fault) -> UInt8 {
        try waitInput("what came before GET_STATUS/ABORT")
        ports.write(ControlCode.getStatusAbort, command: true)
        try waitInput("GET_STATUS/ABORT")
        clearOutput()
        ports.write(0, command: false)
        try waitInput("the 00 behind GET_STATUS/ABORT")
        try eventually(.read, behind: "GET_STATUS/ABORT and 00", within: 500_000_000)
        try wait(.obf, toBe: true, "there is no error status in ODR: OBF stayed clear")
        let code = ports.readData()
        ports.write(ControlCode.read, command: false)
        try waitInput("READ")
        try eventually(.idle, behind: "the error status", within: 500_000_000)
        try wait(.obf, toBe: true, "there is no byte in ODR behind the error status: OBF stayed clear")
        _ = ports.readData()
        return code
    }

    /// What a driver does to be served again: at most ten attempts, with GET_STATUS/ABORT in between. How many it took.
    func recover(with request: [UInt8]) throws(Fault) -> (answer: [UInt8], attempts: Int) {
        var last = Fault("nothing was tried")
        for attempt in 1...10 {
            do throws(Fault) {
                return (try transfer(request), attempt)
            } catch { last = error }
            do throws(Fault) { _ = try abort() } catch { Clock.sleep(20_000_000) }
        }
        throw Fault("not served in ten attempts with GET_STATUS/ABORT in between; the last: \(last.text)")
    }
}
