// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

/// The manual's list of windows is complete, and nothing on it is imagined.
///
/// Breadth first over every interleaving of host step, interrupt and daemon step on the model of the driver as
/// posted: with KCSMUX_LONG=1 FreeIPMI's states are walked to the end, those of the hosts that retry, and all
/// otherwise, as deep as the bound allows.
@Suite struct ProofTests {
    static let request: [UInt8] = [0x18, 0x01, 0x33, 0x44]

    static func scenarios() -> [Proof.Scenario] {
        let long = count(100) == 100
        var scenarios: [Proof.Scenario] = []
        func add(
            _ temperament: HostTemperament, _ length: Int, _ response: Int, armed: Bool, kills: Int = 0,
            aborts: Int = 0,
            lengths: [RequestLength] = [], leavesAfter: Int? = nil
        ) {
            var host = HostConfiguration(temperament)
            host.retries = min(host.retries, 1)
            host.leavesAfter = leavesAfter
            var configuration = TransferConfiguration(.strict, for: temperament)
            configuration.requestLengths = lengths
            let request = Array(Self.request.prefix(length))
            scenarios.append(
                .init(
                    name:
                        "\(temperament), \(length) bytes, \(response) back, armed \(armed), kills \(kills), aborts \(aborts)",
                    configuration: configuration, host: host, requests: [request, request], responseLength: response,
                    kills: kills, aborts: aborts, armed: armed))
        }
        let known = [RequestLength(netFn: 6, command: 1, shortest: 4, longest: 4)]
        for length in long ? 2...4 : 2...3 {
            add(.freeipmi, length, 3, armed: true)
            if long { add(.freeipmi, length, 4, armed: false) }
        }
        if long { add(.freeipmi, 4, 4, armed: true, lengths: known) }
        add(.freeipmi, long ? 3 : 2, 3, armed: true, kills: 1)
        for temperament in [HostTemperament.linux, .edk2] {
            for length in long ? 2...4 : 3...3 {
                add(temperament, length, 3, armed: true)
                add(temperament, length, 4, armed: false)
                add(temperament, length, 3, armed: true, kills: 1)
                add(temperament, length, 3, armed: true, aborts: 1)
            }
            add(temperament, 4, 4, armed: true, lengths: known)
        }
        add(.edk2, 2, 4, armed: true, leavesAfter: 3)
        for armed in [true, false] { add(.manageability, long ? 3 : 2, 3, armed: armed) }
        if long { add(.manageability, 2, 3, armed: true, kills: 1) }
        return scenarios
    }

    @Test func aHostSeesAWrongStateInTheListedWindowsOnly() {
        var alone: Set<Window> = []
        for scenario in Self.scenarios() {
            var proof = Proof(scenario, limit: count(100) == 100 ? 1_000_000 : 100_000)
            proof.run()
            let outcome = proof.outcome
            print(
                "\(scenario.name): \(outcome.states) states\(outcome.truncated ? " (bound)" : ""),",
                "\(outcome.finished) ends, \(outcome.mismatches.values.reduce(0, +)) wrong states")
            for (mismatch, number) in outcome.mismatches {
                if mismatch.windows.count == 1, let only = mismatch.windows.first { alone.insert(only) }
                #expect(
                    !mismatch.windows.isEmpty,
                    "\(scenario.name): \(number) outside the list, such as \(outcome.example[mismatch] ?? [])")
            }
            #expect(outcome.corrupted == 0, "\(scenario.name): \(outcome.odd)")
            #expect(outcome.invented == 0, "\(scenario.name): \(outcome.odd)")
            #expect(outcome.failuresWithoutWrongState == 0, "\(scenario.name): \(outcome.odd)")
            #expect(outcome.stuck == 0, "\(scenario.name): \(outcome.odd)")
        }
        // The last one lies too deep for the short run.
        for window in Window.allCases where window != .earlyIdle || count(100) == 100 {
            #expect(alone.contains(window), "\(window) was never met on its own")
        }
    }

    @Test(arguments: HostTemperament.allCases) func noHostSeesAWrongStateOnADriverThatKeepsIDR(
        _ temperament: HostTemperament
    ) {
        var host = HostConfiguration(temperament)
        host.retries = 0
        for length in 2...4 {
            let request = Array(Self.request.prefix(length))
            var proof = Proof(
                .init(
                    name: "fast", driver: .deferred, configuration: TransferConfiguration(handshake: .fast), host: host,
                    requests: [request, request], responseLength: max(length, 3), armed: false), limit: 500_000)
            proof.run()
            let outcome = proof.outcome
            for (mismatch, steps) in outcome.example {
                #expect(mismatch.windows.contains(.givenUp), "\(steps)")
            }
            #expect(
                outcome.corrupted + outcome.invented + outcome.failuresWithoutWrongState + outcome.stuck == 0,
                "\(outcome.odd)")
            #expect(!outcome.truncated && outcome.finished > 0)
        }
    }
}
