// SPDX-License-Identifier: Apache-2.0
import CLinux
import Dispatch
import DriverModel
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension EndToEnd {
    @Suite struct BytesTests {
        private let bench = Bench()

        @Test(arguments: ["v2", "fixed", "deferred"])
        func echoAnswersEveryByte(driver: String) throws {
            _ = try DeviceDirectory.create(
                "\(bench.path)/a",
                DeviceSettings(driver: driver == "v2" ? .v2 : driver == "fixed" ? .fixed : .deferred))
            try bench.configure(bench.channel("a", "echo", "options: {xor: 0x5A}", device: "driver: \(driver)"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            for value in UInt8.min...UInt8.max { #expect(host.exchange(value) == value ^ 0x5A) }
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log)")
        }

        @Test func exampleInCIsBuiltOutsideThePackageAndEchoes() throws {
            let example = try CCompiler.library(
                "\(CCompiler.root)/Plugins/Examples/c/echo.c", to: "\(bench.path)/libkcs-echo-c.so")
            try bench.configure(bench.channel("a", example, "options: {xor: 0xFF}"))
            try bench.start()
            let host = try bench.host("a")
            for value in UInt8.min...UInt8.max { #expect(host.exchange(value) == ~value) }
        }

        @Test func oneTriggerByteAmongMillionsTriggersOnce() throws {
            try bench.configure(
                bench.channel(
                    "debug", "debug-trigger",
                    "options: {actions: {D: [{exec: [/bin/sh, -c, 'echo D >> \(bench.path)/triggered']}]}}"),
                bench.channel("busy"))
            let daemon = try bench.start(running: 2)
            let busy = Moved(value: try bench.host("busy"))
            let stop = Flag()
            let traffic = inBackground { () -> UInt8 in
                var value: UInt8 = 0
                while !stop.isSet {
                    if busy.value.exchange(value) != value { break }
                    value &+= 1
                }
                return value
            }
            let host = try bench.host("debug")
            let count = repetitions(1_000_000)
            var random = SplitMix(seed: 1)
            let place = Int(random.next() % UInt64(count))
            for index in 0..<count {
                var value = UInt8(truncatingIfNeeded: random.next())
                if value == 0x44 { value = 0x45 }
                guard host.send(index == place ? 0x44 : value, deadline: deadline) else {
                    Issue.record("byte \(index) was not taken: \(daemon.log)")
                    break
                }
            }
            #expect(daemon.line("debug: trigger", "exec /bin/sh ok") != nil, "\(daemon.log)")
            stop.set()
            _ = traffic.wait()
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            #expect(bench.folder.read("triggered") == "D\n")
            let audits = daemon.log.split(separator: "\n").count { $0.contains("exec /bin/sh") }
            #expect(audits == 1)
        }

        @Test func staleByteNeverTriggers() throws {
            try bench.configure(
                bench.channel(
                    "debug", "debug-trigger",
                    "options: {cooldown: 0s, actions: {D: [{exec: [/bin/sh, -c, 'echo D >> \(bench.path)/triggered']}]}}"
                ))
            let host = try bench.host("debug")
            host.write(0x44)
            let daemon = try bench.launch()
            #expect(daemon.line("1 stale byte") != nil, "\(daemon.log)")
            #expect(host.send(0x44, deadline: deadline))
            #expect(daemon.line("exec /bin/sh ok") != nil)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            #expect(bench.folder.read("triggered") == "D\n")
        }

        @Test func idleDaemonUsesNoProcessorTime() throws {
            try bench.configure(bench.channel("a"), bench.channel("b", "debug-trigger"))
            let daemon = try bench.start(running: 2)
            let host = try bench.host("a")
            #expect(host.exchange(1) == 1)
            // The watchdog dozes off a while after the last call.
            _ = daemon.line("nothing is logged", within: 1_000)
            let before = daemon.processorTicks
            _ = daemon.line("nothing is logged", within: 2_000)
            #expect(daemon.processorTicks == before)
            #expect(daemon.isRunning)
        }

        @Test func stopLeavesTheDeviceDefined() throws {
            try bench.configure(bench.channel("a", try bench.build("probe")))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.exchange(0x11) == 0x11)
            daemon.signal(SIGTERM)
            #expect(daemon.line("a: stop: reason 4, STR 0") != nil, "\(daemon.log)")
            #expect(daemon.wait() == .exited(0))
            #expect(host.readStatus() & 0x10 != 0, "what the handler left in STR stays")
            #expect(host.readStatus() & 0x02 == 0, "no byte is left for the next opener")
            #expect(!host.state.isOpen)
        }

        @Test func unreadAnswerDoesNotHoldUpOthers() throws {
            try bench.configure(bench.channel("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let deaf = try bench.host("a")
            for value in [1, 2, 3, 4] as [UInt8] { deaf.write(value) }
            let host = try bench.host("b")
            for value in UInt8.min...UInt8.max { #expect(host.exchange(value) == value) }
            #expect(daemon.isRunning)
        }
    }
}

/// A flag between threads.
final class Flag: @unchecked Sendable {
    private let word: UnsafeMutablePointer<UInt64>

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: 0)
    }

    deinit { word.deallocate() }

    var isSet: Bool { cl_load64(word) != 0 }
    func set() { cl_store64(word, 1) }
}

/// Work on a thread of its own.
final class Background<Result>: @unchecked Sendable {
    private var result: Result?
    private let group = DispatchGroup()

    fileprivate func begin(_ body: @escaping @Sendable () -> Result) {
        DispatchQueue.global().async(group: group) { [self] in result = body() }
    }

    /// Waits for its result.
    func wait() -> Result? {
        group.wait()
        return result
    }
}

func inBackground<Result>(_ body: @escaping @Sendable () -> Result) -> Background<Result> {
    let work = Background<Result>()
    work.begin(body)
    return work
}

/// Lets an object that one thread uses cross to that thread.
struct Moved<Value>: @unchecked Sendable {
    let value: Value
}
