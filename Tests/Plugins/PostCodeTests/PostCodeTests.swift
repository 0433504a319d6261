// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import PluginTestSupport
import PostCodeHandler
import TestKit
import Testing

@Suite struct PostCodeHistoryTests {
    private typealias Code = PostCodeHistory.Code

    @Test func theLatestCodesOfTwoBootsAreKept() {
        var history = PostCodeHistory(limit: 3)
        history.beginBoot()
        for value in 1...4 as ClosedRange<UInt8> { history.add(Code(value, time: 0)) }
        #expect(history.latest.map { $0.value } == [2, 3, 4] && history.previous.isEmpty)
        history.beginBoot()
        history.beginBoot()
        history.add(Code(9, time: 0))
        #expect(history.latest.map { $0.value } == [9] && history.previous.map { $0.value } == [2, 3, 4])
    }

    @Test func itsFileReadsAsItWasWritten() {
        var history = PostCodeHistory(limit: 10)
        history.add(Code(0x3F, time: 1_764_295_200_000_005_000))
        history.beginBoot()
        history.add(Code(0x00, time: 1_764_295_201_123_456_000))
        #expect(history.text == "format 1\nboot\n1764295200.000005 0x3f\nboot\n1764295201.123456 0x00\n")
        #expect(PostCodeHistory(limit: 10, text: Array(history.text.utf8)) == history)
    }

    @Test func linesThatAreNoCodesAreLeftOut() {
        let text =
            "x\n1.000000 0x1\n1.00 0x11\n1.000000 0xGG\n99999999999.000000 0x11\nboot\n1.000000 0x22\n\n1.000000 0x3"
        #expect(PostCodeHistory(limit: 10, text: Array(text.utf8)).latest == [Code(0x22, time: 1_000_000_000)])
    }

    @Test func whatCameWhileTheFileWasReadIsTheEnd() {
        var earlier = PostCodeHistory(limit: 3)
        for value in 1...3 as ClosedRange<UInt8> { earlier.add(Code(value, time: 0)) }
        var history = PostCodeHistory(limit: 3)
        history.add(Code(4, time: 0))
        history.prepend(earlier)
        #expect(history.latest.map { $0.value } == [2, 3, 4])
    }
}

@Suite struct PostCodeHandlerTests {
    private let folder = TestFolder()

    private func started(_ options: [String: TestValue] = [:]) throws -> FakeDaemon {
        let daemon = try #require(FakeDaemon(PostCodeHandler.plugin.descriptor, options))
        daemon.stateFolder = folder.path
        #expect(daemon.start() == KCS_INPUT_AUTO)
        daemon.runWork()
        return daemon
    }

    @Test func everyCodeIsLoggedCountedAndShown() throws {
        let daemon = try started()
        for code in [0x01, 0x3F, 0xFF] as [UInt8] { daemon.write(code) }
        daemon.write(0x10, command: true)
        #expect(daemon.lines.map(\.text) == ["post code 0x01", "post code 0x3f", "post code 0xff"])
        #expect(daemon.stats == ["codes": 3, "boots": 0, "command_bytes_ignored": 1])
        #expect(daemon.statsTexts == ["last_boot": "0x01 0x3f 0xff", "boot_before": "no code"])
        daemon.reset()
        daemon.write(0x02)
        #expect(daemon.statsTexts == ["last_boot": "0x02", "boot_before": "0x01 0x3f 0xff"])
    }

    @Test func logsNothingIfToldSo() throws {
        let daemon = try started(["log": .bool(false)])
        daemon.write(1)
        #expect(daemon.lines.isEmpty && daemon.stats["codes"] == 1)
    }

    @Test func codesSurviveAndAreSavedOnceForMany() throws {
        let daemon = try started(["log": .bool(false)])
        for code in 0...99 as ClosedRange<UInt8> { daemon.write(code) }
        #expect(folder.read("post-codes") == nil)
        daemon.advance(1_000_000_000)
        #expect(daemon.runWork() == 1)
        #expect(folder.names() == ["post-codes"], "nothing is left beside it")
        daemon.reset()
        daemon.write(0xAA)
        daemon.stop()
        #expect(daemon.runWork() == 1)
        let next = try started(["log": .bool(false), "keep": .integer(2)])
        #expect(next.statsTexts == ["last_boot": "0xaa", "boot_before": "0x62 0x63"])
        #expect(next.stats["codes"] == 0, "it counts its own")
    }

    @Test func filesOfBeforeTheyNamedTheirFormatAreRead() throws {
        try folder.write("post-codes", "boot\n1764295200.000005 0x3f\n")
        #expect(try started(["log": .bool(false)]).statsTexts["last_boot"] == "0x3f")
    }

    @Test func aNewerVersionsFileIsNamedAndLeftAlone() throws {
        let text = "format 2\nwhatever: that is\n"
        try folder.write("post-codes", text)
        let daemon = try started(["log": .bool(false)])
        let rule = "has format 2, which a newer version wrote; this one knows 1"
        #expect(daemon.lines.contains { $0.text.contains(rule) }, "\(daemon.lines)")
        daemon.write(0x01)
        daemon.advance(1_000_000_000)
        daemon.stop()
        _ = daemon.runWork()
        #expect(folder.read("post-codes") == text)
        #expect(folder.names() == ["post-codes"])
    }

    @Test func longListsShowTheirEnd() throws {
        let daemon = try started(["log": .bool(false)])
        for code in 0...99 as ClosedRange<UInt8> { daemon.write(code) }
        let shown = try #require(daemon.statsTexts["last_boot"])
        #expect(shown.hasPrefix("… 0x4c ") && shown.hasSuffix(" 0x63"))
    }

    @Test func fileThatCannotBeWrittenIsReportedOnce() throws {
        try folder.write("file", "")
        let daemon = try started(["log": .bool(false), "path": .path("\(folder.path)/file/codes")])
        let before = daemon.lines.count
        for _ in 0..<3 {
            daemon.write(1)
            daemon.advance(1_000_000_000)
            daemon.runWork()
        }
        #expect(daemon.lines.count == before + 1)
        #expect(daemon.lines.last?.text.hasPrefix("post codes are not saved: ") == true)
        #expect(daemon.stats["codes"] == 3)
    }

    @Test func fullWorkersQueueLosesNoCode() throws {
        let daemon = try started()
        daemon.workStatus = KCS_E_LIMIT
        daemon.write(7)
        daemon.advance(1_000_000_000)
        #expect(daemon.lines.last?.text == "post codes are not saved: the worker's queue is full")
        daemon.workStatus = nil
        daemon.write(8)
        daemon.stop()
        daemon.runWork()
        #expect(folder.read("post-codes")?.split(separator: "\n").count == 4)
    }
}
