// SPDX-License-Identifier: Apache-2.0
//
// What a handler of bytes does to the registers. The answers are statuses of the plugin ABI.
import CKCSPlugin
import Capture
import Common
import Devices
import LinuxIO
import PluginHost

extension ByteService {
    /// `write_odr`
    func writeODR(_ value: UInt8) -> Int32 {
        guard let registers else { return KCS_E_UNAVAILABLE }
        do throws(Errno) {
            activity.enterDevice()
            defer { activity.leaveDevice() }
            try registers.writeODR(value)
            context.counters.bytesOut &+= 1
            recorder?.odrWritten(value, at: context.recordTime)
            if context.log.writes(.trace) { context.trace(out: value) }
            return KCS_OK
        } catch { return refuse(error, .odrWrite, value) }
    }

    /// `read_str`
    func readSTR() -> Int32 {
        guard let registers else { return KCS_E_UNAVAILABLE }
        let before = registers.lastSTR
        guard case .success(let str) = readSTR(registers) else { return KCS_E_IO }
        if str != before { recorder?.strRead(str, at: context.recordTime) }
        return Int32(str)
    }

    func readSTR(_ registers: RegisterDevice) -> Result<UInt8, Errno> {
        do throws(Errno) { return .success(try registers.readSTR()) } catch {
            context.deviceFailed(error)
            return .failure(error)
        }
    }

    /// `write_str`
    func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        guard let registers else { return KCS_E_UNAVAILABLE }
        do throws(Errno) {
            try registers.writeSTR(mask: mask, value)
            recorder?.strWritten(value, mask: mask, at: context.recordTime)
            return KCS_OK
        } catch { return refuse(error, .strWrite, value) }
    }

    /// `write_both`
    func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        guard let registers else { return KCS_E_UNAVAILABLE }
        do throws(Errno) {
            activity.enterDevice()
            defer { activity.leaveDevice() }
            try registers.write(odr: odr, mask: mask, value)
            context.counters.bytesOut &+= 1
            recorder?.odrAndSTRWritten(odr: odr, str: value, mask: mask, at: context.recordTime)
            return KCS_OK
        } catch { return refuse(error, .odrAndSTRWrite, odr) }
    }

    /// `replace`
    func replace(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        guard let registers else { return KCS_E_UNAVAILABLE }
        do throws(Errno) {
            activity.enterDevice()
            defer { activity.leaveDevice() }
            try registers.replace(odr: odr, mask: mask, value)
            context.counters.bytesOut &+= 1
            context.counters.replaced &+= 1
            recorder?.replaced(odr: odr, str: value, mask: mask, at: context.recordTime)
            return KCS_OK
        } catch { return refuse(error, .odrAndSTRWrite, odr) }
    }

    private func refuse(_ errno: Errno, _ access: RefusedAccess, _ value: UInt8) -> Int32 {
        guard errno == .busy else {
            context.deviceFailed(errno)
            return KCS_E_IO
        }
        context.counters.refused &+= 1
        recorder?.refused(access, value: value, reason: .outputFull, at: context.recordTime)
        return KCS_E_BUSY
    }
}

extension ChannelContext {
    /// A byte for the log.
    func trace(in byte: HostByte) {
        log.write(.trace, name, "IDR \(Hex.number(byte.value)) STR \(Hex.number(byte.str))")
    }

    /// A byte for the log.
    func trace(out value: UInt8) { log.write(.trace, name, "ODR \(Hex.number(value))") }
}
