// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP
import Testing
import Wire

@Suite("control responder, DSP0236 §12") struct ControlTests {
    static let uuid = (0..<16).map { UInt8($0 * 0x11) }

    private func responder(isBusOwner: Bool = false) -> ControlResponder {
        ControlResponder(
            eid: EID(8), uuid: Self.uuid, isBusOwner: isBusOwner,
            vendors: [VendorSupport(.pci(0x1234), commandSet: 7), VendorSupport(.iana(0x0000_CA8A))], mediumSpecific: 4)
    }

    private func ask(_ responder: inout ControlResponder, _ message: String, types: [UInt8] = []) -> String {
        var set = MessageTypeSet()
        for type in types { set.insert(MessageType(type)) }
        var answer = [UInt8](repeating: 0xEE, count: ControlResponder.capacity)
        let bytes = Hex.parse(message)!
        let count = bytes.withUnsafeBytes { request in
            answer.withUnsafeMutableBytes { responder.respond(to: request, types: set, into: $0) }
        }
        return Hex.bytes(Array(answer[..<count]))
    }

    @Test func everyCommandIsAnswered() {
        for command in 0...UInt8.max {
            for length in 0..<8 {
                var responder = responder()
                let request = [0, 0x80 | 0x15, command] + [UInt8](repeating: 0x10, count: length)
                let answer = Hex.parse(ask(&responder, Hex.bytes(request)))!
                #expect(answer.count >= 4)
                #expect(Array(answer.prefix(3)) == [0, 0x15, command])
                if !(1...6).contains(command) { #expect(answer == [0, 0x15, command, 0x05]) }
            }
        }
    }

    @Test func responsesDatagramsAndStubsAreNotAnswered() {
        var responder = responder()
        for message in ["00 00 02", "00 C0 02", "00 80", "00", "01 80 02", "80 80 02"] {
            #expect(ask(&responder, message) == "")
        }
        #expect(ask(&responder, "") == "")
    }

    @Test func getEndpointIDTellsAddressKindAndMedium() {
        var responder = responder()
        #expect(ask(&responder, "00 80 02") == "00 00 02 00 08 02 04")
        #expect(ask(&responder, "00 9F 01 00 0B") == "00 1F 01 00 00 0B 00")
        #expect(ask(&responder, "00 80 02") == "00 00 02 00 0B 03 04")
        #expect(ask(&responder, "00 80 02 00") == "00 00 02 03")
        var owner = self.responder(isBusOwner: true)
        #expect(ask(&owner, "00 80 02") == "00 00 02 00 08 12 04")
    }

    @Test func setEndpointIDAcceptsOnlyAssignableAddresses() {
        for value in 0...UInt8.max {
            for operation in ["00", "01"] {
                var responder = responder()
                let answer = ask(&responder, "00 80 01 \(operation) " + Hex.byte(value))
                if value >= 8 && value != 0xFF {
                    #expect(answer == "00 00 01 00 00 \(Hex.byte(value)) 00")
                    #expect(responder.eid == EID(value))
                } else {
                    #expect(answer == "00 00 01 02")
                    #expect(responder.eid == EID(8))
                }
            }
        }
    }

    @Test func setEndpointIDResetsToTheConfiguredAddress() {
        var responder = responder()
        #expect(ask(&responder, "00 80 01 00 0B") == "00 00 01 00 00 0B 00")
        #expect(ask(&responder, "00 80 01 02 00") == "00 00 01 00 00 08 00")
        #expect(responder.eid == EID(8))
        #expect(ask(&responder, "00 80 01 03 0B") == "00 00 01 02")
        for message in ["00 80 01", "00 80 01 00", "00 80 01 00 0B 00"] {
            #expect(ask(&responder, message) == "00 00 01 03")
        }
    }

    @Test func nobodyGivesTheBusOwnerAnAddress() {
        var owner = responder(isBusOwner: true)
        #expect(ask(&owner, "00 80 01 00 0B") == "00 00 01 05")
        #expect(owner.eid == EID(8))
    }

    @Test func uuidIsTheConfiguredOneOrUnknown() {
        var responder = responder()
        #expect(ask(&responder, "00 81 03") == "00 01 03 00 " + Hex.bytes(Self.uuid))
        #expect(ask(&responder, "00 81 03 00") == "00 01 03 03")
        var bare = ControlResponder(eid: EID(8))
        #expect(ask(&bare, "00 81 03") == "00 01 03 05")
    }

    @Test func versionsAndTypesComeFromWhoListens() {
        var responder = responder()
        let base = "00 04 F1 F0 FF 00 F1 F1 FF 00 F1 F2 FF 00 F1 F3 F3 00"
        #expect(ask(&responder, "00 81 04 FF") == "00 01 04 " + base)
        #expect(ask(&responder, "00 81 04 00") == "00 01 04 " + base)
        #expect(ask(&responder, "00 81 04 01") == "00 01 04 80")
        #expect(ask(&responder, "00 81 04 01", types: [1]) == "00 01 04 00 01 F1 F0 FF 00")
        #expect(ask(&responder, "00 81 04 81", types: [1]) == "00 01 04 80")
        #expect(ask(&responder, "00 81 04") == "00 01 04 03")
        #expect(ask(&responder, "00 81 05") == "00 01 05 00 00")
        #expect(ask(&responder, "00 81 05", types: [0x7F, 1, 5]) == "00 01 05 00 03 01 05 7F")
        #expect(ask(&responder, "00 81 05 00") == "00 01 05 03")
        let all = ask(&responder, "00 81 05", types: Array(0...0x7F))
        #expect(Hex.parse(all)!.count == 5 + 128)
    }

    @Test func vendorsAreToldOneByOne() {
        var responder = responder()
        #expect(ask(&responder, "00 81 06 00") == "00 01 06 00 01 00 12 34 00 07")
        #expect(ask(&responder, "00 81 06 01") == "00 01 06 00 FF 01 00 00 CA 8A 00 00")
        #expect(ask(&responder, "00 81 06 02") == "00 01 06 02")
        #expect(ask(&responder, "00 81 06") == "00 01 06 03")
        var bare = ControlResponder(eid: EID(8))
        #expect(ask(&bare, "00 81 06 00") == "00 01 06 05")
    }

    @Test func requestsAndResponsesAreBuiltAndTakenApart() {
        #expect(ControlRequest.setEndpointID(EID(9)).message(instance: 3) == [0, 0x83, 1, 0, 9])
        #expect(ControlRequest(.getEndpointID).message(instance: 31) == [0, 0x9F, 2])
        let bytes: [UInt8] = [0, 3, 1, 0, 0, 9, 0]
        let response = bytes.withUnsafeBytes { ControlResponse($0) }
        #expect(response?.instance == 3 && response?.command == .setEndpointID)
        #expect(response?.completionCode == .success && response?.data == [0, 9, 0])
        for other in [[0, 0x83, 1, 0] as [UInt8], [0, 3, 1], [1, 3, 1, 0], []] {
            #expect(other.withUnsafeBytes { ControlResponse($0) } == nil)
        }
    }
}
