// SPDX-License-Identifier: Apache-2.0
import DriverModel
import KCS
import LinuxIO
import MCTP
import SimulatedDevice
import Simulator
import TestKit
import Testing

extension MCTPEndToEnd {
    @Suite struct DSP0254Tests {
        private func open(_ bench: Bench, unit: Int = 64) throws -> MCTPClient {
            MCTPClient(DSP0254Channel(try bench.access(), eid: EID(9), unit: unit), timeout: Bench.patience)
        }

        @Test func controlCommandsAreAnsweredInTheirTransfer() throws {
            let bench = try Bench("dsp0254")
            let client = try open(bench)
            #expect(try client.endpointID() == EID(8))
            #expect(try client.assign(EID(21)) == EID(21))
            // The medium's number says KCS.
            #expect(try client.demand(ControlRequest(.getEndpointID)) == [21, 2, 4] || client.endpointID() == EID(21))
            #expect(
                try client.ask(ControlRequest(ControlCommand(rawValue: 0xF0))).completionCode == .unsupportedCommand)
            bench.stop()
        }

        @Test(arguments: [64, 251])
        func fragmentsInARowAndBackByReadPhases(unit: Int) throws {
            let bench = try Bench("dsp0254", "mtu: \(unit), socket: {name: \"\", path: SOCKET}")
            let echo = try bench.echo(.vendorIANA)
            let client = try open(bench, unit: unit)
            _ = try client.types(including: .vendorIANA)
            for size in [1, 64, 65, 251, 252, 900] {
                let body = message(size, UInt64(size))
                let answer = try client.exchange(body, with: EID(8))
                #expect(answer.body == body, "\(size) B")
            }
            withExtendedLifetime(echo) {}
            bench.stop()
        }

        @Test(arguments: ["mctp", "ipmi-lite, mctp", "ipmi-lite"]) func IDLEIsShownToHostsThatLookForIt(
            handlers: String
        ) throws {
            let hasMCTP = handlers.hasSuffix("mctp")
            let bench =
                hasMCTP
                ? try Bench("dsp0254", beside: handlers == "mctp" ? nil : "ipmi-lite")
                : try Bench(handler: "ipmi-lite")
            let host = try bench.access().host
            // After the start, and after a host that came and went.
            for _ in 0..<2 {
                let shown: UInt8 = hasMCTP ? 0x00 : 0x80
                #expect(host.wait(for: STRBit.state, toBe: shown, deadline: Bench.deadline), "\(handlers)")
                var transfer = HostTransfer(host, temperament: .linux, timeout: Bench.patience)
                let request: [UInt8] = hasMCTP ? [0xB0, 1, 7, 1, 8, 9, 0xC9, 0, 0x80, 2, 0x5F] : [0x18, 1]
                guard case .success = transfer.send(request) else {
                    Issue.record("no answer")
                    return
                }
            }
            bench.stop()
        }

        @Test func aRequestWithoutAnAnswerIsTheOnlyOneThatFails() throws {
            let bench = try Bench("dsp0254")
            let status = try bench.access().host
            var host = HostTransfer(try bench.access().host, temperament: .edk2, timeout: Bench.patience)
            let endpointID: [UInt8] = [0xB0, 1, 7, 1, 8, 9, 0xC9, 0, 0x80, 2, 0x5F]
            // The first request of all finds the channel as it is after a start, whatever its host looks at.
            _ = host.send(endpointID)
            for round in 0..<max(20, repetitions(200)) {
                // Nobody listens to PLDM.
                guard case .success(let lost) = host.send([0xB0, 1, 8, 1, 8, 9, 0xC9, 1, 0x81, 2, 3, 0xEE]) else {
                    Issue.record("round \(round): the transfer has no end")
                    break
                }
                #expect(lost == DSP0254.noPacket)
                // STATE is IDLE, for which this host waits before its next message.
                #expect(status.readStatus() >> 6 == 0)
                guard case .success(let answer) = host.send(endpointID) else {
                    Issue.record("round \(round): no answer to Get Endpoint ID")
                    break
                }
                #expect(answer.starts(with: [0xB0, 1, 0x0B, 1, 9, 8, 0xC1, 0, 0, 2, 0, 8]))
            }
            bench.stop()
        }

        @Test func oneChannelCarriesIPMIAndMCTP() throws {
            let bench = try Bench("dsp0254", beside: "ipmi-lite")
            let program = try bench.program(.pldm)
            let client = try open(bench)
            _ = try client.types(including: .pldm)
            var ipmi = HostTransfer(try bench.access().host, temperament: .linux, timeout: Bench.patience)
            for round in 0..<max(10, repetitions(1000)) {
                let instance = UInt8(round & 0x1F)
                guard case .success(let device) = ipmi.send([0x18, 0x01]) else {
                    Issue.record("round \(round): no answer to Get Device ID")
                    break
                }
                #expect(device.starts(with: [0x1C, 0x01, 0x00]) && device.count >= 14)
                // A program asks the host: SMS_ATN rises, and IPMI goes on meanwhile.
                let notice: [UInt8] = [1, 0x80 | instance, 7, 7]
                try program.send(MuxClient.Frame(EID(9), notice))
                let host = try bench.access().host
                #expect(host.wait(for: STRBit.smsAttention, toBe: STRBit.smsAttention, deadline: Bench.deadline))
                guard case .success(let selfTest) = ipmi.send([0x18, 0x04]) else {
                    Issue.record("round \(round): no answer to Get Self Test Results")
                    break
                }
                #expect(selfTest.starts(with: [0x1C, 0x04, 0x00]))
                let message = try #require(try client.next(deadline: Bench.deadline))
                #expect(message.body == notice && message.tag.isOwner)
                #expect(try client.endpointID() == EID(8))
            }
            // Other groups' requests with MCTP's NetFn and command are nobody's, and no host has to repeat them.
            let repeated = ipmi.recoveries
            for other in [[0xDC], [0xDC, 1], [0x00, 0x01], [0x03, 0, 0], [0xDC, 1, 2, 3, 4]] as [[UInt8]] {
                guard case .success(let unknown) = ipmi.send([0xB0, 0x01] + other) else {
                    Issue.record("no answer to \(other)")
                    return
                }
                #expect(unknown.count >= 3 && unknown[2] != 0)
            }
            #expect(ipmi.recoveries <= repeated + 3, "\(ipmi.recoveries - repeated) recoveries")
            bench.stop()
        }
    }
}
