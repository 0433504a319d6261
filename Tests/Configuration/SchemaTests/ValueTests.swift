// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing

@Suite struct ValueTests {
    private func value(_ payload: Value.Payload, line: Int32 = 1, isGiven: Bool = true) -> Value {
        Value(type: .string, mark: Mark(line: line, column: 1), isGiven: isGiven, payload: payload)
    }

    @Test func equalityIgnoresPlaceAndOrigin() {
        #expect(value(.string("x"), line: 1) == value(.string("x"), line: 9, isGiven: false))
        let action = Action(kind: .log("x"), mark: .start)
        #expect(action == Action(kind: .log("x"), mark: Mark(line: 7, column: 7)))
        #expect(action != Action(kind: .log("x"), otherwise: [action], mark: .start))
    }

    @Test func payloadsOfDifferentKindOrContentDiffer() {
        let inner = value(.bool(true))
        let all: [Value.Payload] = [
            .absent, .object([inner]), .object([]), .list([inner]), .list([]), .map([(inner, inner)]), .map([]),
            .oneOf(0, inner), .oneOf(1, inner), .enumeration(0), .enumeration(1), .bool(true), .bool(false),
            .integer(0), .integer(1), .duration(0), .duration(1), .size(0), .size(1), .string(""), .string("a"),
            .path("a"), .byte(0), .byte(1), .bytes([]), .bytes([0]), .actions([]),
            .actions([Action(kind: .wait(1), mark: .start)]),
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

    @Test func membersOfAnAbsentObjectAreAbsent() {
        let shape = OptionShape(.object, children: [OptionShape(.bool, key: "a"), OptionShape(.size, key: "b")])
        let absent = Members(value(.absent), shape)
        #expect(absent["b"].isAbsent)
        #expect(absent["b"].type == .size)
        let present = Members(value(.object([value(.bool(true)), value(.size(7))])), shape)
        #expect(present["b"].size == 7)
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
            Action(kind: .wait(time), otherwise: otherwise, mark: .start)
        }
        let first = value(.actions([wait(1, [wait(2), wait(3, [wait(4)])]), wait(5)]))
        let tree = value(
            .object([
                value(.bool(true)), first, value(.list([value(.actions([wait(6)]))])),
                value(.map([(value(.byte(1)), value(.actions([wait(7)])))])),
                value(.oneOf(1, value(.actions([wait(8)])))),
            ]))
        #expect(tree.allActions.map { $0.kind } == (1...8).map { .wait($0) })
    }
}
