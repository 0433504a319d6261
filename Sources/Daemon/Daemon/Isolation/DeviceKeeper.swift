// SPDX-License-Identifier: Apache-2.0
import Capture
import Devices
import Events
import KCS
import LinuxIO

/// Keeps a device whose channel has failed, until somebody serves it again: the host CPU finds a defined state, what it writes
/// is read away, and no interrupt is left to itself.
final class DeviceKeeper: EventSource {
    let device: OpenDevice
    private let context: ChannelContext
    private let isOfMessages: Bool

    /// Takes over a device that nobody else uses any more. Of a channel of messages the host CPU finds STATE = ERROR; others'
    /// bits of STR are cleared.
    init(_ device: OpenDevice, isOfMessages: Bool, _ context: ChannelContext) {
        self.device = device
        self.context = context
        self.isOfMessages = isOfMessages
        super.init()
    }

    /// Begins. A device that fails is left alone: who opens it next finds out.
    func begin() {
        do throws(Errno) { try settle() } catch { return }
        let interest: Readiness
        switch device {
        case .registers(let registers): interest = Readiness(registers.interest(input: true, output: false))
        default: interest = .input
        }
        do throws(SystemError) { try context.loop.add(self, descriptor: device.descriptor, interest: interest) } catch {
        }
    }

    /// Ends; the device is the caller's.
    func end() { context.loop.remove(self) }

    private func settle() throws(Errno) {
        context.activity.enterDevice()
        defer { context.activity.leaveDevice() }
        switch device {
        case .registers(let registers):
            let str = try registers.readSTR()
            let state: StatusRegister = .stateMask
            let mask = isOfMessages ? state.rawValue : ~Self.hardware
            let value = isOfMessages ? state.rawValue : 0
            try registers.writeSTR(mask: mask, value)
            context.recorder?.strWritten(value, mask: mask, at: context.recordTime)
            if str & StatusRegister.ibf.rawValue != 0 { try readAway(registers) }
        case .bytes: break
        case .messages(let messages): try messages.forceAbort()
        }
    }

    /// OBF, IBF and C/D.
    private static let hardware: UInt8 = 0b1011

    private func readAway(_ registers: ByteDevice) throws(Errno) {
        guard let byte = try registers.receive() else { return }
        context.counters.dropped &+= 1
        context.recorder?.hostByteDropped(byte.value, str: byte.str, reason: .noHandler, at: context.recordTime)
    }

    override func ready(_ readiness: Readiness, now: UInt64) {
        guard readiness.isDisjoint(with: .trouble) else { return end() }
        context.activity.enterDevice()
        defer { context.activity.leaveDevice() }
        do throws(Errno) {
            switch device {
            case .registers(let registers):
                guard registers.events(DeviceEvents(readiness), awaitingOutput: false).contains(.input) else { return }
                try readAway(registers)
            case .bytes(let bytes): try readAway(bytes)
            case .messages(let messages):
                var bytes = [UInt8](repeating: 0, count: 1024)
                let result = bytes.withUnsafeMutableBytes { buffer in
                    Result<Int?, Errno> { () throws(Errno) in try messages.readMessage(into: buffer) }
                }
                if try result.get() != nil { try messages.forceAbort() }
            }
        } catch { end() }
    }
}
