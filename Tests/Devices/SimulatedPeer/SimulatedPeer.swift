// SPDX-License-Identifier: Apache-2.0
//
// A process for tests to kill: one side of a simulated device, for ever.
//   SimulatedPeer bmc DIR    answers every byte with itself
//   SimulatedPeer host DIR   sends bytes and takes the answers
// and, to count what a byte costs, both sides in turn and an end:
//   SimulatedPeer loop DIR COUNT
// and, to count what a byte costs somebody else, the host's side with an end:
//   SimulatedPeer exchange DIR COUNT
import CLinux
import LinuxIO
import SimulatedDevice

@main struct SimulatedPeer {
    static func main() throws {
        let arguments = CurrentProcess.arguments
        guard arguments.count >= 3 else { exit(64) }
        switch arguments[1] {
        case "bmc": try answer(arguments[2])
        case "host": try send(arguments[2])
        case "loop" where arguments.count == 4: try loop(arguments[2], Int(arguments[3]) ?? 0)
        case "exchange" where arguments.count == 4: try exchange(arguments[2], Int(arguments[3]) ?? 0)
        default: exit(64)
        }
    }

    static func answer(_ directory: String) throws {
        let port = try SimulatedPort(directory: directory)
        announce()
        while true {
            if let (value, _) = port.readData() {
                while !port.writeData(value) {
                    if port.isWritable { continue }
                    wait(port)
                }
            } else {
                wait(port)
            }
        }
    }

    static func wait(_ port: SimulatedPort) {
        var entry = pollfd(fd: port.doorbell, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, -1)
        port.drainDoorbell()
    }

    static func send(_ directory: String) throws {
        let host = try SimulatedHost(directory: directory)
        announce()
        var value: UInt8 = 0
        while true {
            _ = host.send(value, command: value & 1 == 1, deadline: .max)
            _ = host.receive(deadline: Clock.monotonic + 20_000_000)
            value &+= 1
        }
    }

    /// Each byte is sent when the answer to the one before was read.
    static func exchange(_ directory: String, _ count: Int) throws {
        let host = try SimulatedHost(directory: directory)
        for index in 0..<count {
            let deadline = Clock.monotonic + 60_000_000_000
            guard host.send(UInt8(truncatingIfNeeded: index), command: false, deadline: deadline),
                host.receive(deadline: deadline) == UInt8(truncatingIfNeeded: index)
            else { exit(1) }
        }
    }

    static func loop(_ directory: String, _ count: Int) throws {
        let host = try SimulatedHost(directory: directory)
        let port = try SimulatedPort(directory: directory)
        for index in 0..<count {
            host.write(UInt8(truncatingIfNeeded: index))
            port.drainDoorbell()
            guard let (value, _) = port.readData(), port.writeData(value) else { exit(1) }
            host.drainDoorbell()
            if host.readData() != value { exit(1) }
        }
    }

    /// The test knows that this side is up.
    static func announce() {
        var line: UInt8 = UInt8(ascii: "\n")
        _ = withUnsafeBytes(of: &line) { Syscalls.write(1, $0) }
    }
}
