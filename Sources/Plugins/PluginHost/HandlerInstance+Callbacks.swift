// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// What a plugin gives to host calls, to be called later.
extension HandlerInstance {
    /// A timer's callback.
    public typealias TimerCallback = @convention(c) (UnsafeMutableRawPointer?, UInt64) -> Void
    /// A watch's callback.
    public typealias WatchCallback = @convention(c) (UnsafeMutableRawPointer?, UInt32, UInt64) -> Void
    /// A callback with nothing to say.
    public typealias PlainCallback = @convention(c) (UnsafeMutableRawPointer?) -> Void
    /// The callback of `run`.
    public typealias RunCallback = @convention(c) (UnsafeMutableRawPointer?, UInt32, Int32) -> Void
    /// The callback of `dump`.
    public typealias DumpCallback = @convention(c) (UnsafeMutableRawPointer?, UInt32) -> Void
    /// The callback of `actions_run`.
    public typealias ActionsCallback =
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<kcs_action_result>>, UInt64
        ) -> Void
}
