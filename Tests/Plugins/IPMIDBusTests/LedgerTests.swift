// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIDBus
import Testing

@Suite struct LedgerTests {
    private func begun(_ ledger: inout RequestLedger, deadline: UInt64 = 100) -> RequestLedger.Serial {
        ledger.begin(token: 7, netFnAndLUN: 0x06 << 2 | 1, command: 0x01, deadline: deadline)
    }

    private func refusal(_ code: UInt8) -> [UInt8] { [0x07 << 2 | 1, 0x01, code] }

    @Test func anAnswerGoesToTheHostWithTheRequestsLUN() {
        var ledger = RequestLedger()
        let serial = begun(&ledger)
        #expect(ledger.deadline == 100)
        let verdict = ledger.answered(serial, netFn: 0x07, command: 0x01, code: 0, data: [1, 2])
        #expect(verdict == .answer(token: 7, [0x07 << 2 | 1, 0x01, 0, 1, 2]))
        #expect(ledger.deadline == nil && ledger.counters.answered == 1)
    }

    @Test(arguments: [
        (RequestLedger.Failure.vanished, 0xD3 as UInt8), (.late, 0xC3), (.error, 0xFF), (.busy, 0xC0),
    ])
    func everyFailureIsAnsweredWithTheRequestsOwnHeadAndACode(failure: RequestLedger.Failure, code: UInt8) {
        var ledger = RequestLedger()
        let serial = begun(&ledger)
        #expect(ledger.failed(serial, failure) == .answer(token: 7, refusal(code)))
        #expect(ledger.failed(serial, failure) == .drop, "once")
    }

    @Test func aRequestThatWasNotDeliveredMayBeAnotherHandlers() {
        var ledger = RequestLedger()
        let serial = begun(&ledger)
        #expect(ledger.failed(serial, .absent) == .pass(token: 7, refusal(0xD3)))
        #expect(ledger.counters.absent == 1)
    }

    @Test func whatComesAfterTheDeadlineIsDroppedAndCounted() {
        var ledger = RequestLedger()
        let serial = begun(&ledger)
        #expect(ledger.expire(now: 99) == .drop)
        #expect(ledger.expire(now: 100) == .answer(token: 7, refusal(0xC3)))
        #expect(ledger.answered(serial, netFn: 0x07, command: 0x01, code: 0, data: []) == .drop)
        #expect(ledger.counters.late == 1 && ledger.counters.dropped == 1 && ledger.counters.answered == 0)
    }

