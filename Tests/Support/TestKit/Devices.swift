// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice

/// The devices of a configuration as it was written, or, with KCSMUX_DEVICES=mounted, files in their place that behave as the
/// kernel's nodes do: each device of type `sim` becomes one of type `raw-kcs`, served by a `kcssim mount` of its own on the
/// same registers. The host's side stays where it was.
public final class Devices {
    /// Are nodes taken where simulated devices stand?
    public static let areMounted = CurrentProcess.environment("KCSMUX_DEVICES") == "mounted"

    private var mounts: [String: Program] = [:]
    private let kcssim: String

    /// No devices yet.
    public init() { kcssim = Path.parent(of: CurrentProcess.executable ?? "") + "/kcssim" }

    deinit { end() }

    /// Unmounts what was mounted; kcsmuxd is gone by then.
    public func end() {
        for mount in mounts.values { mount.signal(SIGTERM) }
        for mount in mounts.values { mount.wait() }
        mounts = [:]
    }

    /// The configuration that kcsmuxd is to have.
    public func configuration(_ text: String) throws -> String {
        guard Devices.areMounted else { return text }
        var result = ""
        var rest = text[...]
        let mark = "type: sim, path: "
        while let found = rest.firstRange(of: mark) {
            let path = rest[found.upperBound...].prefix { $0 != "," && $0 != "}" }
            result += rest[..<found.lowerBound]
            let node = try self.node(insteadOf: String(path))
            result += "type: raw-kcs, path: \(node)"
            let size = try DeviceDirectory.settings(of: String(path))?.windowSize ?? 0
            if size > 0 { result += ", window: {type: memory, path: \(path)/window, offset: 0, size: \(size)}" }
            rest = rest[path.endIndex...]
        }
        return result + rest
    }

    /// The node of a simulated device, which is made if there is none.
    private func node(insteadOf path: String) throws -> String {
        let mountpoint = path + ".nodes"
        let node = mountpoint + "/raw-kcs1"
        if mounts[path] != nil { return node }
        let settings = try DeviceDirectory.settings(of: path) ?? DeviceSettings()
        // The server keeps its devices in a folder of its own; a device that is there moves into it.
        let devices = path + ".devices"
        try Syscalls.makeFolders(devices)
        guard rename(path, devices + "/kcs1") == 0 || Errno.current == .noSuchFile else {
            throw SystemError(.current, "rename", path)
        }
        guard symlink(devices + "/kcs1", path) == 0 else { throw SystemError(.current, "symlink", path) }
        let lag = settings.obeLag == .max ? "never" : "\(settings.obeLag / 1000)us"
        let mount = try Program(
            kcssim,
            [
                "mount", mountpoint, "--channels", "1", "--devices", devices, "--driver", settings.driver.name,
                "--obe-lag", settings.obeLag == 0 ? "0" : lag,
            ])
        guard mount.says("ready\n") else { throw SystemError(.noDevice, "mount: \(mount.log)", mountpoint) }
        mounts[path] = mount
        return node
    }
}
