// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import Testing

@Suite struct MessageTests {
    /// Runs `body` with a response in a buffer of `capacity` bytes and returns what was written.
    private func respond(_ capacity: Int, _ body: (inout Response) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { buffer in
            var response = Response(buffer)
            body(&response)
            return response.message
        }
    }

    @Test func requestShorterThanItsHeaderIsNone() {
        for bytes: [UInt8] in [[], [0x18]] { #expect(bytes.withUnsafeBytes { Request($0) == nil }) }
    }

    @Test func requestSplitsNetFnLUNAndCommand() {
        let bytes: [UInt8] = [0x2A, 0x43, 0x34, 0x12, 0x78, 0x56]
        bytes.withUnsafeBytes {
            guard let request = Request($0) else {
                Issue.record("no request")
                return
            }
            #expect(request.netFn == .storage)
            #expect(request.lun.rawValue == 2)
            #expect(request.command.rawValue == 0x43)
            #expect(request.count == 4)
            #expect(request.uint16(at: 0) == 0x1234)
            #expect(request.uint32(at: 0) == 0x5678_1234)
            #expect(request.data(from: 2) == [0x78, 0x56])
        }
    }

    @Test func responseCarriesOddNetFnAndTheRequestsLUN() {
        let written = respond(16) { response in
            response.begin(netFn: .app, lun: LUN(rawValue: 1), command: Command(rawValue: 1))
            response.append(uint16: 0xABCD)
            response.finish(.ok)
        }
        #expect(written == [0x1D, 0x01, 0x00, 0xCD, 0xAB])
    }

    @Test func errorTakesTheDataWithIt() {
        let written = respond(16) { response in
            response.begin(netFn: .storage, lun: .baseboard, command: Command(rawValue: 0x43))
            response.append([1, 2, 3])
            response.finish(.notPresent)
        }
        #expect(written == [0x2C, 0x43, 0xCB])
    }

    @Test func responseThatDoesNotFitBecomesCA() {
        for extra in 1...3 {
            let written = respond(8) { response in
                response.begin(netFn: .storage, lun: .baseboard, command: Command(rawValue: 0x11))
                response.append([UInt8](repeating: 7, count: 5 + extra))
                response.finish(.ok)
            }
            #expect(written == [0x2C, 0x11, 0xCA])
        }
    }

    @Test func completionCodeAndNetFnKeepTheirBits() {
        #expect(NetFn(rawValue: 0xFF).rawValue == 0x3F)
        #expect(NetFn.app.response.rawValue == 0x07)
        #expect(!NetFn.app.response.isRequest)
        #expect(Hex.bytes([0x0A, 0xFF]) == "0A FF")
    }

    @Test func everyCommandOfTheTableHasTheStandardsName() {
        for definition in CommandTable.all {
            #expect(definition.command.name(in: definition.netFn) != nil, "\(definition.number)")
        }
        #expect(Command(rawValue: 0x26).name(in: .sensorEvent) == "Set Sensor Thresholds")
        #expect(Command(rawValue: 0x27).name(in: .sensorEvent) == "Get Sensor Thresholds")
        #expect(Command(rawValue: 0xF0).name(in: .app) == nil)
    }
}
