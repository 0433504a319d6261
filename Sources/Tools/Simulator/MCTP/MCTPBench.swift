// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import MCTP

/// Messages that go to a local program and come back, one after the other, and how long each took.
public struct MCTPBench {
    private let client: MCTPClient
    private let destination: EID
    private let type: MessageType
    private var times: [UInt64] = []
    private var total: UInt64 = 0

    /// Measures by a client, with a program that listens to `type` and sends back what it gets.
    public init(_ client: MCTPClient, with destination: EID, type: MessageType) {
        self.client = client
        self.destination = destination
        self.type = type
    }

    /// Sends `count` messages of `size` bytes, its type among them; each must come back as it was.
    public mutating func run(count: Int, size: Int) throws(HostFailure) {
        var body = [UInt8](repeating: 0, count: size)
        body[0] = type.rawValue
        times.reserveCapacity(count)
        let began = Clock.monotonic
        for number in 0..<count {
            for index in 1..<max(1, size) { body[index] = UInt8(truncatingIfNeeded: number &* 31 &+ index &* 7) }
            let start = Clock.monotonic
            let answer = try client.exchange(body, with: destination)
            guard answer.body == body else {
                throw HostFailure("message \(number + 1) of \(count) came back changed: \(answer.body.count) bytes")
            }
            times.append(Clock.monotonic - start)
        }
        total = max(1, Clock.monotonic - began)
    }

    /// What was measured, in a line.
    public func report(size: Int) -> String {
        let sorted = times.sorted()
        let rate = UInt64(times.count) * 1_000_000_000 / total
        let micros = { (part: Int) in sorted[min(sorted.count - 1, sorted.count * part / 100)] / 1000 }
        return "\(times.count) messages of \(size) B came back as they were: \(rate) a second, "
            + "\(rate * UInt64(size) / 1024) KiB/s each way, \(micros(50)) us at the median, \(micros(99)) us at the "
            + "99th percentile"
    }
}
