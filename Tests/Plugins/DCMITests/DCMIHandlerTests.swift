// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import DCMIHandler
import LinuxIO
import PluginTestSupport
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct DCMIHandlerTests {
    private let folder = TestFolder()

    private func started(_ options: [String: TestValue] = [:], load: Bool = true) throws -> FakeDaemon {
        let daemon = try #require(FakeDaemon(DCMIHandler.plugin.descriptor, options))
        daemon.capabilities = UInt32(KCS_CAP_MESSAGES)
        daemon.stateFolder = folder.path + "/state"
        #expect(daemon.start() == KCS_INPUT_MESSAGES)
        if load { daemon.runWork() }
        return daemon
    }

    /// The answer to a command, from its completion code on; the worker runs.
    private func ask(_ daemon: FakeDaemon, _ command: UInt8, _ data: [UInt8]) -> [UInt8]? {
        let count = daemon.replies.count
        _ = daemon.message(UInt64(count), [0x2C << 2, command, 0xDC] + data)
        daemon.runWork()
        return daemon.replies.count > count ? [UInt8](daemon.replies[count].bytes[2...]) : nil
    }

    @Test func textsAreOnStorageWhenTheAnswerLeavesAndSurvive() throws {
        var daemon = try started(["asset_tag": .string("none yet"), "mc_id": .string("bmc")])
        #expect(ask(daemon, 0x06, [0, 16]) == [0, 0xDC, 8] + Array("none yet".utf8))
        #expect(ask(daemon, 0x09, [0, 16]) == [0, 0xDC, 3] + Array("bmc".utf8))
        #expect(daemon.message(77, [0x2C << 2, 0x08, 0xDC, 0, 3] + Array("T-1".utf8)) == KCS_PENDING)
        #expect(daemon.replies.last?.token != 77)
        daemon.runWork()
        #expect(daemon.replies.last?.token == 77 && daemon.replies.last?.bytes == [0xB4, 8, 0, 0xDC, 3])
        #expect(folder.read("state/asset-tag") == "T-1")
        #expect(ask(daemon, 0x0A, [0, 2, 0x58, 0]) == [0, 0xDC, 2])
        daemon.stop()
        daemon.destroy()
        daemon = try started(["asset_tag": .string("none yet")])
        #expect(ask(daemon, 0x06, [0, 16]) == [0, 0xDC, 3] + Array("T-1".utf8))
        #expect(ask(daemon, 0x09, [0, 16]) == [0, 0xDC, 1, 0x58])
    }

    @Test func theIdentifierIsTheHostNameUnlessOneIsGiven() throws {
        let name = try Syscalls.readFile("/proc/sys/kernel/hostname", limit: 256).dropLast()
        let daemon = try started()
        #expect(ask(daemon, 0x09, [0, 16]) == [0, 0xDC, UInt8(name.count)] + name.prefix(16))
    }

    @Test func whatCannotBeStoredIsRefusedSaidAndHasNotChanged() throws {
        try Syscalls.makeFolders(folder.path + "/state/asset-tag")
        let daemon = try started(["asset_tag": .string("old")])
        #expect(daemon.lines.count == 1 && daemon.lines[0].text.contains("asset-tag"))
        #expect(ask(daemon, 0x08, [0, 1, 0x41]) == [0xFF])
        #expect(daemon.lines.last?.text.hasSuffix(": the change was refused") == true)
        #expect(ask(daemon, 0x06, [0, 16]) == [0, 0xDC, 3] + Array("old".utf8))
        #expect(daemon.stats["store_failures"] == 1)
        daemon.workStatus = KCS_E_LIMIT
        #expect(ask(daemon, 0x08, [0, 1, 0x41]) == [0xFF])
    }

    @Test func aRequestThatComesBeforeTheFilesWereReadIsAnsweredThen() throws {
        let daemon = try started(load: false)
        #expect(daemon.message(1, [0x2C << 2, 0x06, 0xDC, 0, 0]) == KCS_PENDING)
        #expect(daemon.message(2, [0x06 << 2, 0x01]) == KCS_DECLINED)
        daemon.runWork()
        #expect(daemon.replies.map(\.token) == [1] && daemon.replies[0].bytes == [0xB4, 6, 0, 0xDC, 0])
        let other = try started(load: false)
        #expect(other.message(3, [0x2C << 2, 0x55, 0xDC]) == KCS_PENDING)
        other.runWork()
        #expect(other.replies.map(\.bytes) == [[0xB4, 0x55, 0xC1]])
    }

    @Test func powerAndTemperaturesAreReadFromFilesAndGoWithThem() throws {
        _ = try folder.write("power", "250000000\n")
        _ = try folder.write("inlet", "23600\n")
        let daemon = try started([
            "power": .object(["file": .path(folder.path + "/power")]),
            "temperatures": .list([
                .object(["entity": .enumeration("inlet"), "file": .path(folder.path + "/inlet")]),
                .object(["entity": .enumeration("processor"), "file": .path(folder.path + "/none")]),
            ]),
        ])
        while daemon.stats["watts"] == nil || daemon.lines.isEmpty { #expect(daemon.awaitPost()) }
        #expect(ask(daemon, 0x02, [1, 0, 0])?[2...3] == [250, 0] && daemon.stats["watts"] == 250)
        #expect(ask(daemon, 0x10, [1, 0x40, 0, 0]) == [0, 0xDC, 1, 1, 24, 1])
        #expect(ask(daemon, 0x10, [1, 0x41, 0, 0]) == [0, 0xDC, 1, 0])
        let none = "\(folder.path)/none: the sensor's file gives no number, the reading is unavailable"
        #expect(daemon.lines.map(\.text) == [none])
        _ = try folder.write("power", "x")
        daemon.advance(1_000_000_000)
        while daemon.stats["watts"] != nil { #expect(daemon.awaitPost()) }
        #expect(ask(daemon, 0x02, [1, 0, 0])?.last == 0 && daemon.stats["watts"] == nil)
        daemon.stop()
    }
}
