// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import LinuxIO
import SimulatedDevice

/// A folder that goes when its owner does.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/kcs-sim-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A count that an acceptance run names, or a hundredth of it.
func repetitions(_ full: Int) -> Int {
    CurrentProcess.environment("KCSMUX_LONG") == "1" ? full : max(1, full / 100)
}

/// Far enough away that only a hang gets there.
var patience: UInt64 { Clock.monotonic + 20_000_000_000 }

/// Waits for a descriptor; false when it was not ready in time.
func isReady(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) == 1
}

/// The program of that name beside the tests' own.
func builtProgram(_ name: String) -> String {
    Path.parent(of: CurrentProcess.executable ?? "") + "/" + name
}

/// One side of a device in a process of its own.
final class Peer {
    private let process = Process()
    private let output = Pipe()

    /// Starts it, and waits until it has the device open.
    init(_ side: String, _ directory: String) throws {
        process.executableURL = URL(fileURLWithPath: builtProgram("SimulatedPeer"))
        process.arguments = [side, directory]
        process.standardOutput = output
        try process.run()
        _ = output.fileHandleForReading.readData(ofLength: 1)
    }

    var identifier: Int32 { process.processIdentifier }

    /// Kills it where it stands, and waits until it is gone.
    func kill() {
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit { if process.isRunning { kill() } }
}

/// Answers every byte with itself, until told to stop.
func echo(_ port: SimulatedPort, until done: () -> Bool) {
    while !done() {
        guard let (value, _) = port.readData() else {
            if isReady(port.doorbell, within: 5) { port.drainDoorbell() }
            continue
        }
        while !port.writeData(value) && !done() {
            if !port.isWritable && isReady(port.doorbell, within: 5) { port.drainDoorbell() }
        }
    }
}
