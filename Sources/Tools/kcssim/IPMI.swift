// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import IPMI
import KCS
import LinuxIO
import Simulator

/// `kcssim ipmi DIR NETFN CMD [BYTE…]` and `kcssim ipmi DIR REPORT`
struct IPMICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ipmi",
        abstract: "Sends an IPMI request over a KCS transfer, or asks for a report.",
        discussion: """
            NETFN and CMD begin a raw request, whose completion code and data are printed. A report asks all that it \
            needs: mc-info, sel-list, sdr-list, fru-print, chassis-status.
            """)

    @OptionGroup var device: HostOptions

    @Argument(help: ArgumentHelp("NETFN CMD and data bytes, or a report's name.", valueName: "word"))
    var words: [String]

    @Option(
        help: ArgumentHelp(
            "Whose habits the host has: linux retries, freeipmi tries once, edk2 polls slowly, manageability (a "
                + "part of EDK II) does both and wants IDLE first. (default: linux)",
            valueName: "linux|freeipmi|edk2|manageability"),
        transform: usage(CommandWord.temperament))
    var temperament = HostTemperament.linux

    @Option(help: "How many times to send the request, one after the other.")
    var count: Int?

    private var report: IPMIReport? { words.count == 1 ? IPMIReport(rawValue: words[0]) : nil }

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count \(count): at least 1") }
        if report != nil {
            if count != nil { throw ValidationError("--count is for raw requests") }
            return
        }
        guard words.count >= 2 else {
            let names = IPMIReport.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(words[0])' is not a report: one of \(names)")
        }
        _ = try request()
    }

    private func request() throws -> [UInt8] {
        let bytes = try words.map(usage(CommandWord.byte))
        guard bytes[0] <= 0x3E, bytes[0] & 1 == 0 else {
            throw ValidationError("'\(words[0])' is not a request's network function: even, at most 0x3e")
        }
        return bytes
    }

    func run() throws {
        let access = try device.open(isRepeated: count != nil)
        var transfer = HostTransfer(access.host, temperament: temperament, timeout: access.timeout)
        transfer.end = access.end
        var client = IPMIClient(transfer)
        if let report {
            for line in try report.lines(&client) { say(line) }
            return
        }
        let bytes = try request()
        if let count { return try repeatRequest(&client, bytes, count) }
        let (code, data) = try client.send(netFn: bytes[0], command: bytes[1], [UInt8](bytes[2...]))
        say(code.text)
        if !data.isEmpty { say(Hex.numbers(data)) }
        guard code == .ok else { throw HostFailure(code.text) }
    }

    private func repeatRequest(_ client: inout IPMIClient, _ bytes: [UInt8], _ count: Int) throws {
        var (answered, refused) = (0, 0)
        var reasons: [String: Int] = [:]
        let began = Clock.monotonic
        for _ in 0..<count {
            do {
                let (code, _) = try client.send(netFn: bytes[0], command: bytes[1], [UInt8](bytes[2...]))
                answered += 1
                if code == .ok { continue }
                refused += 1
                reasons[code.text, default: 0] += 1
            } catch { reasons[error.description, default: 0] += 1 }
            // Not one more of them can be sent.
            if Clock.monotonic >= client.transfer.end { break }
        }
        let took = max(1, Clock.monotonic - began)
        let rate = UInt64(answered) * 1_000_000_000 / took
        let refusals = refused > 0 ? "\(refused) of them refused, " : ""
        say(
            "\(answered) answered, \(refusals)\(count - answered) failed, \(rate) a second, "
                + "\(client.transfer.recoveries) recoveries")
        for (reason, number) in reasons.sorted(by: { $0.value > $1.value }) { say("\(number) times: \(reason)") }
        if answered < count || refused > 0 { throw ExitCode.failure }
    }
}
