// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// Signals as events of the loop: they are blocked in the process and read from a descriptor, so no code of this program
/// runs in a signal's context.
public final class SignalSource: EventSource {
    private let file: FileDescriptor
    /// The descriptor to register for input.
    public var descriptor: Int32 { file.raw }
    private let received: (Int32) -> Void

    /// Blocks `signals` in the calling thread, and in those that it starts later, and tells `received` of each.
    public static func make(
        _ signals: [Int32], received: @escaping (Int32) -> Void
    ) throws(SystemError) -> SignalSource {
        SignalSource(owning: try Signals.descriptor(of: signals), received)
    }

    private init(owning file: consuming FileDescriptor, _ received: @escaping (Int32) -> Void) {
        self.file = file
        self.received = received
        super.init()
    }

    /// Reads what has arrived.
    public override func ready(_ events: Readiness, now: UInt64) {
        while let signal = Signals.take(descriptor) { received(signal) }
    }
}
