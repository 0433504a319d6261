// SPDX-License-Identifier: Apache-2.0
//
// The host's side of one device in a soak: its accesses with faults in them, its patience, and the device's coming and going.
import CLinux
import Common
import DriverModel
import LinuxIO
import SimulatedDevice

/// What a soak's exchange ends with when it is not to go on.
enum SoakEnd: Error {
    /// The BMC did what it should not.
    case wrong(String)
    /// Somebody else failed, or the soak was ended.
    case stopped
}

/// A host that soaks one device. One thread uses it.
final class SoakHost {
    let directory: String
    let settings: SoakSettings
    let host: SimulatedHost
    var counts = SoakCounts()
    private let mustStop: () -> Bool
    private var vanishTimes: SeededRandom
    private var nextVanish: UInt64
    private let lastVanish: UInt64

    init(
        _ directory: String, number: Int, _ settings: SoakSettings, mustStop: @escaping () -> Bool
    ) throws(SystemError) {
        self.directory = directory
        self.settings = settings
        self.mustStop = mustStop
        host = try SimulatedHost(directory: directory)
        vanishTimes = SeededRandom(seed: settings.seed, UInt64(number), 1)
        let now = Clock.monotonic
        // A device that came back is to be used for a while before the end.
        lastVanish = now + settings.duration / 10 * 8
        nextVanish = now
        planVanish(now)
    }

    private func planVanish(_ now: UInt64) {
        let mean = max(1, min(settings.vanishEvery, settings.duration / 2))
        nextVanish = now + mean / 2 + vanishTimes.below(mean)
    }

    func has(_ fault: SoakFault) -> Bool { settings.faults.contains(fault) }

    /// Is the device to vanish in this exchange?
    var isVanishDue: Bool {
        guard has(.vanish) else { return false }
        let now = Clock.monotonic
        return now >= nextVanish && now < lastVanish
    }

    /// The interrupts of one exchange have these faults.
    func setFaults(_ random: inout SeededRandom) {
        host.faults = InterruptFaults(
            seed: random.next(), lost: has(.lost) ? 20 : 0, delayed: has(.delayed) ? 20 : 0,
            longestDelay: 3_000_000, spurious: has(.spurious) ? 20 : 0)
    }

    /// Nothing goes wrong with interrupts from here on.
    func clearFaults() { host.faults = nil }

    /// Ends the exchange when the soak is over for all.
    func check() throws(SoakEnd) { if mustStop() { throw .stopped } }

    /// STR; a port that floats is wrong unless this side took the device away.
    func status() throws(SoakEnd) -> UInt8 {
        let str = host.readStatus()
        if host.state.isGone { throw .wrong("the device was taken away by somebody else") }
        return str
    }

    /// Reads ODR, and tells the BMC of it unless that is what goes wrong.
    func readData() -> UInt8 {
        if has(.obe) { return host.readData() }
        let faults = host.faults
        host.faults = nil
        defer { host.faults = faults }
        return host.readData()
    }

    func stall(_ nanoseconds: UInt64) {
        counts.stalls += 1
        sleep(nanoseconds)
    }

    func sleep(_ nanoseconds: UInt64) {
        Clock.sleep(nanoseconds)
    }

    /// Takes the device away for a while, and waits until the BMC has it open again.
    func vanish(for nanoseconds: UInt64) throws(SoakEnd) {
        counts.vanished += 1
        host.vanish()
        sleep(nanoseconds)
        host.comeBack()
        clearFaults()
        try waitUntilOpen(within: settings.reopen)
        planVanish(Clock.monotonic)
    }

    /// Waits until the BMC's side has the device open.
    func waitUntilOpen(within time: UInt64) throws(SoakEnd) {
        let deadline = Clock.monotonic + time
        while !host.state.isOpen {
            try check()
            guard Clock.monotonic < deadline else {
                throw .wrong("nobody had the device open on the BMC's side for \(Quantity.duration(time))")
            }
            sleep(2_000_000)
        }
    }

    /// A wait with a limit: polls a few times at once, then less and less often, and sees to interrupts that were lost.
    struct Patience {
        private var deadline: UInt64
        private var pause: UInt64 = 0
        private var polls = 0
        private var nudged: UInt64

        init(_ host: SoakHost) {
            let now = Clock.monotonic
            deadline = now + host.settings.timeout
            nudged = now
        }

        /// Lets time pass. False: there is none left.
        mutating func wait(_ host: SoakHost) throws(SoakEnd) -> Bool {
            try host.check()
            polls += 1
            if polls < 20 {
                CurrentThread.yield()
                return true
            }
            let now = Clock.monotonic
            if now >= deadline { return false }
            pause = min(max(pause * 2, 20_000), 500_000)
            host.sleep(pause)
            if now - nudged > 4_000_000 {
                nudged = now
                host.host.nudge()
            }
            return true
        }
    }
}
