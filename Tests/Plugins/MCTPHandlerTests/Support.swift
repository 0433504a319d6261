// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import LinuxIO
import MCTP
import PluginTestSupport

@testable import MCTPHandler

/// An endpoint's options.
func options(
    _ binding: String, name: String = "", path: String? = nil, mtu: Int64? = nil, hostEID: Int64? = nil,
    uuid: String? = nil, types: [Int64]? = nil, vendors: [TestValue]? = nil, perPeer: UInt64 = 262_144
) -> [String: TestValue] {
    var socket: [String: TestValue] = ["name": .string(name)]
    socket["path"] = path.map { .path($0) }
    socket["types"] = types.map { .list($0.map { .integer($0) }) }
    var options: [String: TestValue] = [
        "binding": .enumeration(binding), "socket": .object(socket),
        "reassembly": .object(["per_peer": .size(perPeer)]),
    ]
    options["mtu"] = mtu.map { .integer($0) }
    options["host_eid"] = hostEID.map { .integer($0) }
    options["uuid"] = uuid.map { .string($0) }
    options["vendor"] = vendors.map { .list($0) }
    return options
}

/// An endpoint on a channel that can carry every binding.
func makeDaemon(_ options: [String: TestValue]) -> FakeDaemon {
    let daemon = FakeDaemon(MCTPHandler.plugin.descriptor, options)!
    daemon.capabilities |= KCS_CAP_MESSAGES | KCS_CAP_WINDOW
    // Never freed: a test makes few.
    daemon.window = .allocate(byteCount: 1 << 20, alignment: 4096)
    daemon.window!.initializeMemory(as: UInt8.self, repeating: 0)
    return daemon
}

/// A local program.
final class Program {
    let descriptor: Int32
    let isConnected: Bool

    init(_ name: String, abstract: Bool = true) {
        descriptor = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue), 0)
        if case .success = UnixSocket.connect(descriptor, name, abstract: abstract) {
            isConnected = true
        } else {
            isConnected = false
        }
    }

    deinit { close(descriptor) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Int { CLinux.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// nil: nothing there; empty: the other side closed it.
    func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : Array(buffer[..<count])
    }
}

/// The host CPU on the astlpc binding.
struct Host {
    let link: AstlpcHostLink
    let kcsmuxd: FakeDaemon

    init(_ kcsmuxd: FakeDaemon) {
        self.kcsmuxd = kcsmuxd
        link = AstlpcHostLink(Window(kcsmuxd.window!.baseAddress!, count: 1 << 20), eid: EID(9))
    }

    func begin() -> Bool {
        // The dummy that says not ready, and then the one that says ready.
        _ = kcsmuxd.read()
        kcsmuxd.turn()
        _ = kcsmuxd.read()
        guard link.start(status: kcsmuxd.status) == nil else { return false }
        run()
        return link.isActive
    }

    func run() {
        for _ in 0..<100_000 {
            kcsmuxd.turn()
            if let value = link.write {
                link.written()
                kcsmuxd.write(value)
            } else if let value = kcsmuxd.read() {
                _ = link.bmcWrote(value, status: kcsmuxd.status, now: kcsmuxd.now)
            } else {
                return
            }
        }
    }

    func ask(_ body: [UInt8]) -> HostMessage? {
        _ = link.send(request: body, to: EID(8), now: kcsmuxd.now)
        run()
        return link.takeMessage()
    }
}

func uniqueName() -> String { "mctp-test-\(getpid())-\(Clock.monotonic)" }
