// SPDX-License-Identifier: Apache-2.0
import CLinux
import MCTP
import Testing

/// A thread that writes over the shared window without rest.
private final class Scribbler: @unchecked Sendable {
    private let memory: GuardedMemory
    private let stopWord = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    private var thread = pthread_t()

    init(_ memory: GuardedMemory, seed: UInt64) {
        self.memory = memory
        stopWord.initialize(to: 0)
        let target = UInt(bitPattern: memory.base)
        let stop = UInt(bitPattern: stopWord)
        let box = UnsafeMutablePointer<(UInt, UInt, UInt64)>.allocate(capacity: 1)
        box.initialize(to: (target, stop, seed))
        pthread_create(
            &thread, nil,
            { argument in
                let (target, stop, seed) = argument!.assumingMemoryBound(to: (UInt, UInt, UInt64).self).pointee
                let base = UnsafeMutableRawPointer(bitPattern: target)!
                let stopWord = UnsafePointer<UInt32>(bitPattern: stop)!
                var random = Seeded(seed)
                // Lengths and layouts that nearly fit are worse than noise.
                let values: [UInt32] = [
                    0, 1, 4, 5, 67, 68, 69, 72, 75, 76, 77, 0xFF, 0x100, 0x14C, 0x1F0, 0x7FF75, 0x7FF7C, 0x8007C,
                    0xFFFFF, 0x100000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
                ]
                while cl_load32(stopWord) == 0 {
                    for _ in 0..<64 {
                        let word = random.next()
                        let places = [Int(word % 32), 0x100, 0x8007C, 0x14C, 0x1F0, 0x100 + Int(word % 64)]
                        let value = word & 1 == 0 ? values[Int(word >> 8) % values.count] : UInt32(word >> 32)
                        cl_copy_word(base + places[Int(word >> 4) % places.count] & ~3, value.bigEndian)
                    }
                }
                return nil
            }, box)
    }

    func stop() {
        cl_store32(stopWord, 1)
        pthread_join(thread, nil)
    }
}

private func cl_copy_word(_ place: UnsafeMutableRawPointer, _ value: UInt32) {
    var value = value
    cl_copy_to_shared(place, &value, 4)
}

private func & (_ place: UnsafeMutableRawPointer, _ mask: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: place) & UInt(bitPattern: mask))!
}

@Suite("astlpc: a hostile host") struct HostileHostTests {
    /// The host begins anew and both directions work.
    private func behaves(_ rig: AstlpcRig) -> Bool {
        _ = rig.repair()
        rig.idr = nil
        rig.replaceHost()
        rig.hostTerminus.linkReset()
        guard rig.startHost() == nil else { return false }
        rig.run()
        rig.bmcMessages = []
        rig.hostMessages = []
        let body = pattern(3000, seed: 4)
        rig.hostSends(body)
        rig.bmcSends(body)
        rig.run()
        return rig.bmcMessages.last == body && rig.hostMessages.last == body
    }

    @Test("every field of the control area with every awkward value at every step")
    func everyFieldChangedAtEveryStep() {
        let words: [UInt32] = [0, 1, 75, 76, 0x100, 0x8007C, 0x7FF7C, 0xFFFFF, 0x100000, 0x8000_0000, 0xFFFF_FFFF]
        for field in stride(from: 0, to: 32, by: 4) {
            for word in words {
                for step in 0..<12 {
                    let rig = AstlpcRig(bmcUnit: step % 2 == 0 ? nil : 64)
                    rig.startBMC()
                    _ = rig.startHost()
                    rig.hostSends(pattern(200, seed: 1))
                    rig.bmcSends(pattern(200, seed: 1))
                    for _ in 0..<step / 2 {
                        _ = rig.stepBMC()
                        _ = rig.stepHost()
                    }
                    rig.memory.set(word, at: field)
                    rig.run()
                    // And once more under the changed field, by the host's own wish.
                    rig.memory.set(word, at: field)
                    rig.idr = 0
                    rig.run()
                    let good = behaves(rig)
                    #expect(good, "field \(field), value \(word), step \(step)")
                }
            }
        }
    }

