// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: what a plugin knows as `struct kcs_channel *`. It outlives the instance by a while, so that a call that comes too
// late, or on another thread, finds something that can refuse it.
import CKCSPlugin
import LinuxIO

/// An instance's channel, as its plugin sees it.
struct PluginChannel {
    /// The one thread that may call the host, `post` excepted.
    let thread: UInt
    /// The instance, until `destroy` has returned.
    var instance: Unmanaged<HandlerInstance>?
    let reporter: MisuseReporter

    static func make(_ instance: HandlerInstance, _ reporter: MisuseReporter) -> UnsafeMutablePointer<PluginChannel> {
        let channel = UnsafeMutablePointer<PluginChannel>.allocate(capacity: 1)
        channel.initialize(
            to: PluginChannel(thread: CurrentThread.key, instance: .passUnretained(instance), reporter: reporter))
        return channel
    }

    /// Nothing is served here any more. The memory is freed only after many others were given up.
    static func retire(_ channel: UnsafeMutablePointer<PluginChannel>) {
        channel.pointee.instance = nil
        RetiredChannels.all.keep {
            channel.deinitialize(count: 1)
            channel.deallocate()
        }
    }

    /// The instance, if it is there and this is its thread.
    static func instance(_ channel: OpaquePointer) -> HandlerInstance? {
        let channel = UnsafePointer<PluginChannel>(channel)
        guard channel.pointee.thread == CurrentThread.key else { return nil }
        return channel.pointee.instance?.takeUnretainedValue()
    }

    /// The instance, if it is there, on any thread.
    static func instanceOnAnyThread(_ channel: OpaquePointer) -> HandlerInstance? {
        UnsafePointer<PluginChannel>(channel).pointee.instance?.takeUnretainedValue()
    }

    /// Answers a call that is not served, in one line.
    static func refuse(_ channel: OpaquePointer, _ call: StaticString) -> Int32 {
        let channel = UnsafePointer<PluginChannel>(channel)
        if channel.pointee.thread != CurrentThread.key {
            channel.pointee.reporter.report("\(call)() was called on another thread than the loop's, and refused")
            return KCS_E_THREAD
        }
        channel.pointee.reporter.report("\(call)() was called after destroy, and refused")
        return KCS_E_UNAVAILABLE
    }
}

/// Takes what a plugin should not have done, in words.
open class MisuseReporter {
    /// One that says nothing.
    public init() {}

    /// Says it. Called on any thread, also after the instance has gone.
    open func report(_ text: String) {}
}
