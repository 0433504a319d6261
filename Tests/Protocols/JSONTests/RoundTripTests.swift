// SPDX-License-Identifier: Apache-2.0
import Foundation
import JSON
import Testing

@Suite struct RoundTripTests {
    private static let long = ProcessInfo.processInfo.environment["KCSMUX_LONG"] == "1"
    private static let limits = JSONLimits(bytes: 1 << 22, depth: 32, members: 64)

    /// Numbers that look random and are the same in every run.
    private struct Sequence: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    private func text(_ random: inout Sequence) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let limit: UInt32 = [0x20, 0x80, 0x800, 0x110000].randomElement(using: &random)!
            if let scalar = UnicodeScalar(UInt32.random(in: 0..<limit, using: &random)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private func value(_ depth: Int, _ random: inout Sequence) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(JSONNumber(Int64.random(in: .min ... .max, using: &random)))
        case 3: return .unsigned(UInt64.random(in: 0 ... .max, using: &random))
        case 4: return .string(text(&random))
        case 5: return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth - 1, &random) })
        default:
            var members: [JSONMember] = []
            for index in 0..<Int.random(in: 0..<5, using: &random) {
                members.append(JSONMember("\(index)\(text(&random))", value(depth - 1, &random)))
            }
            return .object(members)
        }
    }

    @Test func whatIsWrittenIsReadAsTheSame() throws {
        var random = Sequence(state: 1)
        for _ in 0..<(Self.long ? 20_000 : 500) {
            let written = value(5, &random)
            let line = written.line
            #expect(line.firstIndex(of: 0x0A) == line.count - 1)
            #expect(try JSONReader.read(Array(line.dropLast()), limits: Self.limits) == written)
        }
    }

    @Test func foundationReadsWhatIsWritten() throws {
        var random = Sequence(state: 2)
        for _ in 0..<(Self.long ? 5000 : 200) {
            let written = value(4, &random)
            _ = try JSONSerialization.jsonObject(with: Data(written.line), options: .fragmentsAllowed)
        }
    }

    @Test func damagedTextEndsInAValueOrAnErrorWithinIt() throws {
        var random = Sequence(state: 3)
        var errors = 0
        for _ in 0..<(Self.long ? 200_000 : 5000) {
            var bytes = Array(value(4, &random).line.dropLast())
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(Array("[]{}\",:\\u0".utf8).randomElement(using: &random)!, at: place)
                default: bytes.removeSubrange(place...)
                }
            }
            do {
                let read = try JSONReader.read(bytes, limits: Self.limits)
                // What was accepted is JSON: it survives being written.
                #expect(try JSONReader.read(Array(read.line.dropLast()), limits: Self.limits) == read)
            } catch {
                errors += 1
                #expect(error.offset <= bytes.count)
            }
        }
        #expect(errors > 0)
    }

    @Test func writerEscapesWhatMustBe() {
        var bytes: [UInt8] = []
        JSONValue.string("\"\\\u{0}\u{1F}\u{7F}\n\r\t/\u{2028}é").write(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "\"\\\"\\\\\\u0000\\u001f\\u007f\\n\\r\\t/\u{2028}é\"")
    }

    @Test func literalsKeepTheOrderOfMembers() {
        let value: JSONValue = ["b": .integer(1), "a": .optional(nil), "c": .strings(["x"])]
        #expect(String(decoding: value.line, as: UTF8.self) == "{\"b\":1,\"a\":null,\"c\":[\"x\"]}\n")
    }
}
