// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import LinuxIO
import PluginTestSupport
import TestKit
import Testing

@testable import IPMISettingsHandler

@Suite(.timeLimit(.minutes(1))) struct SettingsHandlerTests {
    private let folder = TestFolder()

    private func started(_ options: [String: TestValue] = [:], load: Bool = true) throws -> FakeDaemon {
        let daemon = try #require(FakeDaemon(SettingsHandler.plugin.descriptor, options))
        daemon.capabilities = UInt32(KCS_CAP_MESSAGES)
        daemon.stateFolder = folder.path + "/state"
        #expect(daemon.start() == KCS_INPUT_MESSAGES)
        if load { daemon.runWork() }
        return daemon
    }

    /// The answer to a request, from its completion code on; the worker runs.
    private func ask(_ daemon: FakeDaemon, _ netFn: UInt8, _ command: UInt8, _ data: [UInt8]) -> [UInt8]? {
        let count = daemon.replies.count
        _ = daemon.message(UInt64(count), [netFn << 2, command] + data)
        daemon.runWork()
        return daemon.replies.count > count ? [UInt8](daemon.replies[count].bytes[2...]) : nil
    }

    private func name(_ text: String) -> [UInt8] {
        Array(text.utf8) + [UInt8](repeating: 0, count: 16 - text.utf8.count)
    }

    private let changed: [String: TestValue] = ["changed": .actions("log")]

    @Test func parameterReadsBackSurvivesAndStandsInTheFileForOthers() throws {
        var daemon = try started(["lan": .object(["gateway": .string("192.0.2.1")])])
        #expect(ask(daemon, 0x0C, 2, [1, 3, 0, 0]) == [0, 0x11, 0, 0, 0, 0])
        #expect(daemon.message(50, [0x30, 1, 1, 3, 192, 0, 2, 7]) == KCS_PENDING)
        #expect(daemon.replies.last?.token != 50, "it is answered once it is on storage")
        daemon.runWork()
        #expect(daemon.replies.last?.bytes == [0x34, 1, 0])
        #expect(ask(daemon, 0x0C, 1, [1, 4, 1]) == [0])
        #expect(ask(daemon, 0x0C, 1, [1, 20, 0x2A, 0x80]) == [0])
        let text = try #require(folder.read("state/settings.json"))
        #expect(text.hasPrefix(#"{"version":1,"lan":{"channel":1,"source":"static","address":"192.0.2.7","#), "\(text)")
        #expect(text.contains(#""gateway":"192.0.2.1","mac":"00:00:00:00:00:00","vlan":42,"#))
        daemon.stop()
        daemon.destroy()
        daemon = try started()
        #expect(ask(daemon, 0x0C, 2, [1, 3, 0, 0]) == [0, 0x11, 192, 0, 2, 7])
        #expect(ask(daemon, 0x0C, 2, [1, 12, 0, 0]) == [0, 0x11, 192, 0, 2, 1])
        #expect(ask(daemon, 0x0C, 2, [0x81, 3, 0, 0]) == [0, 0x11])
    }

    @Test(
        arguments: [
            ([2, 3, 1, 2, 3, 4], 0xCC), ([1, 3, 1, 2, 3], 0xC7), ([1, 1, 0], 0x82), ([1, 99, 0], 0x80),
            ([1, 4, 7], 0xCC),
            ([1, 20, 0xFF, 0x8F], 0xCC), ([1], 0xC7), ([1, 0, 3], 0xCC),
        ] as [([UInt8], UInt8)]) func wrongParameterIsRefusedAndChangesNothing(data: [UInt8], code: UInt8) throws
    {
        let daemon = try started()
        #expect(ask(daemon, 0x0C, 1, data) == [code])
        #expect(folder.names() == [])
    }

    @Test func whoeverBeganFirstHoldsTheProgressUntilAReset() throws {
        let daemon = try started()
        #expect(ask(daemon, 0x0C, 1, [1, 0, 1]) == [0])
        #expect(ask(daemon, 0x0C, 1, [1, 0, 1]) == [0x81])
        #expect(ask(daemon, 0x0C, 2, [1, 0, 0, 0]) == [0, 0x11, 1])
        daemon.reset()
        #expect(ask(daemon, 0x0C, 1, [1, 0, 1]) == [0])
        #expect(ask(daemon, 0x0C, 1, [1, 0, 2]) == [0])
        #expect(ask(daemon, 0x0C, 1, [1, 0, 0]) == [0])
    }

    @Test func usersAreNamedEnabledGivenRightsAndSurvive() throws {
        var daemon = try started(["users": .list([.object(["id": .integer(2), "name": .string("root")])])])
        #expect(ask(daemon, 6, 0x46, [2]) == [0] + name("root"))
        #expect(ask(daemon, 6, 0x45, [3] + name("bob")) == [0])
        #expect(ask(daemon, 6, 0x47, [3, 1]) == [0])
        #expect(ask(daemon, 6, 0x43, [0xB1, 3, 3]) == [0])
        #expect(ask(daemon, 6, 0x44, [1, 3]) == [0, 15, 0x42, 0, 0x33])
        #expect(ask(daemon, 6, 0x45, [4] + name("bob")) == [0xCC], "a name is one user's")
        #expect(ask(daemon, 6, 0x45, [1] + name("x")) == [0xCC], "user 1 has none")
        #expect(ask(daemon, 6, 0x45, [4] + name("a\u{1B}b")) == [0xCC])
        #expect(ask(daemon, 6, 0x43, [0x91, 16, 4]) == [0xC9])
        #expect(ask(daemon, 6, 0x43, [0x91, 3, 9]) == [0xCC])
        #expect(ask(daemon, 6, 0x45, [2] + [UInt8](repeating: 0xFF, count: 16)) == [0])
        daemon.stop()
        daemon.destroy()
        daemon = try started(["users": .list([.object(["id": .integer(2), "name": .string("root")])])])
        #expect(ask(daemon, 6, 0x46, [3]) == [0] + name("bob"))
        #expect(ask(daemon, 6, 0x46, [2]) == [0] + name(""))
        #expect(ask(daemon, 6, 0x44, [0x0E, 3]) == [0, 15, 0x42, 0, 0x33])
    }

    @Test func changeRunsActionsWithWhatHasChanged() throws {
        let daemon = try started(changed)
        #expect(ask(daemon, 6, 0x45, [3] + name("bob")) == [0])
        let file = folder.path + "/state/settings.json"
        #expect(daemon.runs == ["ipmi: user 3\nCHANGE=user\nUSER=3\nUSER_NAME=bob\nFILE=\(file)"])
        #expect(ask(daemon, 0x0C, 1, [1, 3, 1, 2, 3, 4]) == [0])
        #expect(ask(daemon, 0x0C, 1, [1, 3, 1, 2, 3, 4]) == [0], "the same again is no change")
        #expect(daemon.runs.count == 1)
        daemon.finishActions()
        #expect(daemon.runs.count == 2)
        #expect(daemon.runs.last == "ipmi: LAN parameter 3\nCHANGE=lan\nPARAMETER=3\nFILE=\(file)")
        daemon.finishActions()
        #expect(daemon.runs.count == 2)
        #expect(daemon.stats["stores"] == 2)
    }

    @Test func passwordIsWhatActionsMakeOfItAndStandsNowhere() throws {
        let secret = Array("s3cret".utf8) + [UInt8](repeating: 0, count: 10)
        #expect(try ask(started(), 6, 0x47, [3, 2] + secret) == [0xD4])
        let daemon = try started(["password": .actions("log")])
        for (operation, outcome, code) in [
            (2, KCS_OUTCOME_OK, 0), (2, KCS_OUTCOME_FAILED, 0xFF), (3, KCS_OUTCOME_OK, 0),
            (3, KCS_OUTCOME_FAILED, 0x80),
        ] as [(UInt8, UInt32, UInt8)] {
            #expect(ask(daemon, 6, 0x47, [3, operation] + secret) == nil)
            let word = operation == 2 ? "set" : "test"
            #expect(
                daemon.runs.last
                    == "ipmi: password of user 3\nCHANGE=password\nOPERATION=\(word)\nUSER=3\nUSER_NAME=\nPASSWORD=s3cret"
            )
            daemon.finishActions([outcome])
            #expect(daemon.replies.last?.bytes == [0x1C, 0x47, code])
        }
        #expect(ask(daemon, 6, 0x47, [0x83, 2] + secret) == [0xC7], "20 bytes were announced")
        #expect(ask(daemon, 6, 0x47, [3, 2, 7] + secret.dropFirst()) == [0xCC])
        #expect(ask(daemon, 6, 0x47, [0, 2] + secret) == [0xC9])
        #expect(folder.names() == [])
        #expect(!daemon.lines.contains { $0.text.contains("s3cret") })
    }

    @Test func foreignFileIsLeftAloneAndSaid() throws {
        try Syscalls.makeFolders(folder.path + "/state")
        for text in ["mine\n", "{\"version\":2}", "[]"] {
            try folder.write("state/settings.json", text)
            let daemon = try started()
            #expect(daemon.lines.first?.text.contains("settings.json is not a file of ipmi-settings") == true)
            #expect(ask(daemon, 0x0C, 1, [1, 3, 1, 2, 3, 4]) == [0xFF])
            #expect(ask(daemon, 0x0C, 2, [1, 3, 0, 0]) == [0, 0x11, 0, 0, 0, 0])
            #expect(folder.read("state/settings.json") == text)
        }
    }

    @Test func whatInAFileIsNoLegalValueIsLeftOut() throws {
        try Syscalls.makeFolders(folder.path + "/state")
        try folder.write(
            "state/settings.json",
            #"{"version":1,"lan":{"parameters":{"3":"01020304","6":"ff","x":"00","4":"zz"}},"users":[{"id":99,"name":"a"},"#
                + #"{"id":3,"name":"bob","privilege":"king","access":-1}]}"#)
        let daemon = try started()
        #expect(daemon.lines.isEmpty)
        #expect(ask(daemon, 0x0C, 2, [1, 3, 0, 0]) == [0, 0x11, 1, 2, 3, 4])
        #expect(ask(daemon, 0x0C, 2, [1, 6, 0, 0]) == [0, 0x11, 0, 0, 0, 0])
        #expect(ask(daemon, 6, 0x44, [1, 3]) == [0, 15, 0x80, 0, 0x0F])
        #expect(ask(daemon, 6, 0x46, [3]) == [0] + name("bob"))
    }

    @Test func hostThatWritesWithoutEndIsHeldBack() throws {
        let daemon = try started()
        var refused = 0
        for number in 0..<100 where ask(daemon, 0x0C, 1, [1, 3, 1, 2, 3, UInt8(number)]) == [0xC0] { refused += 1 }
        #expect(refused == 36)
        #expect(daemon.stats["writes_refused"] == 36)
    }

    @Test func whatCannotBeStoredIsRefusedAndHasNotChanged() throws {
        try folder.write("state", "a file where the folder should be")
        let daemon = try started()
        #expect(ask(daemon, 0x0C, 1, [1, 3, 1, 2, 3, 4]) == [0xFF])
        #expect(daemon.lines.last?.text.hasSuffix(": it is left alone, and the host cannot change settings") == true)
    }

    @Test func requestBeforeTheFileWasReadIsAnsweredBehindIt() throws {
        let daemon = try started(load: false)
        #expect(daemon.message(7, [0x30, 2, 1, 3, 0, 0]) == KCS_PENDING)
        #expect(daemon.message(8, [0x18, 1]) == KCS_DECLINED)
        daemon.runWork()
        #expect(daemon.replies.map { $0.token } == [7])
    }

    @Test func optionThatCannotBeIsRefused() {
        for (key, value, text) in [
            ("lan", .object(["address": .string("192.0.2.256")]), "not an IPv4 address"),
            ("lan", .object(["mac": .string("02:00:00:00:00-01")]), "not an Ethernet address"),
            ("users", .list([.object(["id": .integer(16)])]), "there are max_users users at most"),
            (
                "users", .list([.object(["id": .integer(2)]), .object(["id": .integer(2)])]),
                "that user is there twice"
            ),
        ] as [(String, TestValue, String)] {
            let faults = FakeDaemon.check(SettingsHandler.plugin.descriptor, [key: value])
            #expect(faults.map { $0.text } == [text])
        }
    }
}
