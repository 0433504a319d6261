// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing

@testable import DaemonConfiguration

@Suite struct ShapeReviewTests {
    private func faults(_ members: OptionShape...) -> [String] {
        ShapeReview.faults(OptionShape(.object, children: members))
    }

    @Test func ownKeysMakeSense() { #expect(ShapeReview.faults(Keys.file(deviceTypes)) == []) }

    @Test func treeThatMakesNoSenseIsDescribed() {
        #expect(faults(.init(.absent, key: "a")) == ["'a' has no type"])
        #expect(faults(.init(.list, key: "a")) == ["'a' is a list without one shape of its elements"])
        #expect(
            faults(.init(.map, key: "a", children: [.init(.byte)])) == ["'a' is a map without shapes of key and value"])
        #expect(
            faults(.init(.map, key: "a", children: [.init(.actions), .init(.bool)]))
                == ["'a' is a map whose keys are no scalars"])
        #expect(faults(.init(.oneOf, key: "a")) == ["'a' has no alternatives"])
        #expect(faults(.init(.enumeration, key: "a")) == ["'a' is an enumeration without words"])
        #expect(faults(.init(.bool)) == ["the options has a member without a key"])
        #expect(faults(.init(.bool, key: "a"), .init(.size, key: "a")) == ["the options has 'a' twice"])
        #expect(faults(.init(.integer, key: "a", minimum: 2, maximum: 1)) == ["'a' has a range from 2 to 1"])
        #expect(
            faults(.init(.bool, key: "a", defaultText: "true", required: true)) == ["'a' is required and has a default"]
        )
    }

    @Test func defaultsAreChecked() {
        #expect(
            faults(.init(.integer, key: "a", defaultText: "9", maximum: 5))
                == ["bad default for 'a': it is 9; it must be at most 5"])
        #expect(faults(.init(.bool, key: "a", defaultText: "")) == ["bad default for 'a': the file is empty"])
        #expect(faults(.init(.object, key: "a", children: [.init(.byte, key: "b", defaultText: "999")])).count == 1)
        #expect(faults(.init(.actions, key: "a", defaultText: "[{log: x}, {capture: all}]")) == [])
    }

    @Test func endlessTreeIsRefused() {
        var shape = OptionShape(.list, children: [OptionShape(.bool)])
        for _ in 0..<40 { shape = OptionShape(.list, children: [shape]) }
        #expect(ShapeReview.faults(shape) == ["the tree is deeper than 16 levels or has more than 4096 shapes"])
        let wide = OptionShape(.object, children: (0..<5000).map { OptionShape(.bool, key: "k\($0)") })
        #expect(ShapeReview.faults(wide) == ["the tree is deeper than 16 levels or has more than 4096 shapes"])
    }
}
