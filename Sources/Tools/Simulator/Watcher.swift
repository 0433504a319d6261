// SPDX-License-Identifier: Apache-2.0
//
// What a host sees that polls STR and ODR without reading them: OBF stays set, doorbells stay. Changes that come faster than
// the polls are not seen, but the device's counters show that there were some.
import CLinux
import Common
import DriverModel
import LinuxIO
import SimulatedDevice

/// Polls a device and says what changed.
public struct Watcher {
    private let host: SimulatedHost
    private let start: UInt64
    private var shown: (str: UInt8, odr: UInt8)?
    private var accesses: UInt64 = 0
    /// Polls for which the count of the line before may still rise: whoever makes an access counts it behind the change.
    private var settling = 0

    /// A watcher that has seen nothing yet.
    public init(_ host: SimulatedHost, now: UInt64) {
        self.host = host
        start = now
    }

    /// The names of the columns.
    public static let heading = "seconds       STR   ODR   meaning"

    /// One line if STR or ODR is not what the last line said; the first poll always makes one.
    public mutating func poll(now: UInt64) -> String? {
        let state = host.state
        let total = Self.counted.reduce(0) { $0 &+ host.counted($1) }
        if let shown, shown == (state.str, state.odr) {
            if settling > 0 { (settling, accesses) = (settling - 1, total) }
            return nil
        }
        // Each line is one access, unless there were more than could be told apart.
        let missed = shown == nil ? 0 : total &- accesses
        shown = (state.str, state.odr)
        accesses = total
        settling = 3
        let note = missed > 1 ? "  (\(missed) accesses since the last line)" : ""
        return "\(seconds(now - start))  \(Hex.number(state.str))  \(Hex.number(state.odr))  "
            + describeStatus(state.str) + note
    }

    private static let counted: [Counter] = [
        .hostDataWrites, .hostCommandWrites, .hostReads, .bmcReads, .bmcWrites, .statusWrites,
    ]

    /// Seconds and microseconds, right-aligned.
    private func seconds(_ nanoseconds: UInt64) -> String {
        let micros = nanoseconds / 1000
        let whole = String(micros / 1_000_000)
        let fraction = String(micros % 1_000_000)
        return String(repeating: " ", count: max(0, 5 - whole.count)) + whole + "."
            + String(repeating: "0", count: 6 - fraction.count) + fraction
    }

    /// Polls until `stop` says so; each line goes to `line`. Polls often while something happens, 500 times a second
    /// when nothing does.
    public mutating func run(until stop: () -> Bool, line: (String) -> Void) {
        var pause: UInt64 = 50_000
        while !stop() {
            if let text = poll(now: Clock.monotonic) {
                line(text)
                pause = 50_000
            } else {
                pause = min(pause * 2, 2_000_000)
            }
            Clock.sleep(pause)
        }
    }
}
