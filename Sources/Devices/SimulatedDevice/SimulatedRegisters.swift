// SPDX-License-Identifier: Apache-2.0
import CLinux
import Devices
import LinuxIO

/// A simulated device's registers as a daemon uses those of a node. Its descriptor is a doorbell, which says "look", for
/// input and output alike.
final class SimulatedRegisters: Registers {
    private let port: SimulatedPort

    init(_ port: SimulatedPort) {
        self.port = port
        super.init()
    }

    override var descriptor: Int32 { port.doorbell }
    override var hasInput: Bool { port.isReadable }
    override var window: UnsafeMutableRawBufferPointer? { port.window }

    override func interest(input: Bool, output: Bool) -> DeviceEvents {
        // What was rung while nobody listened is not rung again.
        if input { port.rearm() }
        if output && port.isWritable { port.ringOwnDoorbell() }
        return input || output ? .input : []
    }

    override func events(_ readiness: DeviceEvents, awaitingOutput: Bool) -> DeviceEvents {
        port.drainDoorbell()
        var events: DeviceEvents = []
        if port.isReadable { events.insert(.input) }
        if awaitingOutput && port.isWritable { events.insert(.output) }
        return events
    }

    override func readIDR() throws(Errno) -> HostByte? {
        guard let (value, str) = port.readData() else {
            if port.isGone { throw .noDevice }
            return nil
        }
        // Another byte behind it: a node would stay readable.
        port.rearm()
        return HostByte(value: value, str: str)
    }

    override func readSTR() throws(Errno) -> UInt8 {
        let str = port.readStatus()
        try check(true)
        return str
    }

    override func writeSTR(_ value: UInt8) throws(Errno) {
        port.writeStatus(value)
        try check(true)
    }

    override func writeODR(_ value: UInt8) throws(Errno) { try check(port.writeData(value)) }

    override func write(odr: UInt8, str: UInt8) throws(Errno) { try check(port.writeBoth(odr: odr, str: str)) }

    override func close() { port.close() }

    private func check(_ isDone: Bool) throws(Errno) {
        if port.isGone { throw .noDevice }
        if !isDone { throw .busy }
    }
}

extension DeviceKind {
    /// A simulated device, which gives what the raw-KCS driver's node gives.
    public static let simulated = DeviceKind(
        name: "sim", capabilities: .registers, hasWindow: true, isSimulated: true,
        adopter: { specification, _, stale throws(Errno) -> OpenDevice in
            let port: SimulatedPort
            do throws(SystemError) { port = try SimulatedPort(adopting: specification.path) } catch {
                throw error.errno
            }
            return .registers(
                try RegisterDevice(adopting: SimulatedRegisters(port), specification.capabilities, stale: stale))
        }
    ) { specification in
        do throws(SystemError) {
            let settings = DeviceSettings(driver: specification.driver == .deferred ? .deferred : .v2)
            let port = try SimulatedPort(directory: specification.path, creating: settings)
            do throws(Errno) {
                return .success(.registers(try RegisterDevice(SimulatedRegisters(port), specification.capabilities)))
            } catch { return .failure(.failed(error.description)) }
        } catch {
            guard error.errno == .busy else { return .failure(.failed(error.description)) }
            let owner = DeviceDirectory.owner(of: specification.path).map { "process \($0)" }
            return .failure(.busy(owner: owner, isKernelsWord: false))
        }
    }

    /// Every kind that there is.
    public static let all = kernel + [simulated]
}