    @Test("every length at every step")
    func everyLengthChangedAtEveryStep() {
        let lengths: [UInt32] = [0, 1, 3, 4, 5, 67, 68, 69, 0x7FF74, 0x7FF75, 0x100000, 0x7FFF_FFFF, 0xFFFF_FFFF]
        for length in lengths {
            for step in 0..<16 {
                let rig = AstlpcRig(bmcUnit: step % 2 == 0 ? nil : 64)
                #expect(rig.begin())
                rig.hostSends(pattern(500, seed: 1))
                rig.bmcSends(pattern(500, seed: 1))
                for _ in 0..<step / 2 {
                    _ = rig.stepBMC()
                    _ = rig.stepHost()
                }
                rig.pumpHost()
                rig.memory.set(length, at: Int(rig.memory.word(0x18)))
                rig.memory.set(length, at: Int(rig.memory.word(0x10)))
                rig.run()
                let good = behaves(rig)
                #expect(good, "length \(length), step \(step)")
            }
        }
    }

    @Test("every sequence of four signals")
    func everySequenceOfSignals() {
        let signals: [UInt8] = [0x00, 0x01, 0x02, 0x03, 0xFF]
        let rig = AstlpcRig(bmcUnit: 64, window: 4096)
        #expect(rig.begin())
        for number in 0..<625 {
            var rest = number
            for _ in 0..<4 {
                rig.bmcSends([1, 2])
                rig.idr = signals[rest % 5]
                _ = rig.stepBMC()
                if rest % 3 == 0 { rig.odr = nil }
                rest /= 5
            }
            #expect(behaves(rig))
        }
    }

    @Test("a thread that writes over the window while the BMC works", arguments: UInt64(1)...4)
    func theWindowChangesUnderneath(seed: UInt64) {
        let rig = AstlpcRig(bmcUnit: seed % 2 == 0 ? nil : 64)
        #expect(rig.begin())
        rig.keepMessages = false
        let scribbler = Scribbler(rig.memory, seed: seed)
        var random = Seeded(seed)
        let signals: [UInt8] = [0x00, 0x01, 0x01, 0x01, 0x01, 0x02, 0x02, 0x03, 0xFF]
        for round in 0..<scaled(2_000_000) {
            if rig.bmcTerminus.queued < 4 { rig.bmcSends(pattern(100, seed: UInt64(round))) }
            rig.idr = signals.randomElement(using: &random)!
            _ = rig.stepBMC()
            if Bool.random(using: &random) { rig.odr = nil }
            if round % 1000 == 0 { _ = rig.repair() }
        }
        scribbler.stop()
        rig.keepMessages = true
        let good = behaves(rig)
        #expect(good)
    }

    @Test("the host's machine does not trust the BMC either", arguments: UInt64(1)...2)
    func theWindowChangesUnderneathTheHost(seed: UInt64) {
        let rig = AstlpcRig()
        #expect(rig.begin())
        let scribbler = Scribbler(rig.memory, seed: seed)
        var random = Seeded(seed)
        for round in 0..<scaled(500_000) {
            if rig.hostTerminus.queued < 4 { rig.hostSends(pattern(100, seed: UInt64(round))) }
            let signal: UInt8 = [0x01, 0x01, 0x02, 0xFF, 0x05].randomElement(using: &random)!
            let status: UInt8 = [0xC0, 0xC0, 0xC0, 0x80, 0x00].randomElement(using: &random)!
            let event = rig.hostGets(signal, status: status)
            if event == .credit { rig.hostTerminus.packetTaken() }
            rig.idr = nil
            rig.pumpHost()
            if !rig.hostIsActive {
                _ = rig.repair()
                _ = rig.host.start(status: 0x80)
                rig.idr = nil
                rig.pumpHost()
            }
        }
        scribbler.stop()
        rig.startBMC()
        let good = behaves(rig)
        #expect(good)
    }
}
