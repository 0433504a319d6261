// SPDX-License-Identifier: Apache-2.0
import CLinux
import KCS
import LinuxIO
import SimulatedDevice
import Simulator
import TestKit
import Testing

extension BusEndToEnd {
    @Suite struct AttentionTests {
        private let bench = BusBench()
        private let name = "xyz.openbmc_project.Ipmi.Channel.ipmi_kcs3"
        private let object = "/xyz/openbmc_project/Ipmi/Channel/ipmi_kcs3"
        private let hostIPMI = ["org.openbmc.HostIpmi", "/org/openbmc/HostIpmi/1", "org.openbmc.HostIpmi"]

        private func call(_ method: String) throws -> Bool {
            try bench.busctl("call", name, object, "xyz.openbmc_project.Ipmi.Channel.SMS", method).isDone
        }

        private func isAttentive(_ host: SimulatedHost) -> Bool {
            StatusRegister(rawValue: host.readStatus()).contains(.smsAttention)
        }

        @Test func theChannelsObjectSetsAndClearsAttention() throws {
            try bench.startAll()
            let host = try SimulatedHost(directory: bench.device)
            #expect(!isAttentive(host))
            #expect(try call("setAttention"))
            #expect(isAttentive(host))
            // It stays through a transfer, until it is cleared.
            var transfer = try bench.host()
            #expect(transfer.send([0x06 << 2, 0x31]) == .success([0x07 << 2, 0x31, 0, 0]))
            #expect(isAttentive(host))
            #expect(try call("clearAttention"))
            #expect(!isAttentive(host))
            #expect(try !call("otherAttention"))
        }

        @Test func ipmidsOwnNameSetsAttentionUntilTheHostAsks() throws {
            try bench.startAll("host_ipmi: true")
            let host = try SimulatedHost(directory: bench.device)
            let result = try bench.busctl("call", hostIPMI[0], hostIPMI[1], hostIPMI[2], "setAttention")
            #expect(result.isDone && result.output == "x 0\n")
            #expect(isAttentive(host))
            var transfer = try bench.host()
            #expect(transfer.send([0x30 << 2, 1, 1]) == .success([0x31 << 2, 1, 0, 1]))
            #expect(isAttentive(host), "this request was not for the message")
            #expect(transfer.send([0x06 << 2, 0x31]) == .success([0x07 << 2, 0x31, 0, 0]))
            #expect(!isAttentive(host), "a host that finds it set would ask for ever")
        }

        @Test func theNameIsTakenByTheChannelThatAsksForItOnly() throws {
            try bench.startAll()
            #expect(try !bench.busctl("call", hostIPMI[0], hostIPMI[1], hostIPMI[2], "setAttention").isDone)
        }

        @Test func forceAbortEndsTheTransferUnderWay() throws {
            try bench.startAll()
            let host = try SimulatedHost(directory: bench.device)
            var transfer = try bench.host()
            var machine = HostMachine(transfer.configuration, request: [0x30 << 2, 2])
            // Until the service has it: from then on the host waits in READ.
            let service = try #require(bench.service)
            var steps = 0
            while !service.log.contains("never"), steps < 100_000 {
                steps += 1
                #expect(transfer.run(&machine, accesses: 1) == nil)
            }
            #expect(StatusRegister(rawValue: host.readStatus()).state == .read)
            #expect(try call("forceAbort"))
            #expect(StatusRegister(rawValue: host.readStatus()).state != .read)
            #expect(transfer.send([0x30 << 2, 1, 9]) == .success([0x31 << 2, 1, 0, 9]))
        }

        @Test func everyObjectIsFoundFromTheRoot() throws {
            try bench.startAll("host_ipmi: true")
            let tree = try bench.busctl("tree", "--list", name)
            #expect(tree.isDone && tree.output.contains(object + "\n"), "\(tree.output)")
            #expect(tree.output.contains("/org/openbmc/HostIpmi/1\n"))
            let text = try bench.busctl("introspect", name, object).output
            for method in ["setAttention", "clearAttention", "forceAbort"] { #expect(text.contains("." + method)) }
        }

        @Test func aNameThatSomebodyElseHasIsWaitedFor() throws {
            try bench.startBus()
            try bench.startService()
            let daemon = try bench.start("name: other, host_ipmi: true")
            #expect(daemon.line("on the bus as xyz.openbmc_project.Ipmi.Channel.other") != nil)
            let second = BusBench()
            second.address = bench.address
            let late = try second.start("name: other")
            #expect(late.line("is somebody else's: it is taken when it is free") != nil)
        }
    }
}
