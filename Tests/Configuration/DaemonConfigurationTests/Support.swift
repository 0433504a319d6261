// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing
import YAML

@testable import DaemonConfiguration

/// What was said, each as "LINE:COLUMN message", warnings and notes with their word.
func said(_ diagnostics: Diagnostics) -> [String] {
    diagnostics.all.map { diagnostic in
        let place = diagnostic.mark.map { "\($0.line):\($0.column) " } ?? ""
        let word = diagnostic.severity == .error ? "" : "\(diagnostic.severity.word): "
        return place + word + diagnostic.message
    }
}

/// A value checked against a shape.
struct Checked {
    let value: Value
    let said: [String]

    init(_ text: String, _ shape: OptionShape, owner: String = "plugin 'p'") {
        let bytes = Array(text.utf8)
        let diagnostics = Diagnostics(file: "f", text: bytes)
        let node = Document.parse(bytes, diagnostics) ?? Node(mark: .start, content: .invalid)
        value = Checker(diagnostics, owner: owner).check(node, shape, at: .start, subject: "it")
        said = DaemonConfigurationTests.said(diagnostics)
    }
}

/// Types of devices, of which each has what the others lack.
let deviceTypes = [
    DeviceType(name: "raw-kcs", hasRegisters: true, hasMessages: true, isSimulated: false),
    DeviceType(name: "serio-raw", hasRegisters: false, hasMessages: false, isSimulated: false),
    DeviceType(name: "ipmi-kcs", hasRegisters: false, hasMessages: true, isSimulated: false),
    DeviceType(name: "sim", hasRegisters: true, hasMessages: true, isSimulated: true),
]

/// A file with one channel, in a few lines.
func parse(_ text: String) -> ConfigurationFile.Outcome {
    ConfigurationFile.parse(Array(text.utf8), file: "f", devices: deviceTypes)
}

/// The configuration of a file without mistakes.
func configuration(_ text: String) throws -> Configuration {
    let outcome = parse(text)
    #expect(said(outcome.diagnostics) == [])
    return try #require(outcome.configuration)
}
