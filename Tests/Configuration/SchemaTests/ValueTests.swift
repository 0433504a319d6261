// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing

@Suite struct ValueTests {
    private func value(_ payload: Value.Payload, line: Int32 = 1, isGiven: Bool = true) -> Value {
        Value(type: .string, mark: Mark(line: line, column: 1), isGiven: isGiven, payload: payload)
    }

    @Test func equalityIgnoresPlaceAndOrigin() {
        #expect(value(.string("x"), line: 1) == value(.string("x"), line: 9, isGiven: false))
        let action = Action(kind: .log("x"), timeout: .seconds(1), mark: .start)
        #expect(action == Action(kind: .log("x"), timeout: .seconds(1), mark: Mark(line: 7, column: 7)))
        #expect(action != Action(kind: .log("x"), timeout: .seconds(1), otherwise: [action], mark: .start))
        #expect(action != Action(kind: .log("x"), timeout: .seconds(2), mark: .start))
    }

    @Test func payloadsOfDifferentKindOrContentDiffer() {
        let inner = value(.bool(true))
        let all: [Value.Payload] = [
            .absent, .object([.init("a", inner)]), .object([.init("b", inner)]), .object([]), .list([inner]), .list([]),
            .map([.init(inner, inner)]), .map([]), .oneOf(0, inner), .oneOf(1, inner), .enumeration("a"),
            .enumeration("b"), .bool(true), .bool(false),
            .integer(0), .integer(1), .duration(.zero), .duration(.seconds(1)), .size(0), .size(1), .string(""),
            .string("a"),
            .path("a"), .byte(0), .byte(1), .bytes([]), .bytes([0]), .actions([]),
            .actions([Action(kind: .wait(.zero), timeout: .zero, mark: .start)]),
        ]
        for (left, first) in all.enumerated() {
            for (right, second) in all.enumerated() { #expect((first == second) == (left == right)) }
        }
    }

    @Test func accessorsAnswerForTheirOwnTypeOnly() {
        #expect(value(.integer(5)).integer == 5)
        #expect(value(.integer(5)).size == nil)
        #expect(value(.path("/x")).text == "/x")
        #expect(value(.absent).isAbsent)
        #expect(!value(.bool(false)).isAbsent)
    }

    @Test func membersAreReadByTheirKeys() {
        let present = value(.object([.init("a", value(.bool(true))), .init("b", value(.size(7)))]))
        #expect(present["b"].size == 7)
        #expect(present["c"].isAbsent)
    }

    @Test(arguments: [Value.Payload.absent, .integer(5), .list([]), .actions([])])
    func membersOfWhatIsNoObjectAreAbsent(payload: Value.Payload) {
        let member = value(payload, line: 3)["a"]["b"]
        #expect(member.isAbsent && !member.isGiven)
        #expect(member.mark == Mark(line: 3, column: 1))
    }

    private enum Colour: String, Words {
        case red
        case darkRed = "dark-red"
    }

    @Test func wordOfAnEnumerationIsReadAsACase() {
        #expect(Colour.words == ["red", "dark-red"])
        #expect(value(.enumeration("dark-red")).enumeration(as: Colour.self) == .darkRed)
        #expect(value(.enumeration("blue")).enumeration(as: Colour.self) == nil)
        #expect(value(.string("red")).enumeration(as: Colour.self) == nil)
    }

    @Test func typeNumbersAreThoseOfThePluginInterface() {
        let expected: [OptionType] = [
            .absent, .object, .list, .map, .oneOf, .enumeration, .bool, .integer, .duration, .size, .string, .path,
            .byte, .bytes, .actions,
        ]
        for (number, type) in expected.enumerated() { #expect(type.rawValue == UInt32(number)) }
        #expect(OptionType(rawValue: 15) == nil)
    }

    @Test func actionsAreFoundHoweverDeep() {
        func wait(_ time: UInt64, _ otherwise: [Action] = []) -> Action {
            Action(kind: .wait(.seconds(time)), timeout: .zero, otherwise: otherwise, mark: .start)
        }
        let first = value(.actions([wait(1, [wait(2), wait(3, [wait(4)])]), wait(5)]))
        let tree = value(
            .object([
                .init("a", value(.bool(true))), .init("b", first),
                .init("c", value(.list([value(.actions([wait(6)]))]))),
                .init("d", value(.map([.init(value(.byte(1)), value(.actions([wait(7)])))]))),
                .init("e", value(.oneOf(1, value(.actions([wait(8)]))))),
            ]))
        #expect(tree.allActions.map { $0.kind } == (1...8).map { .wait(.seconds($0)) })
    }
}
