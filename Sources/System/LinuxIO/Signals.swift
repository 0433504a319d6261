// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Signals: blocked and read from a descriptor, ignored, or used to end a call that sleeps.
public enum Signals {
    /// "SIGSEGV" of 11. The corresponding C function is `sigabbrev_np`.
    public static func name(_ number: Int32) -> String {
        sigabbrev_np(number).map { "SIG" + String(cString: $0) } ?? "\(number)"
    }

    /// From now on nothing happens when it comes. The corresponding C function is `sigaction(SIG_IGN)`.
    public static func ignore(_ number: Int32) { _ = cl_ignore_signal(number) }

    /// Blocks `signals` in the calling thread, and in those that it starts later. A descriptor that is readable when one
    /// came, not blocking. The corresponding C functions are `pthread_sigmask` and `signalfd`.
    public static func descriptor(of signals: [Int32]) throws(SystemError) -> FileDescriptor {
        var set = sigset_t(of: signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return try retryingInterrupts { signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK)) }
            .descriptor("signalfd")
    }

    /// The next signal that came to a descriptor of `descriptor(of:)`; nil when none did.
    public static func take(_ descriptor: Int32) -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let result = withUnsafeMutableBytes(of: &info) { Syscalls.read(descriptor, into: $0) }
        guard case .success(size) = result else { return nil }
        return Int32(info.ssi_signo)
    }

    /// Makes `number` a signal whose only effect is that a system call under way returns `EINTR`. The calling thread can get
    /// it from then on: whoever started this program may have blocked it, and a mask is inherited.
    /// The corresponding C function is `sigaction`.
    public static func makeInterrupter(_ number: Int32) -> Result<Void, Errno> {
        let result = succeeding { cl_handle_signal(number) { _ in } }
        if result.errno == nil {
            var set = sigset_t(of: [number])
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
        }
        return result
    }

    /// Sends a signal to a thread of this process, by the kernel's number of it. The corresponding C function is `tgkill`.
    public static func send(_ number: Int32, toThread thread: Int32) -> Result<Void, Errno> {
        succeeding { cl_signal_thread(thread, number) }
    }

    /// Sends a signal to a process, or with `group` to the group of that number. The corresponding C function is `kill`.
    public static func send(_ number: Int32, to process: Int32, group: Bool = false) -> Result<Void, Errno> {
        succeeding { kill(group ? -process : process, number) }
    }
}

extension sigset_t {
    /// A set of these signals.
    init(of signals: [Int32]) {
        self.init()
        sigemptyset(&self)
        for signal in signals { sigaddset(&self, signal) }
    }

    /// All signals.
    static var all: sigset_t {
        var set = sigset_t()
        sigfillset(&set)
        return set
    }
}
