// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO

/// All checks on one device.
public struct Certification {
    /// The device's name.
    public let device: String
    /// In the order of the checks.
    public private(set) var verdicts: [Verdict] = []

    /// Attempts that a check has: a host that is scheduled away at the wrong moment is nobody's fault.
    private static let attempts = 3

    /// Runs them, or `only` those of these names; `tell` gets each verdict when it is known.
    public init(_ device: String, _ host: StrictHost, only: [String] = [], tell: (Verdict) -> Void) {
        self.device = device
        // What does it speak?
        let answers = [[0x18, 0x01] as [UInt8], MCTPChecks.probe].map { request in
            (try? StrictHost(host.ports, timeout: min(host.timeout, 2_000_000_000)).recover(with: request).answer) ?? []
        }
        let packet = answers[1]
        let speaksMCTP = packet.count > 4 && packet[0] == 0xB0 && packet.count == Int(packet[2]) + 4
        // Whoever answers, and not for MCTP, speaks IPMI, right or wrong.
        let speaksIPMI = answers[0].count > 2 && (!speaksMCTP || answers[0][0] == 0x1C && answers[0][2] == 0)
        let bench = Bench(host: host, probe: speaksIPMI || !speaksMCTP ? [0x18, 0x01] : MCTPChecks.probe)
        let isWanted = { (check: Check) in only.isEmpty || only.contains(check.id) }
        for check in TransferChecks.all where isWanted(check) { add(Self.run(check, bench), tell) }
        let isServed = !verdicts.contains { $0.id == "KCS-SERVES" && $0.fault != nil }
        let silent = isServed ? nil : "the BMC serves no host"
        for check in IPMIChecks.all where isWanted(check) {
            add(Self.run(check, bench, unless: silent ?? (speaksIPMI ? nil : "it speaks no IPMI")), tell)
        }
        for check in MCTPChecks.all where isWanted(check) {
            add(Self.run(check, bench, unless: silent ?? (speaksMCTP ? nil : "it speaks no MCTP")), tell)
        }
    }

    private mutating func add(_ verdict: Verdict, _ tell: (Verdict) -> Void) {
        verdicts.append(verdict)
        tell(verdict)
    }

    private static func run(_ check: Check, _ bench: Bench, unless reason: String? = nil) -> Verdict {
        let began = Clock.monotonic
        var fault = reason
        if reason == nil {
            for _ in 0..<attempts {
                do throws(StrictHost.Fault) {
                    try check.body(bench)
                    fault = nil
                    break
                } catch { fault = error.text }
            }
        }
        return Verdict(
            id: check.id, paragraph: check.paragraph, rule: check.rule, fault: fault, isSkipped: reason != nil,
            time: Clock.monotonic - began)
    }

    /// The names of all checks.
    public static let names = (TransferChecks.all + IPMIChecks.all + MCTPChecks.all).map(\.id)

    /// Rules that are broken.
    public var failures: Int { verdicts.filter { $0.fault != nil && !$0.isSkipped }.count }
    /// Rules that were not looked at.
    public var skipped: Int { verdicts.filter(\.isSkipped).count }

    /// A verdict as a line, and what is wrong below it.
    public static func text(_ verdict: Verdict) -> String {
        let word = verdict.isSkipped ? "skip" : verdict.fault == nil ? "ok  " : "FAIL"
        let line = "\(word)  \(verdict.id): \(verdict.rule)"
        guard let fault = verdict.fault else { return line }
        return verdict.isSkipped ? "\(line): \(fault)" : "\(line)\n      \(fault) (\(verdict.paragraph))"
    }

    /// Devices' verdicts as JUnit has them.
    public static func junit(_ all: [Certification]) -> String {
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kcssim certify\">\n"
        for one in all {
            xml +=
                "<testsuite name=\"\(escaped(one.device))\" tests=\"\(one.verdicts.count)\" failures=\"\(one.failures)\""
            xml += " skipped=\"\(one.skipped)\">\n"
            for verdict in one.verdicts {
                let time =
                    "\(verdict.time / 1_000_000_000)." + String(1000 + verdict.time / 1_000_000 % 1000).dropFirst()
                xml += "<testcase classname=\"\(escaped(verdict.paragraph))\" name=\"\(verdict.id)\" time=\"\(time)\""
                guard let fault = verdict.fault else {
                    xml += "/>\n"
                    continue
                }
                let element = verdict.isSkipped ? "skipped" : "failure"
                xml += "><\(element) message=\"\(escaped(fault))\">\(escaped("\(verdict.rule) (\(verdict.paragraph))"))"
                xml += "</\(element)></testcase>\n"
            }
            xml += "</testsuite>\n"
        }
        return xml + "</testsuites>\n"
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case _ where scalar.value < 0x20: result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
