// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// The host CPU's side of the registers, and the loop's turns.
extension FakeDaemon {
    /// STR as the BMC reads it.
    public var str: UInt8 {
        guard capabilities & KCS_CAP_STR != 0 else { return 0 }
        var bits = status
        if odr != nil { bits |= UInt8(KCS_STR_OBF) }
        if let byte = queue.first {
            bits |= UInt8(KCS_STR_IBF)
            if byte.isCommand { bits |= UInt8(KCS_STR_CD) }
        }
        return bits
    }

    /// The host CPU writes a byte; false while IBF is set: the driver's buffer and IDR hold two.
    @discardableResult
    public func write(_ value: UInt8, command: Bool = false) -> Bool {
        guard queue.count < 2 else { return false }
        queue.append(HostByte(value: value, isCommand: command))
        turn()
        return true
    }

    /// The host CPU reads ODR; nil while OBF is clear.
    public func read() -> UInt8? {
        guard let value = odr else { return nil }
        odr = nil
        turn()
        return value
    }

    /// Does what kcsmuxd's loop does until nothing is left to tell.
    public func turn() {
        guard !isInCallback else { return }
        isInCallback = true
        defer { isInCallback = false }
        // A handler that leaves a descriptor ready would keep it turning.
        for _ in 0..<100_000 where !isStopped {
            if !(tellOutput() || tellInput() || runPost() || pollWatches()) { return }
        }
    }

    private func tellOutput() -> Bool {
        guard isOutputWanted, odr == nil else { return false }
        isOutputWanted = false
        isInputHeld = false
        plugin.output_ready?(instance, str, now)
        return true
    }

    private func tellInput() -> Bool {
        guard !queue.isEmpty else { return false }
        if input == KCS_INPUT_AUTO && !isInputHeld {
            let bits = str
            let byte = queue.removeFirst()
            plugin.data!(instance, byte.value, bits, now)
            return true
        }
        guard input == KCS_INPUT_MANUAL && !isInputTold else { return false }
        isInputTold = true
        plugin.input_ready!(instance, str, now)
        return true
    }

    // MARK: Host calls

    func readIDR(_ value: UnsafeMutablePointer<UInt8>, _ str: UnsafeMutablePointer<UInt8>) -> Int32 {
        registerCalls += 1
        guard input == KCS_INPUT_MANUAL else {
            misuses.append("read_idr without manual input")
            return KCS_E_INVALID
        }
        guard !queue.isEmpty else { return KCS_E_EMPTY }
        str.pointee = self.str
        value.pointee = queue.removeFirst().value
        isInputTold = false
        return KCS_OK
    }

    func readSTR() -> Int32 {
        registerCalls += 1
        return capabilities & KCS_CAP_STR != 0 ? Int32(str) : KCS_E_UNAVAILABLE
    }

    func writeODR(_ value: UInt8) -> Int32 {
        registerCalls += 1
        if let writeStatus { return writeStatus }
        guard odr == nil else { return KCS_E_BUSY }
        odr = value
        return KCS_OK
    }

    func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        registerCalls += 1
        guard capabilities & KCS_CAP_STR != 0 else { return KCS_E_UNAVAILABLE }
        status = status & ~mask | value & mask
        return KCS_OK
    }

    func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        let result = writeODR(odr)
        if result == KCS_OK { status = status & ~mask | value & mask }
        return result
    }

    func wantOutput(_ wish: UInt32) -> Int32 {
        isOutputWanted = wish != KCS_OUTPUT_NO
        isInputHeld = wish == KCS_OUTPUT_HOLD
        return KCS_OK
    }

    func reply(_ token: UInt64, _ bytes: [UInt8]) -> Int32 {
        if isStopped { misuses.append("reply after stop") }
        if replies.contains(where: { $0.token == token }) { misuses.append("request \(token) answered twice") }
        if let replyStatus { return replyStatus }
        replies.append((token, bytes))
        return KCS_OK
    }

    func pass(_ token: UInt64, _ code: UInt8) -> Int32 {
        if isStopped { misuses.append("pass after stop") }
        if passed.contains(where: { $0.token == token }) || replies.contains(where: { $0.token == token }) {
            misuses.append("request \(token) answered twice")
        }
        if let replyStatus { return replyStatus }
        passed.append((token, code))
        return KCS_OK
    }
}
