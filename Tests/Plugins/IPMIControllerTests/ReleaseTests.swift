// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

/// What released versions left: every later one reads it. One more entry with each release that changes a format.
@Suite struct ReleaseTests {
    /// The files of 0.1.0 after an entry, OEM boot flags, and a clean stop.
    private static let sel =
        "4b43534a01010000000000008715cc060a00000000000400000000000000000000665d1a4b1500010000000158320b6b0101000258320b"
        + "6b200004010101523c3286d5aff3"
    private static let settings =
        "4b43534a01020000000000001a0f24370c00000000000106000000ba6bfb2655320b6b16eb91150a0001000000010500010000e0040000"
        + "009eb1830e"

    private func bytes(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { UInt8($0 < 0x60 ? $0 - 0x30 : $0 - 0x57) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test func stateOfVersion010IsRead() throws {
        let bench = startedBench()
        bench.selFile = bytes(Self.sel)
        bench.settingsFile = bytes(Self.settings)
        #expect(StateFile(bench.selFile, of: .sel) == .whole)
        #expect(StateFile(bench.settingsFile, of: .settings) == .whole)
        let next = restarted(bench)
        let entry = try next.data(0x0A, 0x43, [0, 0, 0, 0, 0, 0xFF])
        #expect(Array(entry[2...]) == bytes("0100" + "0258320b6b200004010101523c32"))
        #expect(try next.data(0x00, 0x09, [5, 0, 0]) == [0x01, 0x05, 0xE0, 0x04, 0, 0, 0])
        #expect(next.logs == [])
    }
}
