// SPDX-License-Identifier: Apache-2.0
//
// kcsmuxd as its users run it, on a bus of its own: dbus-daemon and what stands for OpenBMC's services, which can be killed and
// started again at any moment.
import CLinux
import LinuxIO
import SimulatedDevice
import Simulator
import TestKit
import Testing

/// A folder with a bus, a device and the daemon.
final class BusBench {
    let folder = TestFolder()
    private let devices = Devices()
    private(set) var bus: Program?
    private(set) var service: Program?
    private(set) var daemon: Program?
    /// Services of the other roles: they live as long as this.
    private var others: [Program] = []

    deinit {
        daemon = nil
        devices.end()
    }

    /// What these tests need, and nothing else does: apt-get install dbus-daemon python3-dbus-next libsystemd0 systemd
    static let isThere =
        Tools.find("dbus-daemon") != nil && Tools.find("busctl") != nil
        && access("/usr/lib/python3/dist-packages/dbus_next", R_OK) == 0

    static var programs: String {
        CurrentProcess.environment("KCSMUX_BIN") ?? Path.parent(of: CurrentProcess.executable ?? "")
    }

    var path: String { folder.path }
    /// Where the bus is.
    lazy var address = "unix:path=\(path)/bus"
    var device: String { "\(path)/kcs" }
    var socket: String { "\(path)/control.sock" }

    // MARK: The bus

    func startBus() throws {
        let file = try folder.write(
            "bus.conf",
            """
            <busconfig><type>custom</type><listen>\(address)</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
            </policy></busconfig>
            """)
        unlink("\(path)/bus")
        let program = try Program(
            try #require(Tools.find("dbus-daemon")), ["--config-file=\(file)", "--nofork", "--print-address=2"])
        bus = program
        _ = try #require(program.line("unix:path="), "\(program.log)")
    }

    func killBus() {
        bus?.signal(SIGKILL)
        bus?.wait()
        bus = nil
    }

    /// Starts one of service.py's roles, and waits until it has its names.
    @discardableResult
    func startService(_ role: String = "ipmi", _ argument: String = "1") throws -> Program {
        let script = "\(CCompiler.root)/Tests/EndToEnd/BusEndToEndTests/Resources/service.py"
        let program = try Program("/usr/bin/python3", [script, address, role, argument])
        if role == "ipmi" { service = program } else { others.append(program) }
        _ = try #require(program.line("ready"), "\(program.log)")
        return program
    }

    func killService() {
        service?.signal(SIGKILL)
        service?.wait()
        service = nil
    }

    /// `busctl`, which is a client of its own. Its output, and whether it succeeded.
    @discardableResult
    func busctl(_ arguments: String...) throws -> (isDone: Bool, output: String) {
        let run = try Program(try #require(Tools.find("busctl")), ["--address=\(address)"] + arguments)
        let output = run.standardOutput()
        return (run.wait() == .exited(0), output + run.log)
    }

    // MARK: kcsmuxd

    /// Starts kcsmuxd on one channel, ipmi-kcs3, and `more`, and waits until they run.
    @discardableResult
    func start(_ options: String = "", behind: String = "", more: String = "") throws -> Program {
        _ = try DeviceDirectory.create(device, DeviceSettings())
        try folder.write(
            "kcsmux.yaml",
            try devices.configuration(
                """
                version: 1
                state_directory: \(path)/state
                plugin_trust: any
                control: {socket: \(socket)}
                capture: {directory: \(path)/captures}
                channels:
                  - name: ipmi-kcs3
                    device: {type: sim, path: \(device)}
                    plugins:
                      - {plugin: ipmi-dbus, options: {address: "\(address)"\(options.isEmpty ? "" : ", " + options)}}
                \(behind.isEmpty ? "" : "      - \(behind)")
                \(more)
                """))
        let program = try Program("\(Self.programs)/kcsmuxd", ["--config", "\(path)/kcsmux.yaml"])
        daemon = program
        #expect(program.line("ipmi-kcs3: running") != nil, "\(program.log)")
        return program
    }

    /// All of it, with the service there.
    @discardableResult
    func startAll(_ options: String = "", behind: String = "", more: String = "") throws -> Program {
        try startBus()
        try startService()
        let daemon = try start(options, behind: behind, more: more)
        #expect(daemon.line("on the bus as", "is there") != nil, "\(daemon.log)")
        return daemon
    }

    /// The host CPU's side, with the habits of Linux.
    func host() throws -> HostTransfer {
        HostTransfer(try SimulatedHost(directory: device), temperament: .linux, timeout: 5_000_000_000)
    }

    /// One request as `kcssim ipmi` sends it: what it printed, and how long it took, in nanoseconds.
    func ask(_ words: String...) throws -> (output: String, time: UInt64) {
        let begun = Clock.monotonic
        let result = try Tools.run("kcssim", ["ipmi", device] + words)
        return (result.output, Clock.monotonic - begun)
    }

    /// A figure of the channel's handler, as the status display has it; nil while there is none.
    func figure(_ name: String) throws -> String? {
        let text = try Tools.run("kcsctl", ["--socket", socket, "status", "ipmi-kcs3", "--json"]).output
        guard let found = text.firstRange(of: "\"\(name)\":") else { return nil }
        return String(text[found.upperBound...].drop { $0 == " " }.prefix { $0 != "," && $0 != "}" && $0 != "\n" })
    }

    /// Waits until a figure has a value.
    func waits(_ name: String, for value: String) throws -> Bool {
        let end = Clock.monotonic + UInt64(Program.patience) * 1_000_000
        while Clock.monotonic < end { if try figure(name) == value { return true } }
        return false
    }
}
