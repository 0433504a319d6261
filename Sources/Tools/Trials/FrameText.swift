// SPDX-License-Identifier: Apache-2.0
import Capture
import Decode

/// What messages mean, in the words of `kcsctl decode`.
public enum FrameText {
    /// The lines about an answer, and about its request.
    public static func lines(request: [UInt8], answer: [UInt8]?) -> (request: [String], answer: [String]) {
        var writer = PcapngWriter()
        writer.section(application: "kcssim")
        let interface = writer.interface(name: "x/ipmi", description: "", link: .ipmi)
        // The answer's time is before the request's: nobody wants to read of a latency that was made up.
        func add(_ bytes: [UInt8], _ direction: Direction) {
            let header: [UInt8] = [
                0, 0, 0, 0, 0, 0, 0, 5, direction == .fromHost ? 0x80 : 0, 0, UInt8(clamping: bytes.count),
            ]
            writer.packet(
                interface: interface, time: direction == .fromHost ? 2 : 1, direction: direction, header + bytes,
                originalLength: header.count + bytes.count, comment: "")
        }
        add(request, .fromHost)
        if let answer { add(answer, .toHost) }
        guard var timeline = Timeline(writer.take()) else { return ([], []) }
        var found: [[String]] = []
        var text = TimelineText()
        while let item = timeline.next() {
            guard case .record(let record) = item else { continue }
            found.append(
                text.text(record, width: 1).split(separator: "\n").dropFirst().compactMap { line in
                    line.firstIndex(of: "|").map { String(line[line.index($0, offsetBy: 2)...]) }
                })
        }
        return (found.first ?? [], found.count > 1 ? found[1] : [])
    }
}
