// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import MCTP
import Simulator
import TestKit
import Testing

extension MCTPEndToEnd {
    @Suite struct AstlpcTests {
        @Test(arguments: [UInt16(1), 2, 3])
        func everyVersionCarriesControlCommands(version: UInt16) throws {
            let bench = try Bench(
                "astlpc", "uuid: \"00112233-4455-6677-8899-aabbccddeeff\", vendor: [{iana: 0x1234, command_set: 7}]")
            let client = try bench.client(AstlpcVersionRange(version, version))
            #expect((client.carrier as? AstlpcChannel)?.version == AstlpcVersion(rawValue: version))
            #expect(try client.endpointID() == EID(8))
            #expect(try client.assign(EID(20)) == EID(20))
            #expect(try client.endpointID() == EID(20))
            #expect(
                try client.demand(ControlRequest(.getEndpointUUID))
                    == [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF])
            #expect(try client.demand(.getVersionSupport(0)).first ?? 0 >= 1)
            #expect(try client.demand(.getVendorMessageSupport(0)) == [0xFF, 1, 0, 0, 0x12, 0x34, 0, 7])
            let unknown = try client.ask(ControlRequest(ControlCommand(rawValue: 0x4D)))
            #expect(unknown.completionCode == .unsupportedCommand)
            bench.stop()
        }

        @Test(arguments: [(1, 64), (2, 64), (2, 4096), (3, 64), (3, 240), (3, 65536)])
        func messagesOfEverySizeComeBackAsTheyWere(version: Int, unit: Int) throws {
            let bench = try Bench("astlpc", "mtu: 65536, socket: {name: \"\", path: SOCKET}")
            let echo = try bench.echo(.vendorIANA)
            let client = try bench.client(AstlpcVersionRange(UInt16(version), UInt16(version)), unit: unit)
            #expect((client.carrier as? AstlpcChannel)?.unit == unit)
            _ = try client.types(including: .vendorIANA)
            var random = SplitMix(seed: UInt64(version * 100_000 + unit))
            // In 64-byte packets a long message takes a thousand turns of each side.
            let count = max(10, repetitions(100_000 / 6) / (unit == 64 ? 4 : 1))
            for number in 0..<count {
                let exponent = Int(random.next() % 11)
                let size = number == 0 ? 65536 : number == 1 ? 64 : 64 << exponent + Int(random.next() % 64)
                let body = message(min(65536, size), random.next())
                let answer = try client.exchange(body, with: EID(8))
                #expect(answer.body == body && answer.source == EID(8), "message \(number) of \(body.count) B")
            }
            withExtendedLifetime(echo) {}
            bench.stop()
        }

        @Test func anAnswerCarriesItsRequestsTag() throws {
            let bench = try Bench("astlpc")
            let program = try bench.program(.pldm)
            let client = try bench.client()
            #expect(try client.types(including: .pldm) == [.pldm])
            for instance: UInt8 in 0..<32 {
                let tag = try client.carrier.send([1, 0x80 | instance, 2, 3, 0x55], to: EID(8))
                try client.carrier.finish()
                let request = try #require(program.receive(deadline: Bench.deadline))
                #expect(request == MuxClient.Frame(EID(9), [1, 0x80 | instance, 2, 3, 0x55]))
                try program.send(MuxClient.Frame(EID(9), [1, instance, 2, 3, 0]))
                let answer = try #require(try client.next(deadline: Bench.deadline))
                #expect(answer.tag == tag.answer && !answer.tag.isOwner)
                #expect(answer.body == [1, instance, 2, 3, 0] && answer.source == EID(8))
            }
            // What a program asks by itself owns its tag, and the answer finds its way back.
            try program.send(MuxClient.Frame(EID(9), [1, 0x84, 2, 1]))
            let request = try #require(try client.next(deadline: Bench.deadline))
            #expect(request.tag.isOwner && request.body == [1, 0x84, 2, 1])
            try client.carrier.answer(request, [1, 4, 2, 1, 0])
            try client.carrier.finish()
            #expect(program.receive(deadline: Bench.deadline) == MuxClient.Frame(EID(9), [1, 4, 2, 1, 0]))
            bench.stop()
        }

        @Test func theNextProgramGoesOnWithAnActiveChannel() throws {
            let bench = try Bench("astlpc")
            let first = try bench.client(AstlpcVersionRange(2, 2), unit: 128)
            #expect(try first.endpointID() == EID(8))
            try first.carrier.finish()
            let second = try bench.astlpc()
            try second.start(anew: false)
            #expect(second.version == .v2 && second.unit == 128)
            #expect(try MCTPClient(second, timeout: Bench.patience).endpointID() == EID(8))
            #expect(!bench.daemon.log.contains("version 3"))
            bench.stop()
        }

        @Test func theBusOwnerGivesTheHostItsAddress() throws {
            let bench = try Bench("astlpc", "host_eid: 30")
            let client = try bench.client()
            let deadline = Bench.deadline
            // The request comes by itself; asking is only to have something to wait for.
            while client.carrier.eid != EID(30) && Clock.monotonic < deadline { _ = try client.endpointID() }
            #expect(client.carrier.eid == EID(30))
            #expect(bench.daemon.line("the host has EID 30") != nil)
            #expect(try client.ask(.setEndpointID(EID(40))).completionCode == .unsupportedCommand)
            bench.stop()
        }
    }
}
