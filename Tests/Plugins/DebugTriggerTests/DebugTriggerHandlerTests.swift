// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import DebugTriggerHandler
import PluginTestSupport
import Testing

private let keyD = UInt8(ascii: "D")
private let keyR = UInt8(ascii: "R")

@Suite struct DebugTriggerHandlerTests {
    private func options(
        keys: [UInt8] = [keyD, keyR], arm: [UInt8]? = nil, cooldown: UInt64 = 0, maximumPerHour: Int64 = 0,
        dryRun: Bool = false, acceptsCommands: Bool = false
    ) -> [String: TestValue] {
        var options: [String: TestValue] = [
            "actions": .map(keys.map { (.byte($0), .actions("log, capture all")) }), "cooldown": .duration(cooldown),
            "max_per_hour": .integer(maximumPerHour), "dry_run": .bool(dryRun),
            "command_bytes": .enumeration(acceptsCommands ? "accept" : "ignore"),
        ]
        options["arm"] = arm.map { .bytes($0) }
        return options
    }

    private func makeTrigger(_ options: [String: TestValue], staleBytes: UInt32 = 0) throws -> FakeDaemon {
        let host = try #require(FakeDaemon(DebugTriggerHandler.plugin.descriptor, options))
        #expect(host.start(staleBytes: staleBytes) == KCS_INPUT_AUTO)
        return host
    }

    @Test func keyRunsItsActionsOnceWithItsCause() throws {
        let host = try makeTrigger(options())
        for byte in UInt8.min...UInt8.max where byte != keyR { host.write(byte) }
        #expect(host.runs == ["trigger 'D' (0x44)"])
        host.finishActions()
        host.write(keyR)
        #expect(host.runs == ["trigger 'D' (0x44)", "trigger 'R' (0x52)"])
        #expect(host.stats["triggers"] == 2)
        #expect(host.stats["unknown_bytes"] == 254)
        #expect(host.misuses.isEmpty)
    }

    @Test func deviceWithoutSTRIsEnough() throws {
        #expect(DebugTriggerHandler.plugin.descriptor.pointee.needs == UInt32(KCS_CAP_DATA_IN))
        let host = try #require(FakeDaemon(DebugTriggerHandler.plugin.descriptor, options()))
        host.capabilities = UInt32(KCS_CAP_DATA_IN)
        #expect(host.start() == KCS_INPUT_AUTO)
        host.write(keyD)
        #expect(host.runs.count == 1)
        #expect(host.registerCalls == 0)
    }

    @Test func commandBytesAreIgnoredUnlessAccepted() throws {
        let strict = try makeTrigger(options())
        strict.write(keyD, command: true)
        #expect(strict.runs.isEmpty)
        #expect(strict.stats["command_bytes_ignored"] == 1)
        let lax = try makeTrigger(options(acceptsCommands: true))
        lax.write(keyD, command: true)
        #expect(lax.runs.count == 1)
    }

    @Test func staleBytesAreToldAndCounted() throws {
        let host = try makeTrigger(options(), staleBytes: 2)
        #expect(host.runs.isEmpty)
        #expect(host.stats["stale_bytes"] == 2)
        #expect(host.lines.map(\.text) == ["stale bytes from before the start, ignored: 2"])
    }

    @Test func floodOfOtherBytesWritesFewLines() throws {
        let host = try makeTrigger(options())
        for index in 0..<100_000 {
            host.write(UInt8(ascii: "x"))
            if index % 10_000 == 0 { host.advance(1_000_000_000) }
        }
        #expect(host.lines.count <= 2)
        host.advance(20_000_000_000)
        host.stop()
        let told = host.lines.compactMap { $0.text.split(separator: ",").first?.split(separator: " ").last }
            .compactMap { Int($0) }
        #expect(told.reduce(0, +) == 100_000, "every byte is in one line's number")
        #expect(host.stats["unknown_bytes"] == 100_000)
    }

