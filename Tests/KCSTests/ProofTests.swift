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
            print("   \(n): \(m.windows.map(\.rawValue).sorted())")
            if m.windows.isEmpty { print("        ", o.example[m]!.joined(separator: ", ")) }
        }
        if !o.odd.isEmpty { print("   ODD", o.odd.joined(separator: ", ")) }
    }

    @Test func explore() {
        let r: [UInt8] = [0x18, 0x01, 0x33, 0x44]
        for temperament in [HostTemperament.freeipmi] {
            var host = HostConfiguration(temperament)
            host.retries = min(host.retries, 1)
            for (n, armed, kills, aborts) in [(2, true, 0, 0), (3, true, 0, 0)] {
                let q = Array(r.prefix(n))
                var proof = Proof(
                    .init(
                        name: "\(temperament) \(n) armed \(armed) kills \(kills) aborts \(aborts)", configuration: .init(handshake: .strict), host: host,
                        requests: [q, q], kills: kills, aborts: aborts, armed: armed), limit: temperament == .freeipmi ? 1_000_000 : 300_000)
                proof.run()
                Self.report(proof)
            }
        }
    }
}
