// SPDX-License-Identifier: Apache-2.0
import JSON
import LinuxIO
import SimulatedDevice
import Testing

/// The examples of the control socket's article, compared with a daemon.
@Suite struct DocumentationTests {
    private struct Example {
        let request: JSONValue
        let answer: JSONValue
    }

    private static let limits = JSONLimits(bytes: 1 << 20)

    private func examples() throws -> [Example] {
        let root = Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath))))
        let bytes = try Syscalls.readFile(root + "/Sources/Daemon/Daemon/Daemon.docc/ControlSocket.md", limit: 1 << 20)
        var examples: [Example] = []
        var request: JSONValue?
        for line in bytes.split(separator: 0x0A) {
            if line.starts(with: Array("> {".utf8)) {
                request = try JSONReader.read(Array(line.dropFirst(2)), limits: Self.limits)
            } else if line.starts(with: Array("< {".utf8)) {
                let answer = try JSONReader.read(Array(line.dropFirst(2)), limits: Self.limits)
                examples.append(Example(request: try #require(request), answer: answer))
                request = nil
            }
        }
        return examples
    }

    /// The names of all members, with their places and the kinds of their values.
    private func shape(_ value: JSONValue, _ place: String = "") -> [String] {
        switch value {
        case .object(let members): return members.flatMap { shape($0.value, place + "." + $0.name) }
        case .array(let elements): return elements.flatMap { shape($0, place + "[]") }
        case .null: return [place + " null"]
        case .bool: return [place + " bool"]
        case .number: return [place + " number"]
        case .string: return [place + " string"]
        }
    }

    @Test func documentedExamplesAreWhatADaemonAnswers() throws {
        let examples = try examples()
        #expect(examples.count >= 11)
        let daemon = try Daemon(echoChannel())
        let client = try daemon.connect()
        for example in examples {
            let answer = try client.ask(example.request)
            #expect(shape(answer) == shape(example.answer))
            #expect(answer["error"] == example.answer["error"])
            for name in ["channel", "state", "level", "before"] {
                #expect(answer["result"]?[name] == example.answer["result"]?[name])
            }
        }
    }

    @Test func everyCodeThatIsDocumentedIsUsedAndTheOtherWayRound() throws {
        let root = Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath))))
        let article = try text(root + "/Sources/Daemon/Daemon/Daemon.docc/ControlSocket.md")
        var documented: [String] = []
        for line in article.split(separator: "\n") where line.hasPrefix("| `") && !line.contains("`, `") {
            let words = line.split(separator: "`")
            if words.count > 1 { documented.append(String(words[1])) }
        }
        var used: [String] = []
        let folder = root + "/Sources/Daemon/Daemon/Control"
        for file in try Syscalls.list(folder) where file.hasSuffix(".swift") {
            let source = try text(folder + "/" + file)
            // ControlError("code", …): the string behind the parenthesis, on this line or the next.
            for part in source.replacing("ControlError(\n", with: "ControlError(").split(separator: "ControlError(")
                .dropFirst()
            {
                let rest = part.drop { $0 == " " }
                guard rest.first == "\"" else { continue }
                used.append(String(rest.dropFirst().prefix { $0 != "\"" }))
            }
        }
        #expect(!used.isEmpty)
        for code in used { #expect(documented.contains(code), "\(code) is not documented") }
        let codes = ["malformed", "too-long", "bad-request", "not-permitted", "no-channel", "configuration"]
        for code in codes { #expect(documented.contains(code) && used.contains(code), "\(code)") }
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Syscalls.readFile(path, limit: 1 << 20), as: UTF8.self)
    }
}