    @Test func refusalsAreWarnedOfWithReasonAndNumber() throws {
        let host = try makeTrigger(options(cooldown: 3_600_000_000_000, maximumPerHour: 1))
        host.write(keyD)
        host.write(keyR)
        host.finishActions()
        host.write(keyD)
        host.write(keyR)
        host.write(keyR)
        host.write(keyR)
        #expect(
            host.lines == [
                .init(
                    level: KCS_LOG_WARNING,
                    text: "trigger 'R' (0x52) refused, the actions of the trigger before are still running"),
                .init(level: KCS_LOG_WARNING, text: "trigger 'D' (0x44) refused, cooldown"),
                .init(level: KCS_LOG_WARNING, text: "trigger 'R' (0x52) refused, max_per_hour is reached"),
            ])
        host.advance(10_000_000_000)
        #expect(host.lines.last?.text == "trigger 'R' (0x52) refused, max_per_hour is reached; 2 times")
        #expect(host.stats["refused_busy"] == 1)
        #expect(host.stats["refused_cooldown"] == 1)
        #expect(host.stats["refused_limit"] == 3)
        #expect(host.runs.count == 1)
    }

    @Test func armingSequencePrecedesEachTrigger() throws {
        let host = try makeTrigger(options(arm: [0xA5, 0x5A]))
        host.write(keyD)
        #expect(host.lines.last?.text == "trigger 'D' (0x44) refused, not armed")
        for byte in [0xA5, 0x5A, keyD] as [UInt8] { host.write(byte) }
        #expect(host.runs.count == 1)
        host.finishActions()
        host.write(0xA5)
        host.write(0x5A)
        host.reset()
        host.write(keyD)
        #expect(host.runs.count == 1, "a reset disarms")
        #expect(host.stats["armed"] == 2)
        #expect(host.stats["refused_not_armed"] == 2)
    }

    @Test func dryRunTellsWhatWouldRunAndRunsNothing() throws {
        let host = try makeTrigger(options(dryRun: true))
        host.write(keyD)
        host.write(keyR)
        #expect(host.runs.isEmpty)
        #expect(
            host.lines.map(\.text) == [
                "trigger 'D' (0x44), dry run: would run log, capture all",
                "trigger 'R' (0x52), dry run: would run log, capture all",
            ])
    }

    @Test func failedActionsAreCountedAndTheNextTriggerRuns() throws {
        let host = try makeTrigger(options())
        host.write(keyD)
        host.finishActions([KCS_OUTCOME_OK, KCS_OUTCOME_FAILED, KCS_OUTCOME_TIMED_OUT])
        #expect(host.stats["failed_actions"] == 2)
        host.runStatus = KCS_E_LIMIT
        host.write(keyD)
        #expect(
            host.lines.last
                == .init(
                    level: KCS_LOG_ERROR, text: "trigger 'D' (0x44): kcsmuxd refused to run its actions (-6)"))
        host.runStatus = nil
        host.write(keyD)
        #expect(host.runs.count == 2)
    }

    @Test func readyBitIsSetWhileTriggersAreServed() throws {
        var given = options()
        given["ready"] = .integer(4)
        let daemon = try makeTrigger(given)
        #expect(daemon.status == 0x10)
        daemon.write(keyD)
        #expect(daemon.status == 0, "it is acted on")
        daemon.finishActions()
        #expect(daemon.status == 0x10)
        daemon.write(keyD)
        daemon.finishActions([KCS_OUTCOME_FAILED])
        #expect(daemon.status == 0, "the recovery failed")
        daemon.write(keyR)
        daemon.finishActions()
        #expect(daemon.status == 0x10)
        daemon.runStatus = KCS_E_LIMIT
        daemon.write(keyD)
        #expect(daemon.status == 0)
        daemon.stop()
        #expect(daemon.status == 0)
    }

    @Test func readyBitIsLeftAloneWithoutTheOptionAndNeedsSTRWithIt() throws {
        let plain = try makeTrigger(options())
        plain.write(keyD)
        #expect(plain.registerCalls == 0)
        var given = options()
        given["ready"] = .integer(7)
        let blind = try #require(FakeDaemon(DebugTriggerHandler.plugin.descriptor, given))
        blind.capabilities = KCS_CAP_DATA_IN
        #expect(blind.start() == KCS_E_FAILED)
        #expect(blind.lines.map(\.text) == ["`ready` needs a device with STR"])
        given["ready"] = .integer(3)
        #expect(
            FakeDaemon.check(DebugTriggerHandler.plugin.descriptor, given)
                == [.init("ready", "bit 3 is the hardware's: C/D")])
    }

    @Test func stopWhileActionsRunLeavesNothingBehind() throws {
        var host: FakeDaemon? = try makeTrigger(options())
        weak let gone = host
        host?.write(keyD)
        host?.stop()
        host = nil
        #expect(gone == nil)
    }

    @Test func checkAcceptsTheDefaults() {
        #expect(FakeDaemon.check(DebugTriggerHandler.plugin.descriptor, options()) == [])
    }

    @Test func checkRejectsWhatTheDeclarationCannot() {
        let plugin = DebugTriggerHandler.plugin.descriptor
        #expect(
            FakeDaemon.check(plugin, options(keys: []))
                == [.init("actions", "no byte would trigger anything: name at least one")])
        #expect(
            FakeDaemon.check(plugin, options(keys: [keyD, keyR, keyD]))
                == [.init("actions[2].key", "the byte 'D' (0x44) is named twice")])
        #expect(
            FakeDaemon.check(plugin, options(keys: [7], arm: [1, 7, 7]))
                == [.init("arm", "0x07 cannot both arm and trigger")])
    }
}
