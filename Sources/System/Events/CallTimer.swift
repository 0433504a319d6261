// SPDX-License-Identifier: Apache-2.0

/// A timer that calls a function.
public final class CallTimer: LoopTimer {
    private let call: (UInt64) -> Void

    /// A timer that is not set; `call` is given the time, as `LoopTimer.fire` is.
    public init(_ call: @escaping (UInt64) -> Void) {
        self.call = call
        super.init()
    }

    public override func fire(now: UInt64) { call(now) }
}
