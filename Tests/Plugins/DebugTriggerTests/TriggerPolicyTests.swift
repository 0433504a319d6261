// SPDX-License-Identifier: Apache-2.0
import DebugTriggerHandler
import PluginTestSupport
import Testing

private let second: UInt64 = 1_000_000_000
private let keyD = UInt8(ascii: "D")
private let keyR = UInt8(ascii: "R")

@Suite struct TriggerPolicyTests {
    private func rules(_ change: (inout TriggerPolicy.Rules) -> Void = { _ in }) -> TriggerPolicy.Rules {
        var rules = TriggerPolicy.Rules(keys: [keyD, keyR])
        change(&rules)
        return rules
    }

    /// Judges data bytes one nanosecond apart.
    private func judge(_ policy: inout TriggerPolicy, _ bytes: [UInt8], from start: UInt64) -> [TriggerPolicy.Verdict] {
        bytes.enumerated().map { policy.judge($1, isCommand: false, now: start + UInt64($0)) }
    }

    @Test func onlyKeysTriggerAmongAllBytesOfBothPorts() {
        for byte in UInt8.min...UInt8.max {
            var policy = TriggerPolicy(rules())
            #expect(policy.judge(byte, isCommand: true, now: 0) == .command)
            let expected: TriggerPolicy.Verdict = byte == keyD ? .trigger(0) : byte == keyR ? .trigger(1) : .unknown
            #expect(policy.judge(byte, isCommand: false, now: 0) == expected)
        }
    }

    @Test func commandBytesCountWhenAccepted() {
        var policy = TriggerPolicy(rules { $0.acceptsCommands = true })
        #expect(policy.judge(keyD, isCommand: true, now: 0) == .trigger(0))
    }

    @Test func ignoredCommandBytesNeitherArmNorBreakTheSequence() {
        var policy = TriggerPolicy(rules { $0.arm = [1, 2] })
        #expect(policy.judge(1, isCommand: true, now: 0) == .command)
        #expect(policy.judge(2, isCommand: false, now: 1) == .unknown)
        #expect(policy.judge(1, isCommand: false, now: 2) == .arming)
        #expect(policy.judge(9, isCommand: true, now: 3) == .command)
        #expect(policy.judge(2, isCommand: false, now: 4) == .armed)
        #expect(policy.judge(keyD, isCommand: true, now: 5) == .command)
        #expect(policy.judge(keyD, isCommand: false, now: 6) == .trigger(0))
    }

    @Test func noTriggerWhileAnotherRuns() {
        var policy = TriggerPolicy(rules())
        #expect(policy.judge(keyD, isCommand: false, now: 0) == .trigger(0))
        #expect(policy.judge(keyD, isCommand: false, now: 1) == .refused(0, .busy))
        #expect(policy.judge(keyR, isCommand: false, now: 2) == .refused(1, .busy))
        policy.finished()
        #expect(policy.judge(keyR, isCommand: false, now: 3) == .trigger(1))
    }

    @Test func cooldownRefusesTheSameKeyUntilItsLastNanosecond() {
        var policy = TriggerPolicy(rules { $0.cooldown = 10 * second })
        #expect(policy.judge(keyD, isCommand: false, now: 5) == .trigger(0))
        policy.finished()
        #expect(policy.judge(keyD, isCommand: false, now: 5) == .refused(0, .cooldown))
        #expect(policy.judge(keyR, isCommand: false, now: 6) == .trigger(1), "the other key has its own")
        policy.finished()
        #expect(policy.judge(keyD, isCommand: false, now: 4 + 10 * second) == .refused(0, .cooldown))
        #expect(policy.judge(keyD, isCommand: false, now: 5 + 10 * second) == .trigger(0), "a refusal prolongs nothing")
    }

    @Test func limitCountsAllKeysInAnyHour() {
        var policy = TriggerPolicy(rules { $0.maximumPerHour = 3 })
        let hour = 3600 * second
        for (index, key) in [keyD, keyR, keyD].enumerated() {
            guard case .trigger = policy.judge(key, isCommand: false, now: UInt64(index) * second) else {
                Issue.record("refused below the limit")
                return
            }
            policy.finished()
        }
        #expect(policy.judge(keyR, isCommand: false, now: hour - 1) == .refused(1, .limit))
        #expect(policy.judge(keyR, isCommand: false, now: hour) == .trigger(1))
        policy.finished()
        #expect(policy.judge(keyD, isCommand: false, now: hour + 1) == .refused(0, .limit))
        #expect(policy.judge(keyD, isCommand: false, now: hour + second) == .trigger(0))
    }

    @Test func refusedTriggersUseNothingUp() {
        var policy = TriggerPolicy(
            rules {
                $0.maximumPerHour = 2
                $0.cooldown = second
            })
        #expect(policy.judge(keyD, isCommand: false, now: 0) == .trigger(0))
        for time in 1..<100 as Range<UInt64> {
            #expect(policy.judge(keyD, isCommand: false, now: time) == .refused(0, .busy))
        }
        policy.finished()
        for time in 100..<200 as Range<UInt64> {
            #expect(policy.judge(keyD, isCommand: false, now: time) == .refused(0, .cooldown))
        }
        #expect(policy.judge(keyD, isCommand: false, now: second) == .trigger(0))
    }

