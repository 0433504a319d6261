// SPDX-License-Identifier: Apache-2.0
import Capture

/// Finds the records that several files hold: dumps of one recorder overlap. The same record may stand in them under times
/// that differ a little, as each dump was told the wall clock anew.
struct Repeats {
    private struct Shown {
        let time: UInt64
        let direction: Direction
        let bytes: [UInt8]
        let name: String
        let file: Int
        /// The files that were seen to repeat it.
        var repeatedBy: [Int] = []
    }

    /// A recorder takes a greater difference for a step of the clock.
    private static let tolerance: UInt64 = 1_000_000
    /// Records that are looked back at: a burst of more within the tolerance came from no KCS channel.
    private static let limit = 512

    private var shown: [Shown] = []

    /// Was this packet of a file given by another file already? Packets come in the order of their time.
    mutating func isRepeat(
        _ packet: PcapngReader.Packet, _ interface: PcapngReader.Interface, of file: Int
    ) -> Bool {
        let oldest = packet.time - min(packet.time, Repeats.tolerance)
        let gone = shown.firstIndex { $0.time >= oldest } ?? shown.count
        shown.removeFirst(max(gone, shown.count - Repeats.limit))
        let bytes = interface.link == .ipmi ? Repeats.withoutTime(packet.bytes) : packet.bytes
        for index in shown.indices where shown[index].file != file && !shown[index].repeatedBy.contains(file) {
            let other = shown[index]
            if other.direction == packet.direction, other.bytes == bytes,
                other.name.utf8.elementsEqual(interface.name.utf8)
            {
                shown[index].repeatedBy.append(file)
                return true
            }
        }
        shown.append(
            Shown(time: packet.time, direction: packet.direction, bytes: bytes, name: interface.name, file: file))
        return false
    }

    /// PICMG's trace header has the time in milliseconds, too.
    private static func withoutTime(_ bytes: [UInt8]) -> [UInt8] {
        bytes.count < 7 ? bytes : [bytes[0]] + bytes[7...]
    }
}
