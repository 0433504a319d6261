// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

@Suite struct ProofTests {
    static func report(_ proof: Proof) {
        let o = proof.outcome
        print(
            "\(proof.scenario.name): \(o.states) states, finished \(o.finished) corrupted \(o.corrupted) invented \(o.invented) stuck \(o.stuck) bare failures \(o.failuresWithoutWrongState) truncated \(o.truncated)"
        )
        for (m, n) in o.mismatches.sorted(by: { $0.value > $1.value }) {
            print(
                "   \(n): seen \(m.seen) right \(m.right) at \(m.step) cmd \(String(m.lastCommand, radix: 16)) interrupted \(m.interrupted) bare \(m.bareCommand) wrongGuess \(m.wrongGuess)"
            )
            print("        ", proof.outcome.example[m]!.joined(separator: ", "))
        }
        print("   ODD", o.odd.joined(separator: ", "))
    }

    @Test func explore() {
        for temperament in HostTemperament.allCases {
            for n in [2,3,4] { for armed in [true, false] {
                var host = HostConfiguration(temperament)
                host.retries = min(host.retries, 1)
                let r: [UInt8] = Array([0x18, 0x01, 0x33, 0x44].prefix(n))
                var proof = Proof(
                    .init(
                        name: "clean \(temperament) \(n) armed \(armed)", configuration: .init(handshake: .strict), host: host,
                        requests: [r, r], armed: armed), limit: 1_500_000)
                proof.run()
                Self.report(proof)
            }}
        }
    }
}
