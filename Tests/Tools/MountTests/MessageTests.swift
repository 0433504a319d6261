// SPDX-License-Identifier: Apache-2.0
//
// MCTP by messages where the kernel's driver runs the transfer.
import DriverModel
import KCS
import LinuxIO
import MCTP
import SimulatedDevice
import Simulator
import Testing

@Suite(onMountedFiles) struct KernelTransferTests {
    private let folder = TemporaryFolder()

    /// kcsmuxd on an ipmi-kcs node, with an MCTP endpoint in front of a management controller.
    private func start(_ transfer: String = "") throws -> Bench {
        let bench = try Bench(.mounted)
        try bench.start(
            [
                """
                plugins:
                  - {plugin: mctp, options: {binding: dsp0254, socket: {name: "", path: \(folder.path)/mux}}}
                  - {plugin: ipmi-lite}
                \(transfer)
                """
            ], type: "ipmi-kcs", prefix: "ipmi-kcs")
        try #require(bench.waitForLog("c1: running: ipmi-kcs"), "\(bench.log)")
        return bench
    }

    private func access(_ bench: Bench) throws -> HostAccess { HostAccess(try bench.host(), timeout: 30_000_000_000) }

    private func client(_ bench: Bench) throws -> MCTPClient {
        let access = try access(bench)
        return MCTPClient(DSP0254Channel(access, eid: EID(9)), timeout: access.timeout)
    }

    private func program(_ type: MessageType) throws -> MuxClient {
        try MuxClient(name: folder.path + "/mux", abstract: false, type: type)
    }

    @Test func oneChannelCarriesIPMIAndMCTPInTheKernelsTransfers() throws {
        let bench = try start()
        let echo = try EchoProgram(name: folder.path + "/mux", abstract: false, type: .vendorIANA)
        let program = try program(.pldm)
        let client = try client(bench)
        _ = try client.types(including: .vendorIANA)
        _ = try client.types(including: .pldm)
        let registers = try access(bench)
        var ipmi = Simulator.HostTransfer(registers.host, temperament: .linux, timeout: registers.timeout)
        for round in 0..<max(5, repetitions(500)) {
            // One packet each: the driver keeps one request, and a host that writes the next before it was read loses it.
            let size = [1, 2, 30, 63, 64][round % 5]
            let body = (0..<size).map { $0 == 0 ? MessageType.vendorIANA.rawValue : UInt8(($0 * 7 + round) & 0xFF) }
            #expect(try client.exchange(body, with: EID(8)).body == body, "round \(round), \(size) B")
            guard case .success(let device) = ipmi.send([0x18, 0x01]) else {
                Issue.record("round \(round): no answer to Get Device ID")
                break
            }
            #expect(device.starts(with: [0x1C, 0x01, 0x00]) && device.count >= 14)
            // A program asks the host: SMS_ATN rises, and the host fetches the packets.
            let notice = [1, 0x80 | UInt8(round & 0x1F), 7, 7] + [UInt8](repeating: 5, count: 70 * (round % 5))
            try program.send(MuxClient.Frame(EID(9), notice))
            #expect(registers.host.wait(for: STRBit.smsAttention, toBe: STRBit.smsAttention, deadline: patience))
            #expect(try client.next(deadline: patience)?.body == notice)
            #expect(try client.endpointID() == EID(8))
        }
        // Nobody's: an IPMI group extension of another body.
        guard case .success(let unknown) = ipmi.send([0xB0, 0x00, 0xDC]) else {
            Issue.record("no answer to an unknown group extension")
            return
        }
        #expect(unknown == [0xB4, 0x00, 0xC1])
        withExtendedLifetime(echo) {}
        #expect(bench.stop() == 0)
    }

    @Test func aChannelsShorterTimeEndsWithC3AndTheAnswerWaits() throws {
        let bench = try start("transfer: {timeout: 100ms}")
        let program = try program(.pldm)
        let client = try client(bench)
        _ = try client.types(including: .pldm)
        let registers = try access(bench)
        var transfer = Simulator.HostTransfer(registers.host, temperament: .edk2, timeout: registers.timeout)
        let host = DSP0254HostLink(eid: EID(9))
        _ = host.send(request: [1, 0x81, 2, 3], to: EID(8), now: Clock.monotonic)
        let request = try #require(host.next())
        guard case .success(let late) = transfer.send(request) else {
            Issue.record("no answer")
            return
        }
        #expect(late == [0xB4, 0x01, 0xC3])
        #expect(program.receive(deadline: patience) == MuxClient.Frame(EID(9), [1, 0x81, 2, 3]))
        try program.send(MuxClient.Frame(EID(9), [1, 1, 2, 3, 0]))
        #expect(registers.host.wait(for: STRBit.smsAttention, toBe: STRBit.smsAttention, deadline: patience))
        #expect(try client.next(deadline: patience)?.body == [1, 1, 2, 3, 0])
        #expect(bench.waitForLog("was not answered in time"))
        #expect(bench.stop() == 0)
    }

    @Test func aRequestThatNobodyAnswersEndsWithAnEmptyPacketInTheHostsTime() throws {
        let bench = try start()
        let program = try program(.pldm)
        let client = try client(bench)
        _ = try client.types(including: .pldm)
        let registers = try access(bench)
        // As EDK II, which gives up after 5 s; the endpoint does before.
        var configuration = HostConfiguration(.edk2)
        configuration.retries = 0
        var transfer = Simulator.HostTransfer(registers.host, configuration)
        let host = DSP0254HostLink(eid: EID(9))
        _ = host.send(request: [1, 0x81, 2, 3], to: EID(8), now: Clock.monotonic)
        guard case .success(let answer) = transfer.send(try #require(host.next())) else {
            Issue.record("the host was left to its own time")
            return
        }
        #expect(answer == DSP0254.noPacket, "no packet, and no completion code of IPMI's")
        #expect(program.receive(deadline: patience) == MuxClient.Frame(EID(9), [1, 0x81, 2, 3]))
        #expect(!bench.log.contains("was not answered in time"))
        #expect(try client.endpointID() == EID(8))
        #expect(bench.stop() == 0)
    }
}
