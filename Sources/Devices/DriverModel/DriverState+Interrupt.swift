// SPDX-License-Identifier: Apache-2.0

// The driver's interrupt handler.
extension DriverState {
    /// Is the interrupt line raised?
    @inlinable public var interruptPending: Bool { inputPending || outputPending }

    /// The handler runs. Legal at any moment: it looks at STR itself, and does nothing when there is nothing to do.
    @inlinable public mutating func interrupt() -> Effects {
        let raised = interruptPending
        // Without an opener the core has nobody to call.
        guard isOpen else { return raised ? .storm : [] }
        var effects: Effects = []
        var handled = false
        if wantsInput && isInputFull {
            setInputEvents(false)
            if driver != .deferred {
                if isReadable { effects.insert(.bufferOverwritten) }
                takeIDR()
                set(Self.readableBit, true)
            }
            handled = true
        }
        if wantsOutput && !isOutputFull {
            setOutputEvents(false)
            set(Self.writableBit, true)
            handled = true
        }
        if handled { return effects.union(.woke) }
        return raised ? .storm : []
    }

    /// IDR into the driver's buffer: this is what clears IBF.
    @inlinable @inline(__always)
    mutating func takeIDR() {
        setByte(Self.bufferShift, idr)
        changeSTR(set: 0, clear: STRBit.ibf)
    }
}