    @Test func theAnswerToARequestThatTheHostGaveUpIsNotTheNextOnes() {
        var ledger = RequestLedger()
        let first = begun(&ledger)
        let second = ledger.begin(token: 8, netFnAndLUN: 0x06 << 2, command: 0x01, deadline: 200)
        #expect(ledger.answered(first, netFn: 0x07, command: 0x01, code: 0, data: [9]) == .drop)
        #expect(
            ledger.answered(second, netFn: 0x07, command: 0x01, code: 0, data: [5])
                == .answer(token: 8, [0x07 << 2, 0x01, 0, 5]))
        let third = ledger.begin(token: 9, netFnAndLUN: 0x06 << 2, command: 0x01, deadline: 300)
        ledger.reset()
        #expect(ledger.deadline == nil && ledger.expire(now: 1000) == .drop)
        #expect(ledger.answered(third, netFn: 0x07, command: 0x01, code: 0, data: []) == .drop)
    }

    @Test func anAnswerToSomethingElseOrTooLongIsFF() {
        var ledger = RequestLedger()
        var serial = begun(&ledger)
        #expect(
            ledger.answered(serial, netFn: 0x07, command: 0x02, code: 0, data: [])
                == .answer(token: 7, refusal(0xFF)))
        serial = begun(&ledger)
        #expect(
            ledger.answered(serial, netFn: 0x06, command: 0x01, code: 0, data: [])
                == .answer(token: 7, refusal(0xFF)))
        serial = begun(&ledger)
        #expect(ledger.answeredOtherwise(serial) == .answer(token: 7, refusal(0xFF)))
        #expect(ledger.counters.malformed == 3)
        serial = begun(&ledger)
        let longest = [UInt8](repeating: 1, count: 997)
        guard case .answer(_, let bytes) = ledger.answered(serial, netFn: 7, command: 1, code: 0, data: longest) else {
            Issue.record("the longest answer is none")
            return
        }
        #expect(bytes.count == RequestLedger.longestAnswer)
        serial = begun(&ledger)
        #expect(
            ledger.answered(serial, netFn: 7, command: 1, code: 0, data: longest + [1])
                == .answer(token: 7, refusal(0xFF)))
        #expect(ledger.counters.tooLong == 1)
    }

    @Test func aLostBusIsAnAnswerToWhatIsOwed() {
        var ledger = RequestLedger()
        #expect(ledger.disconnected() == .drop)
        _ = begun(&ledger)
        #expect(ledger.disconnected() == .answer(token: 7, refusal(0xD3)))
        #expect(ledger.disconnected() == .drop)
    }

    @Test func errorsOnTheBusAreToldApartByName() {
        let prefix = "org.freedesktop.DBus.Error."
        for (name, failure) in [
            ("ServiceUnknown", RequestLedger.Failure.absent), ("NameHasNoOwner", .absent), ("NoReply", .vanished),
            ("Disconnected", .vanished), ("Timeout", .late), ("TimedOut", .late), ("AccessDenied", .error),
        ] {
            #expect(RequestLedger.Failure(errorName: prefix + name) == failure)
        }
        #expect(RequestLedger.Failure(errorName: "xyz.openbmc_project.Common.Error.InternalFailure") == .error)
    }

    @Test func everyNameThatDBusTakesIsANameAndNoOther() {
        #expect(ChannelNames.suggested(for: "ipmi-kcs3") == "ipmi_kcs3")
        #expect(ChannelNames("ipmi_kcs3")?.service == "xyz.openbmc_project.Ipmi.Channel.ipmi_kcs3")
        #expect(ChannelNames("ipmi_kcs3")?.object == "/xyz/openbmc_project/Ipmi/Channel/ipmi_kcs3")
        for name in ["", "3kcs", "ipmi-kcs3", "a.b", "a/b", "ä", String(repeating: "a", count: 201)] {
            #expect(ChannelNames(name) == nil, "\(name)")
        }
        for name in ["a.b", "xyz.openbmc_project.Ipmi.Host", "org.x-y._z"] { #expect(ChannelNames.isService(name)) }
        for name in ["a", "a..b", ".a.b", "a.b.", "a.3", "a.b c", ""] {
            #expect(!ChannelNames.isService(name), "\(name)")
        }
    }

    @Test func theWayToEachObjectIsDescribed() throws {
        let introspection = Introspection([
            Introspection.Object(path: "/xyz/a/b", interface: "xyz.b", methods: [("go", ""), ("tell", "x")]),
            Introspection.Object(path: "/xyz/c", interface: "xyz.c", methods: []),
        ])
        #expect(try #require(introspection.document("/")).contains("<node name=\"xyz\"/>"))
        let branch = try #require(introspection.document("/xyz"))
        #expect(branch.contains("<node name=\"a\"/>") && branch.contains("<node name=\"c\"/>"))
        let leaf = try #require(introspection.document("/xyz/a/b"))
        #expect(leaf.contains("<method name=\"go\"/>") && leaf.contains("<arg type=\"x\" direction=\"out\"/>"))
        #expect(!leaf.contains("<node name"))
        #expect(introspection.document("/xy") == nil && introspection.document("/xyz/a/b/c") == nil)
    }

    @Test func waitsGetLongerUntilItWorks() {
        var backoff = Backoff(50, 400)
        #expect(
            [backoff.failed(), backoff.failed(), backoff.failed(), backoff.failed(), backoff.failed()]
                == [50, 100, 200, 400, 400])
        backoff.worked()
        #expect(backoff.failed() == 50)
    }
}
