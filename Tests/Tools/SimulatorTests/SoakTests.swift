// SPDX-License-Identifier: Apache-2.0
//
// The soak against BMCs that are right, and against BMCs that are wrong in one thing: it finds that, and tells where.
import CLinux
import DriverModel
import Events
import LinuxIO
import SimulatedDevice
import Testing

@testable import Simulator

/// What is wrong with a BMC of a test: something after so many bytes.
private enum Mistake: String, CaseIterable {
    case none, loses, changes, repeats
}

/// Answers each byte, on a thread of its own, until it is let go.
private final class EchoingBMC: @unchecked Sendable {
    private let lock = Lock()
    private var isStopping = false
    private var thread: Thread?

    init(_ directory: String, _ mistake: Mistake) throws {
        let port = Held(try SimulatedPort(directory: directory))
        thread = Thread.start { [self] in run(port.value, mistake) }
    }

    private struct Held: @unchecked Sendable {
        let value: SimulatedPort
        init(_ value: SimulatedPort) { self.value = value }
    }

    private var mustStop: Bool {
        lock.lock()
        defer { lock.unlock() }
        return isStopping
    }

    private func run(_ port: SimulatedPort, _ mistake: Mistake) {
        var answers: [UInt8] = []
        var count = 0
        while !mustStop {
            port.drainDoorbell()
            if answers.isEmpty, let (value, str) = port.readData() {
                if str & STRBit.commandData != 0 { continue }
                count += 1
                switch count == 200 ? mistake : .none {
                case .none: answers.append(value)
                case .loses: break
                case .changes: answers.append(value ^ 1)
                case .repeats: answers += [value, value]
                }
            }
            if let first = answers.first, port.writeData(first) {
                answers.removeFirst()
            } else {
                var entry = pollfd(fd: port.doorbell, events: Int16(POLLIN), revents: 0)
                poll(&entry, 1, 1)
            }
        }
        port.close()
    }

    func stop() {
        lock.lock()
        isStopping = true
        lock.unlock()
        thread?.join()
    }
}

@Suite(.serialized) struct SoakTests {
    private func folder() -> String {
        var template = Array("/tmp/kcs-soak-XXXXXX".utf8CString)
        mkdtemp(&template)
        return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    private func remove(_ directory: String) {
        for name in ["registers", "irq-bmc", "irq-host", "window", "lock"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    @Test(arguments: Mistake.allCases) fileprivate func mistakeIsFound(mistake: Mistake) throws {
        let directory = folder()
        defer { remove(directory) }
        let bmc = try EchoingBMC(directory, mistake)
        var settings = SoakSettings(seed: 3, duration: 500_000_000)
        settings.kind = .echo
        settings.faults = [.delayed, .spurious, .obe, .stall]
        settings.timeout = 2_000_000_000
        let report = Soak([directory], settings).run { _, _ in }
        bmc.stop()
        if mistake == .none {
            #expect(report.failures.isEmpty, "\(report.failures)")
            #expect(report.total.checked > 0)
            #expect(report.kinds == [.echo])
        } else {
            #expect(report.failures.count == 1)
            #expect(report.failures.first?.directory == directory)
            #expect(report.failures.first.map { $0.exchange < 200 } == true)
        }
    }

    @Test func deviceThatNobodyServesIsAFailure() throws {
        let directory = folder()
        defer { remove(directory) }
        var settings = SoakSettings(seed: 3, duration: 10_000_000)
        settings.timeout = 20_000_000
        let report = Soak([directory], settings).run { _, _ in }
        #expect(report.failures.first?.reason.contains("nobody had the device open") == true, "\(report.failures)")
    }

    @Test func exchangesFollowFromSeedAndNumberAlone() {
        func plans(_ seed: UInt64) -> [[UInt8]] {
            (0..<200).map { number in
                var random = SeededRandom(seed: seed, 3, 2, UInt64(number))
                let bytes = EchoExchange(&random, Set(SoakFault.allCases))
                return bytes.bytes + MessageExchange(&random, Set(SoakFault.allCases)).request
            }
        }
        #expect(plans(1) == plans(1))
        #expect(plans(1) != plans(2))
        #expect(Set(plans(1)).count > 190, "one exchange is not like another")
    }

    @Test func faultThatIsNotAskedForDoesNotComeAndChangesNothingElse() {
        for number in 0..<2000 as Range<UInt64> {
            var random = SeededRandom(seed: 1, number)
            var same = random
            let full = EchoExchange(&random, Set(SoakFault.allCases))
            let bare = EchoExchange(&same, [])
            #expect(full.bytes == bare.bytes && full.window == bare.window)
            #expect(bare.resetAfter == nil && bare.stall == nil && !bare.isSpurious && !bare.rude.contains(true))
        }
    }

    @Test func listOfFaultsIsRead() throws {
        #expect(try SoakFault.list("all").count == SoakFault.allCases.count)
        #expect(try SoakFault.list("none").isEmpty)
        #expect(try SoakFault.list("lost,vanish") == [.lost, .vanish])
        for text in ["", "lost,", "loss", "all,lost"] {
            do {
                _ = try SoakFault.list(text)
                Issue.record("\(text) was read")
            } catch { #expect(error.description.contains("is not a fault")) }
        }
    }
}
