// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import SimulatedDevice

/// A BMC's side of a transfer in a few lines, on a thread of its own: right, or with one fault.
final class Responder: @unchecked Sendable {
    enum Fault: String, CaseIterable, Sendable {
        /// There is no byte in ODR behind the last of an answer, for which FreeIPMI and edk2 wait.
        case noDummy
        /// The answer's NetFn is the request's.
        case requestsNetFn
        /// GET_STATUS/ABORT leads to ERROR, and no status is given.
        case abortIgnored
        /// The error status is always ff.
        case oneStatus
        /// WRITE_START in the read phase is an error: a host that left an answer is never served again.
        case deafInRead
        /// What is no command is done.
        case everythingDone
        /// A byte is read before STATE is shown.
        case stateTooLate
    }

    private enum Phase {
        case idle, write, last, read, abort, abortStatus, error
    }

    private let port: SimulatedPort
    private let fault: Fault?
    private var phase = Phase.idle
    private var request: [UInt8] = []
    private var answer: [UInt8] = []
    private var status: UInt8 = 0
    private let lock = Lock()
    private var isOver = false
    private var thread: Thread?

    init(_ directory: String, _ fault: Fault?) throws {
        port = try SimulatedPort(directory: directory)
        self.fault = fault
        thread = Thread.start { [self] in while !ended { serve() } }
    }

    private var ended: Bool {
        lock.lock()
        defer { lock.unlock() }
        return isOver
    }

    func end() {
        lock.lock()
        isOver = true
        lock.unlock()
        thread?.join()
        port.close()
    }

    private func serve() {
        let str = port.readStatus()
        guard str & 0x02 != 0 else { return Clock.sleep(20_000) }
        if str & 0x08 != 0 { command() } else { data() }
    }

    private func show(_ state: UInt8, _ odr: UInt8? = nil) {
        port.writeStatus(state << 6)
        if let odr { _ = port.writeData(odr) }
    }

    private func take() -> UInt8 { port.readData()?.value ?? 0 }

    private func stop(_ code: UInt8) {
        status = code
        phase = .error
        show(3, 0)
    }

    private func command() {
        if fault == .stateTooLate {
            let value = take()
            Clock.sleep(3_000_000)
            return command(value)
        }
        if fault == .deafInRead && (phase == .read || phase == .error) {
            _ = take()
            return stop(0xFF)
        }
        show(2, 0)
        command(take())
    }

    private func command(_ value: UInt8) {
        switch value {
        case 0x61:
            show(2, 0)
            (phase, request, answer, status) = (.write, [], [], 0)
        case 0x62 where phase == .write && !request.isEmpty: phase = .last
        case 0x60:
            if fault == .abortIgnored { return stop(0xFF) }
            if status == 0 { status = 1 }
            phase = .abort
        default: stop(2)
        }
    }

    private func data() {
        switch phase {
        case .write:
            if request.count == 1000 {
                _ = take()
                return stop(6)
            }
            show(2, 0)
            request.append(take())
        case .last:
            show(1)
            request.append(take())
            (answer, phase) = (reply(), .read)
            _ = port.writeData(answer.removeFirst())
        case .read: read()
        case .abort:
            show(1)
            _ = take()
            _ = port.writeData(fault == .oneStatus ? 0xFF : status)
            phase = .abortStatus
        case .abortStatus:
            show(0)
            _ = take()
            _ = port.writeData(0)
            (phase, status) = (.idle, 0)
        case .idle, .error:
            _ = take()
            stop(0xFF)
        }
    }

    private func read() {
        let isOver = answer.isEmpty
        if isOver { show(0) }
        guard take() == 0x68 else { return stop(0xFF) }
        if !isOver {
            _ = port.writeData(answer.removeFirst())
        } else {
            phase = .idle
            if fault != .noDummy { _ = port.writeData(0) }
        }
    }

    private func reply() -> [UInt8] {
        guard request.count >= 2 else { return [0x1C, 0, 0xC7] }
        let head = [request[0] | (fault == .requestsNetFn ? 0 : 4), request[1]]
        if request == [request[0], 0x01], request[0] & 0xFC == 0x18 {
            return head + [0, 0x20, 0x81, 1, 0, 0x02, 0x8D, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        return head + [fault == .everythingDone ? 0x00 : 0xC1]
    }
}
