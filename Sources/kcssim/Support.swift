// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import LinuxIO
import SimulatedDevice
import Simulator

/// The device, and how long the host is patient.
struct HostOptions: ParsableArguments {
    @Argument(help: "The device's directory.")
    var directory: String

    @Option(
        help: ArgumentHelp("How long to wait for the BMC. (default: 5s)", valueName: "duration"),
        transform: usage(Quantity.duration))
    var timeout: UInt64 = 5_000_000_000

    /// The host's side of the device.
    func open() throws -> HostAccess { try reporting { () throws(SystemError) in try openTyped() } }

    private func openTyped() throws(SystemError) -> HostAccess {
        HostAccess(try SimulatedHost(directory: directory), timeout: timeout)
    }
}

/// A word that cannot be read is wrong usage: exit status 64.
func usage<Value>(
    _ parse: @escaping @Sendable (String) throws(Quantity.Malformed) -> Value
) -> @Sendable (String) throws -> Value {
    { text in
        do { return try parse(text) } catch let error as Quantity.Malformed {
            throw ValidationError(error.description)
        }
    }
}

/// A system call that failed is a reason in words: exit status 1.
func reporting<Value>(_ body: () throws(SystemError) -> Value) throws -> Value {
    do { return try body() } catch { throw HostFailure(error.description) }
}

/// A line on standard output, at once.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { Syscalls.writeAll(1, $0) }
}
