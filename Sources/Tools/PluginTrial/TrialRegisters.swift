// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Common

/// IDR, ODR and STR of a channel without a device: between the host CPU, whose part the transcript plays, and a handler of
/// bytes.
struct TrialRegisters {
    /// What the device can do, `KCS_CAP_*`.
    let capabilities: UInt32
    /// The kind of input that the handler chose, `KCS_INPUT_*`.
    var input = KCS_INPUT_NONE
    /// From `create` until `stop` has returned; only then can a handler use registers.
    var isOpen = false
    /// Does the host CPU read ODR as soon as there is a byte?
    var isHostReading = true

    private let record: TrialRecord
    private var odr: UInt8?
    private var handlerBits: UInt8 = 0
    /// IDR, and what the host CPU writes to it next.
    private var written: [(value: UInt8, isCommand: Bool)] = []
    private var isInputReported = false
    private var isOutputWanted = false
    private var isInputHeld = false

    init(capabilities: UInt32, _ record: TrialRecord) {
        self.capabilities = capabilities
        self.record = record
    }

    private var str: UInt8 {
        var bits = handlerBits
        if odr != nil { bits |= UInt8(KCS_STR_OBF) }
        if let byte = written.first {
            bits |= UInt8(KCS_STR_IBF)
            if byte.isCommand { bits |= UInt8(KCS_STR_CD) }
        }
        return bits
    }

    // MARK: The host CPU

    /// The host CPU writes a byte as soon as IBF is clear.
    mutating func hostWrites(_ value: UInt8, isCommand: Bool) { written.append((value, isCommand)) }

    /// The host CPU reads ODR.
    mutating func hostReads() {
        if odr == nil { record.add("OBF is clear: there is nothing to read") }
        odr = nil
    }

    /// What the loop finds at a device.
    enum Event {
        /// The host CPU read ODR.
        case odrRead
        /// The handler's `output_ready` is due.
        case outputReady(str: UInt8)
        /// The handler's `data` is due.
        case data(UInt8, str: UInt8)
        /// The handler's `input_ready` is due.
        case inputReady(str: UInt8)
    }

    /// Takes what is to be done next; nil when nothing is.
    mutating func nextEvent() -> Event? {
        if isHostReading && odr != nil {
            odr = nil
            return .odrRead
        }
        if isOutputWanted && odr == nil {
            (isOutputWanted, isInputHeld) = (false, false)
            return .outputReady(str: str)
        }
        if input == KCS_INPUT_AUTO && !isInputHeld, let byte = written.first {
            let status = str
            written.removeFirst()
            return .data(byte.value, str: status)
        }
        if input == KCS_INPUT_MANUAL && !isInputReported && !written.isEmpty {
            isInputReported = true
            return .inputReady(str: str)
        }
        return nil
    }

    // MARK: Host calls

    private func allow(_ needed: UInt32) -> Bool {
        capabilities & needed == needed && input != KCS_INPUT_MESSAGES && isOpen
    }

    mutating func readIDR() -> (status: Int32, value: UInt8, str: UInt8) {
        guard input == KCS_INPUT_MANUAL else { return (KCS_E_UNAVAILABLE, 0, 0) }
        guard let byte = written.first else { return (KCS_E_EMPTY, 0, 0) }
        let status = str
        written.removeFirst()
        isInputReported = false
        return (KCS_OK, byte.value, status)
    }

    func readSTR() -> Int32 { allow(UInt32(KCS_CAP_STR)) ? Int32(str) : KCS_E_UNAVAILABLE }

    mutating func writeODR(_ value: UInt8) -> Int32 {
        guard allow(UInt32(KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        guard odr == nil else { return KCS_E_BUSY }
        odr = value
        record.add("odr \(Hex.number(value))")
        return KCS_OK
    }

    private mutating func setBits(_ mask: UInt8, _ value: UInt8) -> String {
        handlerBits = handlerBits & ~mask | value & mask
        return "str mask \(Hex.number(mask)) value \(Hex.number(value))"
    }

    mutating func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        guard allow(UInt32(KCS_CAP_STR)) else { return KCS_E_UNAVAILABLE }
        record.add(setBits(mask, value))
        return KCS_OK
    }

    mutating func write(odr value: UInt8, mask: UInt8, _ bits: UInt8) -> Int32 {
        guard allow(UInt32(KCS_CAP_STR | KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        guard odr == nil else { return KCS_E_BUSY }
        odr = value
        record.add("odr \(Hex.number(value)) \(setBits(mask, bits))")
        return KCS_OK
    }

    mutating func replace(odr value: UInt8, mask: UInt8, _ bits: UInt8) -> Int32 {
        guard allow(UInt32(KCS_CAP_STR | KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        odr = value
        record.add("replace \(Hex.number(value)) \(setBits(mask, bits))")
        return KCS_OK
    }

    /// `wish` is one of `KCS_OUTPUT_*`.
    mutating func wantOutput(_ wish: UInt32) -> Int32 {
        guard allow(UInt32(KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        isOutputWanted = wish != UInt32(KCS_OUTPUT_NO)
        isInputHeld = wish == UInt32(KCS_OUTPUT_HOLD)
        return KCS_OK
    }
}
