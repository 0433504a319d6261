// SPDX-License-Identifier: Apache-2.0
import KCS
import LinuxIO
import Simulator
import TestKit
import Testing

@Suite(.serialized) struct TransferTests {
    /// A request that the handlers decline, of any length, whose answer is short; or one that is answered at length.
    private func request(_ random: inout SplitMix) -> [UInt8] {
        if Bool.random(using: &random) {
            return [[0x18, 0x01], [0x18, 0x37], [0x00, 0x01], [0x28, 0x40]].randomElement(using: &random)!
        }
        let length = Int.random(in: 2...40, using: &random)
        return [0xC0, 0x55] + (2..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    /// Sends requests of 2 to 40 bytes and counts the ones that were not answered, or not rightly.
    private func failures(_ host: inout HostTransfer, _ count: Int) -> [String: Int] {
        var random = SplitMix(seed: 7)
        var failures: [String: Int] = [:]
        for _ in 0..<count {
            let bytes = request(&random)
            switch host.send(bytes) {
            case .success(let response):
                let unknown = bytes[0] == 0xC0
                let right =
                    response.starts(with: [bytes[0] | 4, bytes[1], unknown ? 0xC1 : 0x00])
                    && (response.count > 3) == !unknown
                if !right { failures["\(bytes) was answered with \(response)", default: 0] += 1 }
            case .failure(let reason): failures["\(reason)", default: 0] += 1
            }
        }
        return failures
    }

    private func figures(_ name: String, _ count: Int, _ failed: Int, _ host: HostTransfer, since began: UInt64) {
        let rate = UInt64(count) * 1_000_000_000 / max(1, Clock.monotonic - began)
        print("\(name): \(count) transfers, \(failed) failed, \(host.recoveries) recoveries, \(rate) a second")
    }

    @Test func linuxLosesNoTransferInStrict() throws {
        let daemon = try DaemonProcess()
        try daemon.start()
        var host = try daemon.host(.linux)
        // The first command after an open finds nothing parked: it is begun again.
        guard case .success = host.send([0x18, 0x01]) else { throw HostFailure("the first command was not answered") }
        let before = host.recoveries
        let count = scaled(100_000)
        let began = Clock.monotonic
        let failed = failures(&host, count)
        figures("strict linux", count, failed.values.reduce(0, +), host, since: began)
        #expect(failed.isEmpty)
        // A host that this machine's scheduler stops between its read of ODR and its write has to begin again.
        #expect(host.recoveries - before <= max(1, count / 10_000))
        #expect(daemon.stop() == 0)
    }

    @Test func freeIPMILosesAtMostOneTransferInTenThousandInStrict() throws {
        let daemon = try DaemonProcess()
        try daemon.start()
        var host = try daemon.host(.freeipmi)
        _ = host.send([0x18, 0x01])
        let count = scaled(100_000)
        let began = Clock.monotonic
        let failed = failures(&host, count)
        figures("strict freeipmi", count, failed.values.reduce(0, +), host, since: began)
        // Behind a file server each access of kcsmuxd's takes two switches of processes, and a host that stands still for so
        // long is met more often.
        let tolerated = Devices.areMounted ? count / 50 : max(1, count / 10_000)
        #expect(failed.values.reduce(0, +) <= tolerated, "\(failed)")
        #expect(daemon.stop() == 0)
    }

    @Test(arguments: HostTemperament.allCases) func noTransferFailsOnADriverThatLeavesIDR(
        temperament: HostTemperament
    ) throws {
        let daemon = try DaemonProcess(driver: "deferred", handshake: "fast")
        try daemon.start()
        var host = try daemon.host(temperament)
        // EDK II looks once a millisecond.
        let count = scaled(temperament == .edk2 ? 5_000 : 100_000)
        let began = Clock.monotonic
        let failed = failures(&host, count)
        figures("fast on deferred, \(temperament)", count, failed.values.reduce(0, +), host, since: began)
        #expect(failed.isEmpty)
        #expect(host.recoveries == 0)
        #expect(daemon.stop() == 0)
    }

    /// What Linux's ipmi_si and ipmi_msghandler ask when they find a BMC: no answer makes them warn.
    @Test func linuxProbesWithoutAWarning() throws {
        let daemon = try DaemonProcess()
        try daemon.start()
        var client = IPMIClient(try daemon.host(.linux))
        #expect(client.transfer.host.readStatus() != 0xFF)
        let id = try client.ask(.getDeviceID, atLeast: 15)
        #expect(id[4] & 15 == 2, "IPMI 2.0")
        let enables = try client.ask(.getGlobalEnables, atLeast: 1)[0]
        // It tries whether the receive message interrupt's bit can be set and cleared.
        _ = try client.ask(.setGlobalEnables, [enables & ~1])
        #expect(try client.ask(.getGlobalEnables)[0] == enables & ~1)
        _ = try client.ask(.setGlobalEnables, [enables | 1])
        #expect(try client.ask(.getGlobalEnables)[0] == enables | 1)
        _ = try client.ask(.setGlobalEnables, [enables & ~1])
        _ = try client.ask(.clearMessageFlags, [0x08])
        _ = try client.ask(.setGlobalEnables, [enables & ~1 | 0x04])
        #expect(try client.ask(.getGlobalEnables)[0] == enables & ~1 | 0x04)
        #expect(try client.ask(.getMessageFlags) == [0])
        #expect(try client.send(netFn: 0x06, command: 0x33).code.rawValue == 0x80)
        #expect(try client.send(netFn: 0x06, command: 0x35).code.rawValue == 0x80)
        #expect(try client.ask(.getDeviceGUID).count == 16)
        for channel: UInt8 in 0...15 {
            let (code, info) = try client.send(netFn: 0x06, command: 0x42, [channel])
            #expect(code == .ok ? info.count == 9 : code == .invalidField || code == .parameterOutOfRange)
        }
        #expect(try client.send(netFn: 0x06, command: 0x22).code.rawValue == 0x80, "no watchdog was set")
        _ = try client.ask(.setWatchdog, [0x04, 0x00, 0x00, 0x10, 0x64, 0x00])
        #expect(try client.ask(.getWatchdog).count == 8)
        _ = try client.ask(.resetWatchdog)
        #expect(daemon.stop() == 0)
    }
}
