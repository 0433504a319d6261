// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// A protocol handler: one instance for each place in kcsmuxd's configuration that names the plugin. Subclass it, override
/// what you need, and make it in the `create` of the plugin's `Plugin`.
///
/// Every method is called on the loop's thread and returns soon: nothing in it may block. The order is `init`, `start`,
/// any of the events, `stop`, `deinit`. Registers and replies work from `start` to `stop`. What `host` is asked to call
/// later is called with the handler as its first argument, never after `stop`, and keeps nothing alive.
open class Handler {
    /// What kcsmuxd offers to this instance.
    public let host: Host

    /// What kcsmuxd may still call.
    let calls = HeldCalls()

    /// An instance that is not started. Read the options here; open nothing that `stop` would have to close.
    public init(host: Host) { self.host = host }

    /// The device is open. Answers the kind of input that this instance wants.
    open func start(_ info: StartInfo) throws(HandlerError) -> Input {
        throw HandlerError("start is not implemented")
    }

    /// The device is about to close.
    open func stop(_ reason: Reason) {}

    /// Input `.automatic`: a byte that the host CPU wrote, with STR as it was read with it. C/D in `str` tells the port.
    open func data(_ value: UInt8, str: STR, now: UInt64) {}

    /// Input `.manual`: there is a byte in IDR; take it with `host.readIDR()`. Not called anew until it was taken.
    open func inputReady(str: STR, now: UInt64) {}

    /// OBF is clear, after `host.wantOutput`.
    open func outputReady(str: STR, now: UInt64) {}

    /// Input `.messages`: a whole request, NetFn/LUN, command and data. `bytes` is valid during the call only.
    open func message(_ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64) -> Disposition { .declined }

    /// The operator reset the channel, or the host CPU was reset: forget what was under way with it.
    open func reset(now: UInt64) {}

    /// Gives figures for the status display.
    open func stats(_ stats: Stats) {}
}
