// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO
import MCTP
import Simulator
import Synchronization
import TestKit
import Testing

extension MCTPEndToEnd {
    @Suite struct RestartTests {
        @Test func aHostThatStartsAnewAtAnyStepIsServed() throws {
            let bench = try Bench("astlpc")
            let echo = try bench.echo(.vendorIANA)
            var random = SplitMix(seed: 7)
            for round in 0..<repetitions(2000) {
                let version = UInt16(1 + random.next() % 3)
                let channel = try bench.astlpc(
                    AstlpcVersionRange(version, version), unit: 64 + Int(random.next() % 512))
                try channel.start(anew: true)
                for seed in 0..<3 { _ = try channel.send(message(1000, UInt64(round * 3 + seed)), to: EID(8)) }
                // Each turn is one signal at most; then the host is gone, whatever was under way.
                for _ in 0..<random.next() % 60 { try channel.turn(deadline: Clock.monotonic) }
            }
            let client = try bench.client()
            _ = try client.types(including: .vendorIANA)
            // Answers to those that are gone may still come.
            let body = message(5000, 99)
            _ = try client.carrier.send(body, to: EID(8))
            var found = false
            while !found, let answer = try client.next(deadline: Bench.deadline) { found = answer.body == body }
            #expect(found)
            #expect(bench.daemon.isRunning)
            withExtendedLifetime(echo) {}
            bench.stop()
        }

        @Test func aBMCKilledAtAnyMomentServesAfterItsStart() throws {
            let bench = try Bench("astlpc")
            var random = SplitMix(seed: 11)
            for round in 0..<max(5, repetitions(300)) {
                let echo = try bench.echo(.vendorIANA)
                let client = try bench.client()
                _ = try client.types(including: .vendorIANA)
                let body = message(20000, UInt64(round))
                #expect(try client.exchange(body, with: EID(8)).body == body)
                for seed in 0..<4 { _ = try client.carrier.send(message(3000, UInt64(seed)), to: EID(8)) }
                let channel = client.carrier as! AstlpcChannel
                for _ in 0..<random.next() % 20 { try channel.turn(deadline: Clock.monotonic) }
                try bench.killAndRestart()
                withExtendedLifetime(echo) {}
            }
            #expect(try bench.client().endpointID() == EID(8))
            bench.stop()
        }

        @Test func aHostThatChangesTheWindowMeanwhileHarmsNobody() throws {
            let bench = try Bench("astlpc")
            let echo = try bench.echo(.vendorIANA)
            let access = try bench.access()
            let window = try #require(access.host.window)
            let hand = FlippingHand(window)
            var random = SplitMix(seed: 13)
            for round in 0..<repetitions(3000) {
                let version = UInt16(1 + random.next() % 3)
                // This host is disturbed as much as the BMC, so that nothing that it gets or misses says anything.
                let channel = try AstlpcChannel(
                    HostAccess(access.host, timeout: 2_000_000), eid: EID(9),
                    versions: AstlpcVersionRange(version, version))
                do {
                    try channel.start(anew: true)
                    _ = try channel.send(message(300, UInt64(round)), to: EID(8))
                } catch {}
                for _ in 0..<10 { try? channel.turn(deadline: Clock.monotonic) }
                // Signals that make no sense, too.
                if random.next() % 4 == 0, access.host.readStatus() & 2 == 0 {
                    access.host.write(UInt8(truncatingIfNeeded: random.next()))
                }
            }
            hand.stop()
            #expect(bench.daemon.isRunning)
            // The BMC puts its part of the control area right by itself, in time.
            let deadline = Bench.deadline
            var client: MCTPClient?
            while client == nil && Clock.monotonic < deadline { client = try? bench.client() }
            let served = try #require(client)
            _ = try served.types(including: .vendorIANA)
            let body = message(4096, 1)
            _ = try served.carrier.send(body, to: EID(8))
            var found = false
            while !found, let answer = try served.next(deadline: deadline) { found = answer.body == body }
            #expect(found)
            withExtendedLifetime(echo) {}
            bench.stop()
        }
    }
}

/// A thread that writes any values to the control area and to the words where lengths stand, without a pause.
private final class FlippingHand {
    private final class Flag: Sendable {
        let isUp = Atomic<Bool>(false)
    }

    private let flag = Flag()
    private var thread: Thread?

    init(_ window: UnsafeMutableRawBufferPointer) {
        let flag = flag
        // Mapped until after the thread has ended.
        nonisolated(unsafe) let base = window.baseAddress!
        let size = window.count
        thread = Thread.start {
            var random = SplitMix(seed: 17)
            let words = [0x100, 0x104, 0x100 + (size - 0x100) / 2, 0x100 + 524_156]
            while !flag.isUp.load(ordering: .relaxed) {
                let pick = Int(random.next() % 16)
                let place = pick < 8 ? pick * 4 : words[pick % words.count]
                let value = random.next()
                // Small values, where lengths and offsets may just be possible, and any others.
                let small = UInt32(truncatingIfNeeded: value & 0xFFFF).bigEndian
                let word = value >> 40 & 1 == 0 ? small : UInt32(truncatingIfNeeded: value)
                withUnsafeBytes(of: word) { cl_copy_to_shared(base + place, $0.baseAddress!, 4) }
            }
        }
    }

    func stop() {
        flag.isUp.store(true, ordering: .relaxed)
        thread?.join()
        thread = nil
    }

    deinit { stop() }
}
