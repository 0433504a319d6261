// SPDX-License-Identifier: Apache-2.0
import Capture
import Decode
import LinuxIO
import Testing

@Suite struct HostileCaptureTests {
    /// Messages and accesses of every kind, so that changes hit every decoder.
    fileprivate func capture(_ generator: inout Seeded) -> [UInt8] {
        let recorder = Recorder(RecorderIdentity(channel: "x", description: ""), events: 1024)
        for time in 0..<UInt64(100) {
            var bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if time % 2 == 0 && !bytes.isEmpty { bytes[0] = [0x18, 0x1C, 0xB0, 0x01][Int(time / 2 % 4)] }
            let link: LinkType = time % 3 == 0 ? .mctp : .ipmi
            bytes.withUnsafeBytes { recorder.message(time % 5 == 0 ? .toHost : .fromHost, link: link, $0, at: time) }
            recorder.idrRead(
                [0x60, 0x61, 0x62, 0x68, 0x00][Int(time % 5)], str: UInt8.random(in: 0...255, using: &generator),
                at: time)
            recorder.odrAndSTRWritten(
                odr: 0, str: UInt8.random(in: 0...255, using: &generator), mask: 0xC1, at: time)
        }
        return CaptureDump.pcapng([recorder.snapshot()])
    }

    @Test func randomMessagesAndDamagedFilesAreShownWithoutATrap() throws {
        var generator = Seeded(state: 11)
        let full = CurrentProcess.environment("KCSMUX_LONG") == "1" ? 3000 : 30
        for round in 0..<full {
            var file = capture(&generator)
            for _ in 0..<(round % 8) {
                file[Int.random(in: 12..<file.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            var timeline = try #require(Timeline(file))
            var lines = 0
            for text in texts(&timeline) {
                #expect(!text.utf8.contains(0x1B))
                lines += 1
            }
            #expect(timeline.unanswered.allSatisfy { !$0.name.utf8.contains(0x1B) })
            if round % 8 == 0 { #expect(lines >= 300) }
        }
    }
}

/// A generator with a seed: a failure can be seen again.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 33) &* 0xFF51_AFD7_ED55_8CCD
    }
}
