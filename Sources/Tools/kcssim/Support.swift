// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import DriverModel
import LinuxIO
import SimulatedDevice
import Simulator

/// The device, and how long the command may take.
struct HostOptions: ParsableArguments {
    @Argument(help: "The device's directory.")
    var directory: String

    @Option(
        help: ArgumentHelp(
            "How long the whole command may take; with bench and --count, each message unless it is given. "
                + "(default: 5s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var timeout: UInt64?

    /// The host's side of the device. A command that `isRepeated` as often as it is told to is limited as a whole only by
    /// a given time.
    func open(isRepeated: Bool = false) throws -> HostAccess {
        let limit = timeout ?? 5_000_000_000
        var end = UInt64.max
        if !isRepeated || timeout != nil {
            let (sum, overflow) = Clock.monotonic.addingReportingOverflow(limit)
            if !overflow { end = sum }
            CommandTimer.start(end: end, "\(directory) was not done with within \(Quantity.duration(limit))")
        }
        return try reporting { () throws(SystemError) in
            HostAccess(try SimulatedHost(directory: directory), timeout: limit, end: end)
        }
    }
}

/// What stands in front of a new device's registers.
struct DriverOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "v2: the raw-KCS patch as posted. fixed: with its O_NONBLOCK test put right. deferred: IDR stays until "
                + "read. (default: v2)",
            valueName: "v2|fixed|deferred"),
        transform: usage(CommandWord.driver))
    var driver = Driver.v2

    @Option(
        help: ArgumentHelp(
            "How often the driver polls OBF, as where OBE has no interrupt (500ms on Aspeed). "
                + "0: an interrupt. (default: 0)",
            valueName: "duration|never"),
        transform: usage(CommandWord.lag))
    var obeLag: UInt64 = 0
}

/// A word that cannot be read is wrong usage: exit status 64.
func usage<Value>(
    _ parse: @escaping @Sendable (String) throws(CommandWord.Malformed) -> Value
) -> @Sendable (String) throws -> Value {
    { text in
        do { return try parse(text) } catch let error as CommandWord.Malformed {
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
