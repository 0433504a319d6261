// SPDX-License-Identifier: Apache-2.0

/// What the two sides say to each other through the data registers.
enum AstlpcSignal {
    /// Host to BMC: begin, or begin anew.
    static let initialise: UInt8 = 0x00
    /// A packet lies in the buffer that the sender of this fills.
    static let transmitBegin: UInt8 = 0x01
    /// The packet was copied out of the buffer: it may be filled again.
    static let receiveComplete: UInt8 = 0x02
    /// Nothing; makes the interrupt that announces a change of STR.
    static let dummy: UInt8 = 0xFF
}

/// STR as this binding uses it.
public enum AstlpcStatus {
    /// The BMC runs, and the control area is valid.
    public static let bmcReady: UInt8 = 0x80
    /// Version and layout are agreed on: packets may flow.
    public static let channelActive: UInt8 = 0x40
    /// The bits that the BMC writes: all that software owns.
    public static let mask: UInt8 = 0xF4
}

/// What the BMC's registers are to be made to say next.
public enum AstlpcWrite: Equatable, Sendable {
    /// STR, under `AstlpcStatus.mask`, with the dummy in ODR, in one step. It goes with a reset of the channel: a byte
    /// that the host has not read yet is discarded.
    case status(UInt8)
    /// ODR, once the host has read the byte before.
    case data(UInt8)
}

/// What happened to the channel by a signal from the other side.
public enum AstlpcEvent: Equatable, Sendable {
    /// Nothing that its user needs to know.
    case none
    /// A packet was copied out: `received` is valid until the next signal.
    case packet
    /// A packet was copied out and its checksum is wrong: `received` holds it.
    case corrupt
    /// A packet was announced whose length is impossible; it was released and is gone.
    case badLength(UInt32)
    /// Our packet was taken: there is a credit for the next.
    case credit
    /// The channel is (again) active: whatever was under way on it is forgotten.
    case active
    /// The other side wants a channel, and it cannot be.
    case refused(AstlpcRefusal)
    /// The other side is gone.
    case inactive
    /// A signal that makes no sense now; it was ignored.
    case protocolError(UInt8)
}

/// Why there is no channel.
public enum AstlpcRefusal: Equatable, Sendable {
    /// STR says that the BMC does not run.
    case bmcNotReady
    /// The window does not begin with the BMC's mark.
    case noMagic
    /// No version that both speak, or a range that is none.
    case versions(bmc: AstlpcVersionRange, host: AstlpcVersionRange)
    /// The buffers cannot be where the window says.
    case layout(AstlpcLayoutFault, AstlpcLayout)
    /// The unit asked for is below the baseline.
    case unit(Int)
    /// The BMC answered without making the channel active.
    case byBMC
}
