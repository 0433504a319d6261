// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Signals as events of the loop: they are blocked in the process and read from a descriptor, so no code of this program
/// runs in a signal's context.
public final class SignalSource: EventSource {
    /// The descriptor to register for input.
    public let descriptor: Int32
    private let received: (Int32) -> Void

    /// Blocks `signals` in the calling thread, and in those that it starts later, and tells `received` of each.
    public static func make(
        _ signals: [Int32], received: @escaping (Int32) -> Void
    ) throws(SystemError) -> SignalSource {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let descriptor = signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError(.current, "signalfd") }
        return SignalSource(owning: descriptor, received)
    }

    private init(owning descriptor: Int32, _ received: @escaping (Int32) -> Void) {
        self.descriptor = descriptor
        self.received = received
        super.init()
    }

    deinit { close(descriptor) }

    /// Reads what has arrived.
    public override func ready(_ events: Readiness, now: UInt64) {
        var info = signalfd_siginfo()
        while true {
            let size = MemoryLayout<signalfd_siginfo>.size
            let result = withUnsafeMutableBytes(of: &info) { Syscalls.read(descriptor, into: $0) }
            guard case .success(size) = result else { return }
            received(Int32(info.ssi_signo))
        }
    }
}
