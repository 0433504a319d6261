// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import Schema
import Testing

@testable import DaemonConfiguration

/// The commented sample is the reference that operators read: it parses, and it leaves nothing out.
@Suite struct SampleTests {
    private static let path = Path.parent(of: #filePath) + "/../../../config/kcsmux.yaml"

    private func lines() throws -> [Substring] {
        String(decoding: try Syscalls.readFile(Self.path, limit: 1 << 20), as: UTF8.self).split(separator: "\n")
    }

    @Test func sampleIsWithoutMistakes() throws {
        let outcome = ConfigurationFile.load(path: Self.path, devices: deviceTypes)
        #expect(outcome.diagnostics.render() == "")
        #expect(outcome.configuration?.channels.count == 3)
    }

    /// Keys that are commented out are right as well, once they are not.
    @Test func commentedKeysAreWithoutMistakes() throws {
        let text = try lines().map { line in
            let bare = line.drop { $0 == " " }
            let indent = line.prefix(line.count - bare.count)
            let isKey =
                bare.hasPrefix("# ")
                && bare.dropFirst(2).drop { $0 == " " }.prefix { $0 != ":" }
                    .allSatisfy { $0 == "_" || $0.isLowercase }
                && bare.contains(":")
            return isKey ? indent + bare.dropFirst(2) : line
        }.joined(separator: "\n")
        let outcome = parse(text)
        #expect(outcome.diagnostics.all.map { $0.message } == ["there is no folder 'channels.d'; nothing is included"])
        #expect(outcome.configuration?.realtime?.fifoPriority == 50)
        #expect(outcome.configuration?.control.group == "kcsmux")
    }

    @Test func everyKeyIsInTheSample() throws {
        let sample = try lines()
        var missing: [String] = []
        func look(_ shape: OptionShape) {
            if !shape.key.isEmpty && !sample.contains(where: { mentions($0, shape.key) }) { missing.append(shape.key) }
            for child in shape.children { look(child) }
        }
        look(Keys.file(deviceTypes))
        #expect(missing == [])
    }

    @Test func everyDefaultIsTheOneInTheSample() throws {
        let sample = try lines()
        var wrong: [String] = []
        func look(_ shape: OptionShape) {
            if let text = shape.defaultText,
                !sample.contains(where: { mentions($0, "\(shape.key): \(text)", whole: true) })
            {
                wrong.append("\(shape.key): \(text)")
            }
            for child in shape.children { look(child) }
        }
        look(Keys.file(deviceTypes))
        #expect(wrong == [])
    }

    @Test func everyKeyHasHelp() {
        var silent: [String] = []
        func look(_ shape: OptionShape) {
            if !shape.key.isEmpty && shape.help.isEmpty { silent.append(shape.key) }
            for child in shape.children { look(child) }
        }
        look(Keys.file(deviceTypes))
        #expect(silent == [])
    }

    /// Does a line hold the key, at its beginning or in braces, commented out or not?
    private func mentions(_ line: Substring, _ key: String, whole: Bool = false) -> Bool {
        let bare = line.drop { $0 == " " || $0 == "#" || $0 == "-" }
        let wanted = whole ? key : key + ":"
        if bare.hasPrefix(wanted) {
            let rest = bare.dropFirst(wanted.count)
            return rest.isEmpty || rest.first == " "
        }
        return line.contains("{\(wanted)") || line.contains(", \(wanted)")
    }
}
