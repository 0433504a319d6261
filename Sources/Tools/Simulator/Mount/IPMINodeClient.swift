// SPDX-License-Identifier: Apache-2.0
//
// The node of kcs_bmc_cdev_ipmi: the kernel runs the KCS transfer (IPMI 2.0 §9) in its interrupt handler, with STATE
// written before IDR is read, and hands over whole messages. No transfer state is kept from one opener to the next.
import CFuse
import CLinux
import DriverModel
import SimulatedDevice

/// The kernel's transfer machine and its node.
final class IPMINodeClient: NodeClient {
    private enum Phase { case idle, writeStart, writeData, writeEnd, writeDone, waitRead, read, abort1, abort2, error }

    private static let capacity = 1000
    private static let shortestResponse = 3
    private static let idle: UInt8 = 0x00
    private static let reading: UInt8 = 0x40
    private static let writing: UInt8 = 0x80
    private static let failed: UInt8 = 0xC0
    private static let aborted: UInt8 = 0x01
    private static let illegalControlCode: UInt8 = 0x02
    private static let wrongLength: UInt8 = 0x06

    private var phase = Phase.idle
    private var error: UInt8 = 0
    private var request: [UInt8] = []
    private var isRequestWhole = false
    private var response: [UInt8] = []
    private var sent = 0
    private var reads: [(call: PendingCall, count: Int)] = []

    // MARK: Calls

    override func read(_ call: PendingCall, offset: Int, count: Int) {
        handleInput()
        if isRequestWhole { return answer(call, count) }
        if call.isNonBlocking { return connection.reply(call.unique, error: EAGAIN) }
        reads.append((call, count))
    }

    override func write(_ call: PendingCall, offset: Int, _ bytes: UnsafeRawBufferPointer) {
        handleInput()
        guard bytes.count >= Self.shortestResponse, bytes.count <= Self.capacity, phase == .waitRead else {
            return connection.reply(call.unique, error: EINVAL)
        }
        phase = .read
        response = Array(bytes)
        sent = 1
        writeODR(response[0])
        connection.reply(call.unique, written: bytes.count)
    }

    override func events() -> Int32 {
        handleInput()
        return isRequestWhole ? PollBits.input : 0
    }

    override func control(_ command: UInt32) -> Int32 {
        switch command {
        case UInt32(cf_set_attention): writeSTR(STRBit.smsAttention, STRBit.smsAttention)
        case UInt32(cf_clear_attention): writeSTR(STRBit.smsAttention, 0)
        case UInt32(cf_force_abort): forceAbort()
        default: return EINVAL
        }
        return 0
    }

    /// The driver checks for a message, and not for the signal: there is none, and so the call would have to wait.
    override func interrupt(_ unique: UInt64) {
        guard let index = reads.firstIndex(where: { $0.call.unique == unique }) else { return }
        reads.remove(at: index)
        connection.reply(unique, error: EAGAIN)
    }

    override func driverWoke() {
        handleInput()
        guard isRequestWhole else { return }
        if !reads.isEmpty {
            let read = reads.removeFirst()
            answer(read.call, read.count)
        }
        wakePollers()
    }

    override func abandon() {
        for read in reads { connection.reply(read.call.unique, error: ENODEV) }
        reads = []
    }

    override func close() {
        forceAbort()
        super.close()
    }

    private func answer(_ call: PendingCall, _ count: Int) {
        guard request.count <= count else { return connection.reply(call.unique, error: EOVERFLOW) }
        connection.reply(call.unique, bytes: request)
        phase = .waitRead
        forgetRequest()
    }

    // MARK: Registers

    private func writeSTR(_ mask: UInt8, _ value: UInt8) {
        let str = port.readStatus()
        port.writeStatus(str & ~mask | value & mask | STRBit.obf)
    }

    private func show(_ state: UInt8) { writeSTR(STRBit.state, state) }

    /// Whatever OBF is.
    private func writeODR(_ value: UInt8) {
        if !port.writeData(value) { _ = port.writeBoth(odr: value, str: port.readStatus() & ~STRBit.obf) }
    }

    private func takeIDR() -> UInt8 { port.readData()?.value ?? 0 }

    // MARK: The transfer

    private func handleInput() {
        while true {
            let str = port.readStatus()
            guard str & STRBit.ibf != 0 else { return }
            if str & STRBit.commandData != 0 { handleCommand() } else { handleData() }
        }
    }

    private func forgetRequest() {
        isRequestWhole = false
        request.removeAll(keepingCapacity: true)
    }

    private func forceAbort() {
        show(Self.failed)
        _ = port.readData()
        writeODR(0)
        phase = .error
        forgetRequest()
    }

    private func handleCommand() {
        show(Self.writing)
        writeODR(0)
        switch takeIDR() {
        case 0x61:
            phase = .writeStart
            error = 0
            forgetRequest()
        case 0x62:
            guard phase == .writeData else { return forceAbort() }
            phase = .writeEnd
        case 0x60:
            if error == 0 { error = Self.aborted }
            phase = .abort1
            forgetRequest()
        default:
            forceAbort()
            error = Self.illegalControlCode
        }
    }

    private func handleData() {
        switch phase {
        case .writeStart, .writeData:
            phase = .writeData
            guard hasRoom() else { return }
            show(Self.writing)
            writeODR(0)
            request.append(takeIDR())
        case .writeEnd:
            guard hasRoom() else { return }
            show(Self.reading)
            request.append(takeIDR())
            phase = .writeDone
            isRequestWhole = true
        case .read: handleReadByte()
        case .abort1:
            show(Self.reading)
            _ = takeIDR()
            writeODR(error)
            phase = .abort2
        case .abort2:
            show(Self.idle)
            _ = takeIDR()
            writeODR(0)
            phase = .idle
        case .idle, .writeDone, .waitRead, .error: forceAbort()
        }
    }

    private func hasRoom() -> Bool {
        if request.count < Self.capacity { return true }
        forceAbort()
        error = Self.wrongLength
        return false
    }

    private func handleReadByte() {
        let isEnd = sent == response.count
        if isEnd { show(Self.idle) }
        guard takeIDR() == 0x68 else {
            show(Self.failed)
            return writeODR(0)
        }
        if isEnd {
            writeODR(0)
            phase = .idle
        } else {
            writeODR(response[sent])
            sent += 1
        }
    }
}
