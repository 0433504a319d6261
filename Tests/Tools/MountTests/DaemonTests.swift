// SPDX-License-Identifier: Apache-2.0
//
// kcsmuxd as it is installed, on simulated devices and on mounted files: the same things happen.
import CLinux
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

/// Where a channel of a test stands.
enum Stand: String, CaseIterable, Sendable {
    case simulated = "sim"
    case mounted = "raw-kcs"

    static var possible: [Stand] { mountObstacle == nil ? allCases : [.simulated] }
}

/// Devices of either kind, and kcsmuxd on them.
final class Bench {
    private let folder = TemporaryFolder()
    private let process = Process()
    private let mount: Mount?
    private let stand: Stand
    private var isStarted = false

    init(_ stand: Stand, channels: Int = 1, spurious: Int = 0) throws {
        self.stand = stand
        mount = stand == .mounted ? try Mount(channels: channels, "--spurious", "\(spurious)", "--seed", "1") : nil
    }

    deinit { if isStarted { stop() } }

    func host(_ channel: Int = 1) throws -> SimulatedHost {
        try mount?.host(channel) ?? SimulatedHost(directory: "\(folder.path)/kcs\(channel)")
    }

    func path(_ channel: Int = 1, _ kind: String = "raw-kcs") -> String {
        mount?.node(kind, channel) ?? "\(folder.path)/kcs\(channel)"
    }

    var identifier: Int32 { process.processIdentifier }

    /// Starts kcsmuxd; each channel is the lines below its name and device.
    func start(_ channels: [String], type: String? = nil, prefix: String = "raw-kcs") throws {
        var text = """
            version: 1
            plugin_trust: any
            state_directory: \(folder.path)/state
            control: {socket: \(folder.path)/control, mode: 0600}
            capture: {directory: \(folder.path)/capture}
            sysrq_path: \(folder.path)/sysrq
            channels:

            """
        for (index, lines) in channels.enumerated() {
            text += "  - name: c\(index + 1)\n"
            text += "    device: {type: \(type ?? stand.rawValue), path: \(path(index + 1, prefix)), wait: 1h}\n"
            text += lines.split(separator: "\n").map { "    \($0)\n" }.joined()
        }
        try text.write(toFile: folder.path + "/kcsmux.yaml", atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: folder.path + "/log", contents: nil)
        process.executableURL = URL(fileURLWithPath: builtProgram("kcsmuxd"))
        process.arguments = ["--config", folder.path + "/kcsmux.yaml", "--log-level", "debug"]
        process.standardError = FileHandle(forWritingAtPath: folder.path + "/log")
        try process.run()
        isStarted = true
    }

    var log: String { (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? "" }

    func waitForLog(_ text: String) -> Bool { eventually { log.contains(text) } }

    /// Times that a text stands in the log.
    func count(_ text: String) -> Int { log.components(separatedBy: text).count - 1 }

    /// Asks it to stop; its exit status.
    @discardableResult
    func stop() -> Int32 {
        if process.isRunning { process.terminate() }
        if !eventually({ !process.isRunning }) {
            Issue.record("kcsmuxd does not stop: \(log.suffix(2000))")
            kill(process.processIdentifier, SIGKILL)
        }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Time passes, and nobody touches a device: a host that waits rings for what lies unread. Ends early if kcsmuxd does.
    func letPass(seconds: UInt64) {
        let descriptor = cl_process_descriptor(identifier)
        defer { close(descriptor) }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, Int32(seconds * 1000)) == 0, "kcsmuxd ended, or cannot be watched")
    }

    /// Processor time used so far, in clock ticks.
    var ticks: Int {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .ascii)) ?? ""
        let fields = text.components(separatedBy: ") ").last?.split(separator: " ") ?? []
        return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : -1
    }
}

