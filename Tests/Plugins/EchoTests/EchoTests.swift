// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import EchoHandler
import PluginTestSupport
import Testing

@Suite struct EchoTests {
    private func makeEcho(xor: UInt8 = 0) throws -> FakeDaemon {
        let host = try #require(FakeDaemon(EchoHandler.plugin.descriptor, ["xor": .byte(xor)]))
        #expect(host.start() == KCS_INPUT_AUTO)
        return host
    }

    @Test func everyByteComesBackExclusiveOred() throws {
        let host = try makeEcho(xor: 0xA5)
        for value in UInt8.min...UInt8.max {
            #expect(host.write(value))
            #expect(host.read() == value ^ 0xA5)
            #expect(host.read() == nil)
        }
        #expect(host.stats == ["echoed": 256, "delayed": 0, "commands_ignored": 0])
        #expect(host.misuses.isEmpty)
    }

    @Test func answeredByteCostsOneRegisterAccess() throws {
        let host = try makeEcho()
        let before = host.registerCalls
        host.write(1)
        #expect(host.registerCalls - before == 1)
    }

    @Test func unreadAnswerHoldsTheHostCPUBack() throws {
        let host = try makeEcho()
        #expect(host.write(1))
        #expect(host.write(2))
        #expect(host.write(3))
        #expect(host.write(4))
        #expect(!host.write(5), "an answer in ODR, one that waits, a byte in the driver, one in IDR: IBF is set")
        #expect([host.read(), host.read(), host.read(), host.read(), host.read()] == [1, 2, 3, 4, nil])
        #expect(host.stats["delayed"] == 3)
    }

    @Test func randomScheduleLosesAndReordersNothing() throws {
        let host = try makeEcho(xor: 0xFF)
        var random = SeededRandom(seed: 1)
        var sent: [UInt8] = []
        var received: [UInt8] = []
        while received.count < 20_000 {
            if Bool.random(using: &random) {
                let value = UInt8.random(in: 0...255, using: &random)
                let isCommand = Int.random(in: 0..<8, using: &random) == 0
                if host.write(value, command: isCommand) && !isCommand { sent.append(value ^ 0xFF) }
            } else if let value = host.read() {
                received.append(value)
            }
        }
        while let value = host.read() { received.append(value) }
        #expect(received == sent)
        #expect(host.failures.isEmpty)
    }

    @Test func commandBytesAreCountedAndNotAnswered() throws {
        let host = try makeEcho()
        host.write(0x61, command: true)
        host.write(0x42)
        #expect(host.read() == 0x42)
        #expect(host.read() == nil)
        #expect(host.stats == ["echoed": 1, "delayed": 0, "commands_ignored": 1])
    }

    @Test func refusedAnswerFailsTheInstance() throws {
        let host = try makeEcho()
        host.writeStatus = KCS_E_IO
        host.write(1)
        #expect(host.failures.count == 1)
        #expect(host.stats["echoed"] == 0)
    }

    @Test func instancesShareNothing() throws {
        let first = try makeEcho(xor: 1)
        let second = try makeEcho(xor: 2)
        first.write(0)
        second.write(0)
        #expect(first.read() == 1)
        #expect(second.read() == 2)
        #expect(first.stats["echoed"] == 1)
    }
}
