// SPDX-License-Identifier: Apache-2.0
import KCS
import LinuxIO
import Simulator
import TestKit
import Testing

extension BusEndToEnd {
    /// `plugins: [{plugin: ipmi-dbus}, {plugin: ipmi-lite}]`: ipmid while it is there, and a controller of our own while not.
    @Suite struct StackTests {
        private let bench = BusBench()
        private let behind = "{plugin: ipmi-lite, options: {device_id: {id: 0x21}}}"
        private let getDeviceID: [UInt8] = [0x06 << 2, 0x01]

        /// The device's number in the answer to Get Device ID: 20 is service.py's.
        private func device(_ result: HostResult) -> UInt8? {
            guard case .success(let bytes) = result, bytes.count > 3, bytes[2] == 0 else { return nil }
            return bytes[3]
        }

        @Test func whatIsBehindServesWhileIPMIDIsAway() throws {
            let daemon = try bench.start(behind: behind)
            var host = try bench.host()
            #expect(device(host.send(getDeviceID)) == 0x21, "there is no bus")
            try bench.startBus()
            #expect(daemon.line("on the bus as", "is away") != nil)
            #expect(device(host.send(getDeviceID)) == 0x21, "there is no ipmid")
            try bench.startService()
            #expect(daemon.line("Ipmi.Host is there") != nil)
            #expect(device(host.send(getDeviceID)) == 0x20)
            bench.killService()
            #expect(daemon.line("Ipmi.Host is away") != nil)
            #expect(device(host.send(getDeviceID)) == 0x21)
            #expect(host.send([0x30 << 2, 1]) == .success([0x31 << 2, 1, 0xD3]), "what ipmi-lite does not know")
            #expect(host.send([0x06 << 2, 0x04]) == .success([0x07 << 2, 0x04, 0, 0x55, 0]), "the self test")
        }

        /// One under which ipmid dies is answered with D3, for it may have been done; asked again, it is served.
        @Test func noRequestIsLostWhenIPMIDComesAndGoes() throws {
            let daemon = try bench.startAll(behind: behind)
            var host = try bench.host()
            var (mine, its, retries) = (0, 0, 0)
            for round in 0..<repetitions(200) {
                for step in 0..<60 {
                    if step == 20 { bench.service?.signal(9) }
                    var result = host.send(getDeviceID)
                    if result == .success([0x07 << 2, 0x01, 0xD3]) {
                        retries += 1
                        result = host.send(getDeviceID)
                    }
                    let found = device(result)
                    #expect(found == 0x20 || found == 0x21, "round \(round), step \(step): \(result)")
                    if found == 0x20 { its += 1 } else { mine += 1 }
                }
                bench.killService()
                try bench.startService()
                #expect(daemon.line("Ipmi.Host is there") != nil)
                #expect(device(host.send(getDeviceID)) == 0x20)
            }
            print("\(its) answered by ipmid, \(mine) by ipmi-lite, \(retries) asked again")
            #expect(its > 0 && mine > 0)
        }
    }
}
