// SPDX-License-Identifier: Apache-2.0
//
// `kcssim certify`: right BMCs pass, and each planted fault fails the check of its rule.
import Conformance
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

@Suite(.serialized) struct CertifyTests {
    private let folder = TestFolder()

    private func verdicts(of fault: Responder.Fault?, only: [String] = []) throws -> [String: Verdict] {
        let device = "\(folder.path)/device"
        // IDR stays until it is read, so that a few lines can be a right BMC.
        _ = try DeviceDirectory.create(device, DeviceSettings(driver: .deferred))
        let responder = try Responder(device, fault)
        defer { responder.end() }
        let host = StrictHost(SimulatedPorts(try SimulatedHost(directory: device)), timeout: 300_000_000)
        let certification = Certification(device, host, only: only) { _ in }
        return Dictionary(uniqueKeysWithValues: certification.verdicts.map { ($0.id, $0) })
    }

    @Test func rightResponderBreaksNoRuleOfTheStateMachine() throws {
        let verdicts = try verdicts(of: nil)
        let broken = verdicts.values.filter { $0.id.hasPrefix("KCS-") && $0.fault != nil }
        #expect(broken.isEmpty, "\(broken)")
        #expect(verdicts["IPMI-DEVICE-ID"]?.fault == nil)
        #expect(verdicts["IPMI-UNKNOWN-COMMAND"]?.fault == nil)
        #expect(verdicts["IPMI-CHASSIS-STATUS"]?.fault == "its completion code is 0xc1")
        #expect(verdicts["MCTP-GET-EID"]?.isSkipped == true)
    }

    @Test(arguments: [
        (Responder.Fault.noDummy, "KCS-READ"), (.requestsNetFn, "IPMI-LUN"), (.abortIgnored, "KCS-ABORT-WRITE"),
        (.oneStatus, "KCS-ABORT-READ"), (.deafInRead, "KCS-RESTART-READ"), (.everythingDone, "IPMI-UNKNOWN-COMMAND"),
        (.stateTooLate, "KCS-WRITE"),
    ])
    func plantedFaultFailsItsRule(fault: Responder.Fault, id: String) throws {
        let verdict = try #require(try verdicts(of: fault, only: [id])[id])
        #expect(verdict.fault != nil && !verdict.isSkipped, "\(verdict)")
        #expect(verdict.paragraph.hasPrefix("IPMI 2.0 §"))
    }

    private func serve(_ plugin: String) throws -> (daemon: Program, device: String) {
        let device = "\(folder.path)/\(plugin)"
        let options = plugin == "mctp" ? ", options: {binding: dsp0254, socket: {name: \"\"}}" : ""
        let configuration = try folder.write(
            "\(plugin).yaml",
            """
            version: 1
            plugin_trust: any
            state_directory: \(folder.path)/state
            control: {socket: \(folder.path)/control.sock}
            channels:
              - {name: one, device: {type: sim, path: \(device)}, plugin: \(plugin)\(options)}
            """)
        let daemon = try Program("\(Tools.products)/kcsmuxd", ["--config", configuration])
        #expect(daemon.line("one: running") != nil, "\(daemon.log)")
        return (daemon, device)
    }

    @Test func daemonIsCertifiedForIPMIAndSaysSoInJUnit() throws {
        let (daemon, device) = try serve("ipmi-lite")
        let junit = "\(folder.path)/r.xml"
        let run = try Program("\(Tools.products)/kcssim", ["certify", device, "--junit", junit])
        #expect(run.wait(within: 240_000) == .exited(0), "\(run.standardOutput())")
        #expect(run.standardOutput().contains(" ok, 0 failed, 8 skipped"))
        let xml = try #require(folder.read("r.xml"))
        #expect(xml.contains("<testcase classname=\"IPMI 2.0 §20.1\" name=\"IPMI-DEVICE-ID\""))
        #expect(xml.contains("failures=\"0\" skipped=\"8\""))
        _ = daemon.isRunning
    }

    @Test func daemonIsCertifiedForMCTP() throws {
        let (daemon, device) = try serve("mctp")
        let run = try Program("\(Tools.products)/kcssim", ["certify", device])
        #expect(run.wait(within: 240_000) == .exited(0), "\(run.standardOutput())")
        #expect(run.standardOutput().contains("ok    MCTP-UNKNOWN: "))
        _ = daemon.isRunning
    }

    @Test func nobodyIsNoBMC() throws {
        let device = "\(folder.path)/alone"
        _ = try DeviceDirectory.create(device)
        let run = try Program("\(Tools.products)/kcssim", ["certify", device, "--timeout", "5ms"])
        #expect(run.wait(within: 240_000) == .exited(1))
        #expect(run.standardOutput().contains("FAIL  KCS-SERVES: a host that retries is served"))
        #expect(try Tools.run("kcssim", ["certify"]).ending == .exited(64))
        #expect(try Tools.run("kcssim", ["certify", "port:nine"]).ending == .exited(64))
    }
}
