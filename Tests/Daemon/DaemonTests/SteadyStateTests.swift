// SPDX-License-Identifier: Apache-2.0
//
// A byte's way through the daemon, in this process: device, channel, the echo plugin as a shared library, recorder.
import CKCSPlugin
import CLinux
import CTestSupport
import Capture
import DaemonConfiguration
import Devices
import Events
import LinuxIO
import PluginHost
import SimulatedDevice
import TestKit
import Testing

@testable import Daemon

/// Channels on simulated devices, turned by the test.
final class DaemonBench {
    let folder = TestFolder()
    let services: ChannelServices
    let loop: EventLoop

    init() throws {
        let folder = self.folder
        loop = try EventLoop()
        let worker = Worker(mailbox: loop.mailbox)
        let log = Log(level: .error)
        let programs = Programs(loop, log)
        let loop = self.loop
        services = ChannelServices(
            loop: loop, log: log, programs: programs, worker: worker, activity: Activity(),
            listenDescriptors: ListenDescriptors(), stateDirectory: "\(folder.path)/state",
            recordClock: RecordClock(),
            actions: ActionRunner.Services(
                loop: loop, log: log, programs: programs,
                sysrq: { Sysrq(loop, path: "\(folder.path)/sysrq") }, capture: { _, _, done in done(nil) }))
    }

    /// A plan for channels of the echo plugin that stands beside the test program.
    func plan(_ channels: [String], _ plugin: String = "echo", _ more: String = "") throws -> Plan {
        let list = channels.map {
            "  - {name: \($0), device: {type: sim, path: \(folder.path)/\($0)}, plugin: \(plugin)\(more)}"
        }
        let file = try folder.write("kcsmux.yaml", "version: 1\nchannels:\n\(list.joined(separator: "\n"))\n")
        let outcome = PlanReader.read(file, DeviceKind.all, PluginLoader(folders: [], trust: .any))
        #expect(outcome.pluginDiagnostics.render() == "")
        return try #require(outcome.plan, "\(outcome.diagnostics.render())")
    }
}

@Suite(.serialized) struct SteadyStateTests {
    @Test(.enabled(if: cts_counts_allocations() != 0)) func byteAllocatesNothing() throws {
        let bench = try DaemonBench()
        // A call that this machine interrupts for long is reported, which allocates.
        let plan = try bench.plan(["a"], "echo", ", call_budget: 60s")
        let recorder = Recorder(RecorderIdentity(channel: "a", description: "", number: 0), events: 4096)
        let channel = Channel(plan.channels[0], number: 0, bench.services, recorder: recorder)
        channel.start(reason: 0)
        #expect(channel.isRunning)
        let host = try SimulatedHost(directory: "\(bench.folder.path)/a")
        func exchange(_ count: Int) throws -> UInt64 {
            let before = cts_allocations()
            for index in 0..<count {
                host.write(UInt8(truncatingIfNeeded: index))
                while host.readStatus() & 1 == 0 { try bench.loop.turn(wait: false) }
                guard host.readData() == UInt8(truncatingIfNeeded: index) else { return UInt64.max }
            }
            return cts_allocations() - before
        }
        _ = try exchange(1_000)
        // A byte is several events: reading it, writing its answer, hearing that it was taken.
        let allocations = try exchange(repetitions(1_000_000))
        #expect(allocations == 0)
        #expect(channel.context.counters.bytesIn >= 1_000)
        channel.stop(reason: UInt32(KCS_REASON_STOP))
        #expect(!host.state.isOpen)
    }

    @Test func pauseBetweenStartsGrowsToItsLimitAndNoFurther() throws {
        let bench = try DaemonBench()
        let plan = try bench.plan(
            ["a"], "echo", ", restart: {backoff: 24h, backoff_max: 24h}")
        let channel = Channel(plan.channels[0], number: 0, bench.services, recorder: nil)
        for _ in 0..<70 {
            channel.fail("asked to", stays: false)
            guard case .backingOff(let until, _) = channel.state else {
                Issue.record("it does not back off: \(channel.state.name)")
                return
            }
            #expect(until - Clock.monotonic > 86_000_000_000_000)
        }
        channel.stop(reason: UInt32(KCS_REASON_STOP))
    }

    @Test func numbersOfChannelsAreDistinct() throws {
        let names = ChannelNames()
        #expect(names.free(beside: [0, 1, 3]) == 2)
        #expect(names.free(beside: []) == 0)
    }
}
