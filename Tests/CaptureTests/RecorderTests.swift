// SPDX-License-Identifier: Apache-2.0
import Capture
import LinuxIO
import Testing

@Suite struct RecorderTests {
    private let identity = RecorderIdentity(channel: "debug", description: "raw-kcs /dev/raw-kcs1", number: 3)

    @Test func recordsComeBackInOrderWithTheirValues() {
        let recorder = Recorder(identity, events: 64)
        recorder.lifeBegan(process: 77, reason: 2, at: 10)
        recorder.idrRead(0x61, str: 0x0A, at: 11)
        recorder.odrAndSTRWritten(odr: 0, str: 0x81, mask: 0xC1, at: 12)
        recorder.recordsLost(5, at: 13)
        let snapshot = recorder.snapshot()
        #expect(snapshot.channel == "debug")
        #expect(snapshot.number == 3)
        #expect(
            snapshot.events.map(\.body) == [
                .lifeBegan(process: 77, reason: 2), .access(.idrRead, 0x61, 0x0A, 2),
                .access(.odrAndSTRWrite, 0, 0x81, 0xC1), .recordsLost(5),
            ])
        #expect(snapshot.events.map(\.time) == [10, 11, 12, 13])
    }
}
