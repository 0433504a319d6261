// SPDX-License-Identifier: Apache-2.0
//
// The nodes of serio_raw and of the kernel's own KCS transfer, and the mount itself.
import CLinux
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

@Suite(.serialized, onMountedFiles) struct OtherNodeTests {
    @Test func serioQueueHolds63BytesAndDropsLaterOnesWhileIBFStillFalls() throws {
        let mount = try Mount()
        let node = try mount.open("serio_raw")
        let host = try mount.host()
        for byte: UInt8 in 0..<70 { #expect(host.send(byte, deadline: patience)) }
        #expect(eventually { host.readStatus() & 2 == 0 })
        #expect(node.read(100) == .bytes(Array(0..<63)))
        host.write(99, command: true)
        #expect(node.read(100) == .bytes([99]))
        #expect(node.poll() == POLLOUT)
    }

    @Test func serioNodeOnlyReceives() throws {
        let mount = try Mount()
        let node = try mount.open("serio_raw", 1, O_NONBLOCK)
        #expect(node.write([1]) == .error(EIO))
        #expect(node.read(1) == .error(EAGAIN))
        node.setNonBlocking(false)
        let call = BackgroundCall { node.read(10) }
        try mount.host().write(0x44)
        #expect(call.answer() == .bytes([0x44]))
        let signalled = BackgroundCall { node.read(10) }
        #expect(signalled.interrupt() == .error(EINTR))
    }

    @Test func ipmiNodeCarriesWholeMessages() throws {
        let mount = try Mount()
        let node = try mount.open("ipmi-kcs")
        let host = HostTransfer(try mount.host())
        let request = BackgroundCall { node.read(100) }
        #expect(host.send([0x18, 0x01]))
        #expect(request.answer() == .bytes([0x18, 0x01]))
        #expect(node.write([0x1C, 0x01, 0x00, 0x20, 0x01]) == .count(5))
        #expect(host.receive() == [0x1C, 0x01, 0x00, 0x20, 0x01])
        #expect(try mount.host().readStatus() & 0xC0 == 0)
    }

    @Test func ipmiNodeTakesOneAnswerAndOnlyWhileOneIsOwed() throws {
        let mount = try Mount()
        let node = try mount.open("ipmi-kcs", 1, O_NONBLOCK)
        let host = HostTransfer(try mount.host())
        let response: [UInt8] = [0x1C, 0x01, 0x00]
        #expect(node.read(100) == .error(EAGAIN))
        #expect(node.write(response) == .error(EINVAL))
        #expect(host.send([0x18, 0x01]))
        #expect(node.poll(within: 30_000, for: POLLIN) == POLLIN)
        #expect(node.write(response) == .error(EINVAL))
        #expect(node.read(1) == .error(EOVERFLOW))
        #expect(node.read(100) == .bytes([0x18, 0x01]))
        #expect(node.write([0x1C, 0x01]) == .error(EINVAL))
        #expect(node.write([UInt8](repeating: 0, count: 1001)) == .error(EINVAL))
        #expect(node.write(response) == .count(3))
        #expect(node.write(response) == .error(EINVAL))
        #expect(host.receive() == response)
    }

    @Test func ipmiNodeSetsAttentionAndAborts() throws {
        let mount = try Mount()
        let node = try mount.open("ipmi-kcs", 1, O_NONBLOCK)
        let registers = try mount.host()
        let host = HostTransfer(registers)
        #expect(cl_ipmi_set_attention(node.descriptor, 1) == 0)
        #expect(registers.readStatus() & 0x04 != 0)
        #expect(host.send([0x18, 0x01]))
        #expect(node.poll(within: 30_000, for: POLLIN) == POLLIN)
        #expect(cl_ipmi_force_abort(node.descriptor) == 0)
        #expect(registers.readStatus() & 0xC4 == 0xC4)
        #expect(node.read(100) == .error(EAGAIN))
        #expect(cl_ipmi_set_attention(node.descriptor, 0) == 0)
        #expect(registers.readStatus() & 0x04 == 0)
        #expect(ioctl_none(node.descriptor) == EINVAL)
        #expect(host.abort() == 0x01)
        #expect(host.send([0x18, 0x08]))
        #expect(node.poll(within: 30_000, for: POLLIN) == POLLIN)
        #expect(node.read(100) == .bytes([0x18, 0x08]))
    }

    private func ioctl_none(_ descriptor: Int32) -> Int32 { cl_ioctl(descriptor, 0xB1FF, nil) == 0 ? 0 : cl_errno() }

    @Test(arguments: ["raw-kcs", "serio_raw", "ipmi-kcs"]) func nodesOfAChannelExcludeEachOther(kind: String) throws {
        let mount = try Mount(channels: 2)
        let node = try mount.open(kind, 1)
        for other in ["raw-kcs", "serio_raw", "ipmi-kcs"] {
            #expect(cl_open(mount.node(other, 1), O_RDWR | O_CLOEXEC, 0) == -1)
            #expect(errno == EBUSY)
            try mount.open(other, 2).close()
        }
        node.close()
        try mount.open("raw-kcs", 1).close()
    }

    @Test func folderListsTheNodesOfEveryChannel() throws {
        let mount = try Mount(channels: 40)
        let names = try FileManager.default.contentsOfDirectory(atPath: mount.mountpoint)
        let expected = (1...40).flatMap { ["raw-kcs\($0)", "serio_raw\($0)", "ipmi-kcs\($0)"] }
        #expect(names.sorted() == expected.sorted())
        for name in ["raw-kcs0", "raw-kcs41", "raw-kcs01", "raw-kcs", "other"] {
            #expect(cl_open("\(mount.mountpoint)/\(name)", O_RDWR, 0) == -1 && errno == ENOENT)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func serverUnmountsWhenToldToAndEndsEveryCall(signal: Int32) throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let call = BackgroundCall { node.read(1, at: 0) }
        #expect(mount.stop(signal) == 0)
        #expect(call.answer() == .error(ENODEV))
        #expect(try FileManager.default.contentsOfDirectory(atPath: mount.mountpoint).isEmpty)
        #expect(DeviceDirectory.owner(of: mount.device()) == nil)
    }

    @Test func leftOverMountpointGetsAMessageThatHelps() throws {
        let mount = try Mount()
        let again = try run(builtProgram("kcssim"), ["mount", mount.mountpoint, "--channels", "1"])
        #expect(again.status == 1)
        #expect(again.output.contains("something is mounted on \(mount.mountpoint) already"))
        mount.stop(SIGKILL)
        let after = try run(builtProgram("kcssim"), ["mount", mount.mountpoint, "--channels", "1"])
        #expect(after.status == 1)
        #expect(after.output.contains("left over from a mount whose server is gone"))
        #expect(after.output.contains("fusermount3 -u \(mount.mountpoint)"))
        #expect(try run("/usr/bin/fusermount3", ["-u", mount.mountpoint]).status == 0)
    }
}

/// A host's driver: whole transfers (IPMI 2.0 §9), one step at a time.
struct HostTransfer {
    private let host: SimulatedHost

    init(_ host: SimulatedHost) { self.host = host }

    private func write(_ value: UInt8, command: Bool = false) -> Bool {
        guard host.send(value, command: command, deadline: patience) else { return false }
        guard host.wait(for: 0x02, toBe: 0, deadline: patience) else { return false }
        return true
    }

    private func dropOutput() { if host.readStatus() & 1 != 0 { _ = host.readData() } }

    /// Writes a request; false where STATE was not WRITE on the way.
    func send(_ request: [UInt8]) -> Bool {
        dropOutput()
        guard write(0x61, command: true) else { return false }
        for byte in request.dropLast() {
            guard host.wait(for: 0xC0, toBe: 0x80, deadline: patience) else { return false }
            dropOutput()
            guard write(byte) else { return false }
        }
        dropOutput()
        guard write(0x62, command: true), host.wait(for: 0xC0, toBe: 0x80, deadline: patience) else { return false }
        dropOutput()
        return write(request[request.count - 1])
    }

    /// Reads the response; nil when STATE became ERROR.
    func receive() -> [UInt8]? {
        var response: [UInt8] = []
        while true {
            guard host.wait(for: 0x01, toBe: 0x01, deadline: patience) else { return nil }
            switch host.readStatus() & 0xC0 {
            case 0x40:
                response.append(host.readData())
                guard write(0x68) else { return nil }
            case 0x00:
                _ = host.readData()
                return response
            default: return nil
            }
        }
    }

    /// GET_STATUS/ABORT; the status byte.
    func abort() -> UInt8? {
        dropOutput()
        guard write(0x60, command: true) else { return nil }
        dropOutput()
        guard write(0), host.wait(for: 0xC1, toBe: 0x41, deadline: patience) else { return nil }
        let status = host.readData()
        guard write(0x68), host.wait(for: 0xC0, toBe: 0, deadline: patience) else { return nil }
        dropOutput()
        return status
    }
}
