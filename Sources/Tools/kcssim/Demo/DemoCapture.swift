// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What `kcsctl decode` says of the demo's capture.
enum DemoCapture {
    /// The last exchange of the IPMI channel, in lines of at most 80 columns; none when kcsctl cannot be run.
    static func lastExchange(in capture: String, tools: String) -> [String] {
        let program = Process()
        let output = Pipe()
        program.executableURL = URL(fileURLWithPath: tools + "/kcsctl")
        program.arguments = ["decode", capture, "--channel", "ipmi"]
        program.standardOutput = output
        guard (try? program.run()) != nil else { return [] }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        program.waitUntilExit()
        let meanings = text.split(separator: "\n").compactMap { line in
            line.range(of: "| IPMI ").map { String(line[$0.upperBound...]) }
        }
        return meanings.suffix(2).flatMap { Columns.wrapped($0, indent: 2) }
    }
}