    @Test func sequenceArmsForOneTrigger() {
        var policy = TriggerPolicy(rules { $0.arm = Array("ok!".utf8) })
        #expect(judge(&policy, [keyD], from: 0) == [.refused(0, .notArmed)])
        #expect(judge(&policy, Array("ok!".utf8) + [keyD], from: 1) == [.arming, .arming, .armed, .trigger(0)])
        policy.finished()
        #expect(judge(&policy, [keyD], from: 10) == [.refused(0, .notArmed)])
    }

    @Test func otherBytesBreakTheSequenceAndLeaveTheArmedStateAlone() {
        var policy = TriggerPolicy(rules { $0.arm = [1, 2, 3] })
        #expect(judge(&policy, [1, 2, 9, 3, keyD], from: 0).last == .refused(0, .notArmed))
        #expect(judge(&policy, [1, 2, 3, 9, 8, 7, keyD], from: 10).last == .trigger(0))
    }

    @Test func armWindowEndsAtItsLastNanosecond() {
        for (gap, expected) in [
            (5 * second, TriggerPolicy.Verdict.trigger(0)), (5 * second + 1, .refused(0, .notArmed)),
        ] {
            var policy = TriggerPolicy(rules { $0.arm = [1] })
            #expect(policy.judge(1, isCommand: false, now: 7) == .armed)
            #expect(policy.judge(keyD, isCommand: false, now: 7 + gap) == expected)

            var slow = TriggerPolicy(rules { $0.arm = [1, 2] })
            _ = slow.judge(1, isCommand: false, now: 0)
            _ = slow.judge(2, isCommand: false, now: gap)
            #expect(slow.judge(keyD, isCommand: false, now: gap) == expected, "a slow sequence is none")
        }
    }

    @Test func beginningOfAnotherSequenceProlongsNothing() {
        var policy = TriggerPolicy(rules { $0.arm = [1, 2] })
        _ = judge(&policy, [1, 2], from: 0)
        for time in 1...6 as ClosedRange<UInt64> { _ = policy.judge(1, isCommand: false, now: time * second) }
        #expect(policy.judge(keyD, isCommand: false, now: 6 * second + 1) == .refused(0, .notArmed))
    }

    @Test func resetDisarmsAndKeepsTheCooldown() {
        var policy = TriggerPolicy(
            rules {
                $0.arm = [1]
                $0.cooldown = second
            })
        _ = judge(&policy, [1], from: 0)
        policy.disarm()
        #expect(judge(&policy, [keyD], from: 1) == [.refused(0, .notArmed)])
        #expect(judge(&policy, [1, keyD], from: 2) == [.armed, .trigger(0)])
        policy.finished()
        policy.disarm()
        #expect(judge(&policy, [1, keyD], from: 4) == [.armed, .refused(0, .cooldown)])
    }

    @Test(arguments: [[1], [1, 1], [1, 2], [1, 1, 2], [1, 2, 1, 1, 2], [1, 2, 1, 2, 1, 3]] as [[UInt8]])
    func armsExactlyWhereASearchFindsTheSequence(arm: [UInt8]) {
        var random = SeededRandom(seed: UInt64(arm.count))
        var policy = TriggerPolicy(rules { $0.arm = arm })
        var seen: [UInt8] = []
        for time in 0..<20_000 as Range<UInt64> {
            let byte = UInt8.random(in: 1...3, using: &random)
            seen.append(byte)
            let verdict = policy.judge(byte, isCommand: false, now: time)
            #expect((verdict == .armed) == seen.suffix(arm.count).elementsEqual(arm), "\(seen.suffix(8))")
        }
    }

    @Test func longestSequenceArms() {
        let arm = (0..<UInt8(TriggerPolicy.longestArm)).map { $0 &+ 200 }
        var policy = TriggerPolicy(rules { $0.arm = arm })
        #expect(judge(&policy, arm + arm + [keyR], from: 0).suffix(2) == [.armed, .trigger(1)])
    }

    @Test func oneKeyAmongAMillionOtherBytesTriggersOnce() {
        var random = SeededRandom(seed: 3)
        var policy = TriggerPolicy(rules())
        let place = Int.random(in: 0..<1_000_000, using: &random)
        var triggered: [Int] = []
        for index in 0..<1_000_000 {
            var byte = UInt8.random(in: 0...255, using: &random)
            if byte == keyD || byte == keyR { byte = 0 }
            switch policy.judge(index == place ? keyD : byte, isCommand: false, now: 42) {
            case .trigger(0): triggered.append(index)
            case .unknown: break
            case let verdict: Issue.record("byte \(index): \(verdict)")
            }
        }
        #expect(triggered == [place])
    }
}
