// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: what a plugin knows as `struct kcs_channel *`. It outlives the instance by a while, so that a call that comes too
// late, or on another thread, finds something that can refuse it.
import CKCSPlugin
import LinuxIO

/// An instance's place on its channel, as its plugin sees it.
struct Place {
    /// The one thread that may call the host, `post` excepted.
    let thread: UInt
    /// The instance, until `destroy` has returned.
    var instance: Unmanaged<HandlerInstance>?
    /// Where `write_odr` goes at once, on the loop's thread.
    var shortcut: ODRShortcut
    let reporter: MisuseReporter

    static func make(_ instance: HandlerInstance, _ reporter: MisuseReporter) -> UnsafeMutablePointer<Place> {
        let place = UnsafeMutablePointer<Place>.allocate(capacity: 1)
        place.initialize(
            to: Place(
                thread: CurrentThread.key, instance: .passUnretained(instance), shortcut: longWay(place),
                reporter: reporter))
        return place
    }

    /// Nothing is served here any more. The memory is freed only after many others were given up.
    static func retire(_ place: UnsafeMutablePointer<Place>) {
        place.pointee.instance = nil
        place.pointee.shortcut = longWay(place)
        RetiredChannels.all.keep {
            place.deinitialize(count: 1)
            place.deallocate()
        }
    }

    /// `write_odr` through the instance, if there is one.
    static func longWay(_ place: UnsafeMutablePointer<Place>) -> ODRShortcut {
        let function: ODRShortcut.Function = { context, value in
            let place = UnsafePointer(context.assumingMemoryBound(to: Place.self))
            guard let instance = place.pointee.instance else { return Place.refuse(place, "write_odr") }
            return instance._withUnsafeGuaranteedRef { $0.writeODR(value) }
        }
        return ODRShortcut(function, UnsafeMutableRawPointer(place))
    }

    /// `write_odr`. A function of its own, and not what the table points to: in a function that C calls, asking for the
    /// thread is not inlined.
    @inline(never)
    static func writeODR(_ place: UnsafePointer<Place>, _ value: UInt8) -> Int32 {
        guard place.pointee.thread == CurrentThread.key else { return refuse(place, "write_odr") }
        return place.pointee.shortcut.function(place.pointee.shortcut.context, value)
    }

    /// Answers a call that is not served, in one line.
    @inline(never)
    static func refuse(_ place: UnsafePointer<Place>, _ call: StaticString) -> Int32 {
        if place.pointee.thread != CurrentThread.key {
            place.pointee.reporter.report("\(call)() was called on another thread than the loop's, and refused")
            return KCS_E_THREAD
        }
        place.pointee.reporter.report("\(call)() was called after destroy, and refused")
        return KCS_E_UNAVAILABLE
    }
}

/// A way to ODR without the instance in between: for as long as each byte of a handler goes the same way.
public struct ODRShortcut {
    /// Writes ODR: a status of the ABI.
    public typealias Function = @convention(c) (UnsafeMutableRawPointer, UInt8) -> Int32
    let function: Function
    let context: UnsafeMutableRawPointer

    /// `context` is handed to `function`, and stays valid until the shortcut is taken away.
    public init(_ function: Function, _ context: UnsafeMutableRawPointer) {
        self.function = function
        self.context = context
    }
}

/// Takes what a plugin should not have done, in words.
open class MisuseReporter {
    /// One that says nothing.
    public init() {}

    /// Says it. Called on any thread, also after the instance has gone.
    open func report(_ text: String) {}
}