@Suite(.serialized) struct DaemonTests {
    @Test(onMountedFiles) func mountedFilesAreAmongTheDevices() { #expect(Stand.possible.contains(.mounted)) }

    @Test(arguments: Stand.possible) func echoAnswersEveryByte(stand: Stand) throws {
        let bench = try Bench(stand)
        try bench.start(["plugin: echo"])
        #expect(bench.waitForLog("c1: running"))
        let host = try bench.host()
        for index in 0..<repetitions(100_000) {
            let byte = UInt8(truncatingIfNeeded: index)
            guard host.send(byte, deadline: patience), host.receive(deadline: patience) == byte else {
                Issue.record("byte \(index) was not answered")
                break
            }
        }
        #expect(bench.stop() == 0)
        #expect(bench.count("failed") == 0)
    }

    @Test(arguments: Stand.possible) func debugTriggerFiresOnceForEachRequest(stand: Stand) throws {
        let bench = try Bench(stand)
        try bench.start(["plugin: debug-trigger\noptions: {cooldown: 1h, actions: {D: [{log: \"fired\"}]}}"])
        #expect(bench.waitForLog("c1: running"))
        let host = try bench.host()
        for _ in 0..<3 { #expect(host.send(0x44, deadline: patience)) }
        #expect(bench.waitForLog("refused, cooldown"))
        #expect(bench.stop() == 0)
        #expect(bench.count("notice c1: fired") == 1)
    }

    @Test(arguments: Stand.possible) func bytesFromBeforeTheStartAreThrownAway(stand: Stand) throws {
        let bench = try Bench(stand)
        let host = try bench.host()
        let idle = ["plugin: debug-trigger\noptions: {actions: {D: [{log: \"fired\"}]}}"]
        if stand == .mounted { _ = CLinux.close(cl_open(bench.path(), O_RDWR | O_CLOEXEC, 0)) }
        #expect(eventually { !host.state.isOpen })
        host.write(0x44)
        try bench.start(idle)
        #expect(bench.waitForLog("1 stale bytes thrown away"))
        #expect(host.send(0x44, deadline: patience))
        #expect(bench.waitForLog("trigger 'D'"))
        #expect(bench.stop() == 0)
        #expect(bench.count("notice c1: fired") == 1)
    }

    @Test(arguments: Stand.possible) func messagesAreAnsweredAndStopLeavesERROR(stand: Stand) throws {
        let bench = try Bench(stand)
        try bench.start(["plugin: ipmi-lite\ntransfer: {handshake: strict}"])
        #expect(bench.waitForLog("c1: running"))
        let registers = try bench.host()
        // A host that finds no IDLE recovers through GET_STATUS/ABORT, as Linux does.
        let response = exchange(registers, [0x18, 0x01])
        #expect(response?.starts(with: [0x1C, 0x01, 0x00]) == true)
        #expect(bench.stop() == 0)
        #expect(registers.readStatus() & 0xC1 == 0xC0)
    }

    /// Tries again after an abort, as hosts do.
    private func exchange(_ registers: SimulatedHost, _ request: [UInt8]) -> [UInt8]? {
        let host = HostTransfer(registers)
        for _ in 0..<10 {
            if host.send(request), let response = host.receive() { return response }
            _ = host.abort()
        }
        return nil
    }

    @Test(onMountedFiles, arguments: ["raw-kcs", "ipmi-kcs"]) func ownerOfABusyNodeIsNamedAndNotDisturbed(
        held: String
    ) throws {
        let bench = try Bench(.mounted)
        let descriptor = cl_open(bench.path(1, held), O_RDWR | O_CLOEXEC, 0)
        #expect(descriptor >= 0)
        try bench.start(["plugin: echo"])
        let owner = "is held by process \(CurrentProcess.identifier) ("
        #expect(bench.waitForLog(owner))
        // Not the kernel's word: the node was never opened to find out.
        #expect(!bench.log.contains("as the kernel said"))
        if held != "raw-kcs" { #expect(bench.log.contains("which has \(bench.path(1, held)) open")) }
        _ = CLinux.close(descriptor)
        #expect(bench.waitForLog("c1: running"))
    }

    @Test(onMountedFiles) func nodeIsOpenedOnceAndKeptForTheLifeOfTheChannel() throws {
        let bench = try Bench(.mounted)
        try bench.start(["plugin: echo"])
        #expect(bench.waitForLog("c1: running"))
        let host = try bench.host()
        let opens = openCount(bench.registers)
        for byte: UInt8 in 0..<100 {
            #expect(host.send(byte, deadline: patience))
            #expect(host.receive(deadline: patience) == byte)
        }
        #expect(openCount(bench.registers) == opens)
        #expect(opens == 1)
    }

    private func openCount(_ path: String) -> UInt8? {
        // The uppermost bits of the state word count opens.
        guard let data = FileManager.default.contents(atPath: path), data.count > 70 else { return nil }
        return data[data.startIndex + 70]
    }

    @Test(onMountedFiles) func callThatSleepsAfterSpuriousReadinessIsInterruptedAndTheChannelStartsAgain() throws {
        let bench = try Bench(.mounted, channels: 2, spurious: 20)
        let lines = "plugin: echo\nrestart: {backoff: 10ms, backoff_max: 20ms}"
        try bench.start([lines, lines])
        #expect(bench.waitForLog("c2: running"))
        let hosts = [try bench.host(1), try bench.host(2)]
        var value: UInt8 = 0
        /// A byte that comes back; what a restart threw away is sent again.
        func isAnswered(_ host: SimulatedHost) -> Bool {
            value &+= 1
            return eventually {
                let limit = Clock.monotonic + 50_000_000
                _ = host.send(value, deadline: limit)
                while let answer = host.receive(deadline: limit) { if answer == value { return true } }
                return false
            }
        }
        let interruption = "Interrupted system call (the call slept although the device had reported readiness)"
        let isSeen = eventually { hosts.allSatisfy(isAnswered) && bench.count(interruption) > 2 }
        #expect(isSeen, "\(bench.log.suffix(2000))")
        #expect(bench.count("starting again in") > 2)
        #expect(hosts.allSatisfy(isAnswered))
        #expect(bench.stop() == 0, "nothing hung: \(bench.log.suffix(2000))")
    }

    @Test(onMountedFiles) func stoppingIsNotHeldUpByReadinessWithNothingBehindIt() throws {
        for round in 0..<12 {
            let bench = try Bench(.mounted, spurious: 400)
            try bench.start(["plugin: echo\nrestart: {backoff: 10ms, backoff_max: 20ms}"])
            #expect(bench.waitForLog("c1: running"))
            let host = try bench.host()
            for byte in 0...UInt8(round) { _ = host.send(byte, deadline: Clock.monotonic + 20_000_000) }
            #expect(bench.stop() == 0)
        }
    }

    @Test(onMountedFiles) func vanishedDeviceIsEPOLLHUPAndOpenedAgainWhenItIsBack() throws {
        let bench = try Bench(.mounted)
        try bench.start(["plugin: echo\nrestart: {backoff: 10ms, backoff_max: 20ms}"])
        #expect(bench.waitForLog("c1: running"))
        let host = try bench.host()
        host.vanish()
        #expect(bench.waitForLog("failed, starting again in 10ms"))
        #expect(bench.waitForLog("waiting: device"))
        host.comeBack()
        #expect(eventually { bench.count("c1: running") == 2 })
        #expect(host.send(0x21, deadline: patience))
        #expect(host.receive(deadline: patience) == 0x21)
        #expect(bench.stop() == 0)
    }

    @Test(onMountedFiles) func idleChannelsUseNoProcessor() throws {
        let bench = try Bench(.mounted, channels: 16)
        try bench.start([String](repeating: "plugin: echo", count: 16))
        #expect(bench.waitForLog("c16: running"))
        // Two seconds are 200 ticks of one processor: 0.5 % is one of them.
        let before = bench.ticks
        bench.letPass(seconds: 2)
        #expect(bench.ticks - before <= 1)
    }

    /// With KCSMUX_LONG=1 for 20 seconds, after the channels have come to rest.
    @Test(onMountedFiles) func idleStrictChannelsUseHalfAPercentOfAProcessor() throws {
        let bench = try Bench(.mounted, channels: 16)
        try bench.start([String](repeating: "plugin: ipmi-lite\ntransfer: {handshake: strict}", count: 16))
        #expect(bench.waitForLog("c16: running"))
        for channel in 1...16 {
            // After a transfer a byte stays unread, and STR has to be looked at.
            let answer = try exchange(bench.host(channel), [0x18, 0x01])
            #expect(answer?.count ?? 0 > 3, "channel \(channel)")
        }
        bench.letPass(seconds: 9)
        let seconds: UInt64 = repetitions(100) == 100 ? 20 : 3
        let before = bench.ticks
        bench.letPass(seconds: seconds)
        let ticks = bench.ticks - before
        print("16 idle strict channels: \(ticks) ticks of 10 ms in \(seconds) s")
        // A tick is 10 ms; one more, because it goes to whoever runs when it ends.
        #expect(UInt64(ticks) <= seconds / 2 + 1)
    }

    @Test(onMountedFiles) func serioChannelRunsDebugTrigger() throws {
        let bench = try Bench(.mounted)
        try bench.start(
            ["plugin: debug-trigger\noptions: {cooldown: 1h, actions: {D: [{log: \"fired\"}]}}"], type: "serio-raw",
            prefix: "serio_raw")
        #expect(bench.waitForLog("c1: running: serio-raw"))
        let host = try bench.host()
        #expect(host.send(0x44, deadline: patience))
        #expect(bench.waitForLog("trigger 'D'"))
        #expect(bench.stop() == 0)
        #expect(bench.count("notice c1: fired") == 1)
    }

    @Test(arguments: [
        ("serio-raw", "echo", "it needs data out"), ("serio-raw", "ipmi-lite", "it needs messages"),
        ("ipmi-kcs", "debug-trigger", "it needs data in"),
    ])
    func handlerThatItsDeviceCannotServeIsRefused(type: String, plugin: String, reason: String) throws {
        let bench = try Bench(.simulated)
        try bench.start(["plugin: \(plugin)"], type: type)
        #expect(bench.waitForLog(reason))
        #expect(bench.log.contains("\(type) \(bench.path()) does not give"))
        #expect(bench.stop() == 0)
    }

    @Test(onMountedFiles) func kernelsTransferServesTheSameHandler() throws {
        let bench = try Bench(.mounted)
        try bench.start(["plugin: ipmi-lite"], type: "ipmi-kcs", prefix: "ipmi-kcs")
        #expect(bench.waitForLog("c1: running: ipmi-kcs"))
        let registers = try bench.host()
        let host = HostTransfer(registers)
        for _ in 0..<repetitions(1000) {
            #expect(host.send([0x18, 0x01]))
            #expect(host.receive()?.starts(with: [0x1C, 0x01, 0x00]) == true)
        }
        // One that no handler knows.
        #expect(host.send([0xB8, 0x77]))
        #expect(host.receive() == [0xBC, 0x77, 0xC1])
        // One that the host gives up.
        #expect(host.send([0x18, 0x01]))
        _ = host.abort()
        #expect(exchange(registers, [0x18, 0x01])?.count ?? 0 > 3)
        #expect(bench.stop() == 0)
        #expect(registers.readStatus() & 0xC0 == 0xC0)
    }
}

extension Bench {
    /// The registers of channel 1.
    var registers: String { (mount?.device() ?? "\(folder.path)/kcs1") + "/registers" }
}
