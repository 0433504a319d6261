// SPDX-License-Identifier: Apache-2.0
import IPMI
import KCS
import LinuxIO
import SimulatedDevice
import Simulator
import Testing

@Suite(.serialized) struct KillTests {
    /// An entry that carries a number, so that it can be found again.
    private func entry(_ number: Int) -> [UInt8] {
        SELRecord(
            generator: 0x0021, revision: 0x04, sensorType: 0x12, sensor: UInt8(number >> 24 & 0xFF), direction: 0x6F,
            data: (UInt8(number >> 16 & 0xFF), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF))
        ).bytes
    }

    private func number(_ record: SELRecord) -> Int {
        Int(record[11]) << 24 | Int(record[13]) << 16 | Int(record[14]) << 8 | Int(record[15])
    }

    /// Every entry of the log, by its number; more than one place for one that was doubled.
    private func listed(_ client: inout IPMIClient) throws -> [Int: [UInt16]] {
        var places: [Int: [UInt16]] = [:]
        let info = try client.ask(.getSELInfo, atLeast: 14)
        if info[1] == 0 && info[2] == 0 { return [:] }
        var next: [UInt8] = [0, 0]
        while next != [0xFF, 0xFF] {
            let answer = try client.ask(.getSELEntry, [0, 0] + next + [0, 0xFF], atLeast: 18)
            let record = try #require(SELRecord(answer, at: 2))
            places[number(record), default: []].append(record.id)
            next = [UInt8](answer[..<2])
        }
        return places
    }

    private func clear(_ client: inout IPMIClient) throws {
        let reservation = try client.ask(.reserveSEL, atLeast: 2)
        _ = try client.ask(.clearSEL, reservation + [0x43, 0x4C, 0x52, 0xAA])
    }

    /// The host streams additions; kcsmuxd dies at any of their steps, or between them, and the host goes on as Linux does.
    @Test func noAcknowledgedEntryIsLostOrDoubledByKills() throws {
        let daemon = try DaemonProcess(options: "{sel: {capacity: 2048}, write_limit: {rate: 0}}")
        try daemon.start()
        var host = try daemon.host(.linux)
        var random = SplitMix(seed: 11)
        var acknowledged: [Int: UInt16] = [:]
        var sent = 0
        let kills = scaled(2000)
        for round in 1...kills {
            // About 130 accesses an addition.
            var budget = Int.random(in: 1...400, using: &random)
            var wasKilled = false
            repeat {
                sent += 1
                var machine = HostMachine(host.configuration, request: [0x28, 0x44] + entry(sent))
                var result = host.run(&machine, accesses: budget)
                if result == nil {
                    daemon.kill()
                    try daemon.start()
                    wasKilled = true
                    result = host.run(&machine, accesses: .max)
                }
                budget -= 130
                if budget <= 0 && !wasKilled { budget = 1 }
                guard case .success(let response)? = result, response.count == 5, response[2] == 0 else { continue }
                acknowledged[sent] = UInt16(response[3]) | UInt16(response[4]) << 8
            } while !wasKilled
            guard acknowledged.count >= 1000 || round == kills else { continue }
            var client = IPMIClient(host)
            let found = try listed(&client)
            for (number, id) in acknowledged { #expect(found[number] == [id], "entry \(number)") }
            for (number, ids) in found { #expect(ids.count == 1, "entry \(number) is there as \(ids)") }
            try clear(&client)
            acknowledged = [:]
        }
        print("\(kills) kills under \(sent) additions, \(host.recoveries) recoveries")
        #expect(daemon.stop() == 0)
    }

    /// Is it the whole response to Get Device ID?
    private func isIdentity(_ result: HostResult) -> Bool {
        guard case .success(let response) = result else { return false }
        return response.starts(with: [0x1C, 0x01, 0x00]) && response.count == 18
    }

    /// Wherever in a transfer kcsmuxd dies, what the host does next works; a host that does not retry asks once more.
    @Test(arguments: [HostTemperament.linux, .freeipmi]) func transferAfterAKillAtAnyStepWorks(
        temperament: HostTemperament
    ) throws {
        let daemon = try DaemonProcess()
        try daemon.start()
        // The ten retries of Linux are enough for a daemon that is late (`SimulationTests`). Where the processor is short the
        // host is late, too, between any two of its accesses, and has more of them.
        var habits = try daemon.host(temperament).configuration
        if temperament == .linux { habits.retries = 100 }
        var host = HostTransfer(try SimulatedHost(directory: daemon.device), habits)
        _ = host.send([0x18, 0x01])
        var step = 0
        var ended = false
        while !ended {
            step += 1
            var machine = HostMachine(host.configuration, request: [0x18, 0x01])
            ended = host.run(&machine, accesses: step) != nil
            daemon.kill()
            try daemon.start()
            // Linux goes on with what it was at; FreeIPMI's user sees it end, and begins anew.
            if !ended && temperament == .linux {
                let recovered = host.run(&machine, accesses: .max)
                guard case .success? = recovered else {
                    Issue.record("killed at step \(step): the transfer under way gave \(String(describing: recovered))")
                    continue
                }
            }
            var result = host.send([0x18, 0x01])
            // The first command after an open is in the windows of the manual.
            if temperament == .freeipmi, !isIdentity(result) { result = host.send([0x18, 0x01]) }
            #expect(isIdentity(result), "killed at step \(step): the next transfer gave \(result)")
        }
        print("\(temperament): killed at each of \(step) steps, \(host.recoveries) recoveries")
        #expect(step > 40)
        #expect(daemon.stop() == 0)
    }
}
