// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLinux
import LinuxIO
import Simulator

/// `kcssim trigger DIR D|R`
struct Trigger: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks the BMC for debug data (D) or a reboot (R).",
        discussion: """
            Writes 0x44 or 0x52 to the data port, and waits until the BMC's driver has taken it. With --wait, also until a \
            new capture is in the folder where kcsmuxd puts them, and prints its path.
            """)

    /// What the host can ask for.
    enum Request: String, ExpressibleByArgument, CaseIterable {
        case debugData = "D"
        case reboot = "R"
    }

    @OptionGroup var device: HostOptions

    @Argument(help: "D: capture debug data. R: reboot.")
    var request: Request

    @Option(help: ArgumentHelp("kcsmuxd's folder of captures; wait for a new one in it.", valueName: "dir"))
    var wait: String?

    func run() throws {
        let access = try device.open()
        let before = wait.map(Self.captures) ?? []
        try access.write(Array(request.rawValue.utf8), command: false)
        try access.waitUntilTaken()
        guard let folder = wait else { return }
        while Clock.monotonic < access.end {
            if let new = Self.captures(folder).subtracting(before).min(), Self.isComplete("\(folder)/\(new)") {
                return say("\(folder)/\(new)")
            }
            _ = CLinux.poll(nil, 0, 10)
        }
        throw HostFailure("no capture came into \(folder)")
    }

    /// Has nobody it open for writing any more? Only then a lease for reading is given.
    private static func isComplete(_ path: String) -> Bool {
        guard let file = try? Syscalls.open(path, O_RDONLY) else { return false }
        let setLease: Int32 = 1024
        return cl_fcntl(file.raw, setLease, F_RDLCK) == 0
    }

    private static func captures(_ folder: String) -> Set<String> {
        Set(((try? Syscalls.list(folder)) ?? []).filter { $0.hasSuffix(".pcapng") })
    }
}
