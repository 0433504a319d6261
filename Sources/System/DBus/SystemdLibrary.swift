// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: functions of the system's libsystemd, found by name when they are first needed, with the signatures that
// systemd/sd-bus.h has given them since systemd 237. Building needs neither header nor library, and a process that opens no
// bus maps nothing.
import CLinux
import LinuxIO

/// sd-bus, the bus client of the system's own libsystemd.
public final class SystemdLibrary {
    typealias Pointer = OpaquePointer
    typealias Text = UnsafePointer<CChar>
    typealias Place = UnsafeMutablePointer<OpaquePointer?>
    /// Answers a message: more than 0 ends its way, 0 lets it go on.
    typealias Handler =
        @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32
    typealias OnPointer = @convention(c) (Pointer) -> Int32
    typealias Release = @convention(c) (Pointer) -> Pointer?
    typealias TextOf = @convention(c) (Pointer) -> Text?

    let newBus: @convention(c) (Place) -> Int32
    let setAddress: @convention(c) (Pointer, Text) -> Int32
    let setBusClient: @convention(c) (Pointer, Int32) -> Int32
    let start: OnPointer
    let close: @convention(c) (Pointer) -> Void
    let releaseBus: Release
    let descriptor: OnPointer
    let events: OnPointer
    let timeout: @convention(c) (Pointer, UnsafeMutablePointer<UInt64>) -> Int32
    let process: @convention(c) (Pointer, Place?) -> Int32
    let addFilter: @convention(c) (Pointer, Place?, Handler, UnsafeMutableRawPointer?) -> Int32
    let callLater: @convention(c) (Pointer, Place?, Pointer, Handler, UnsafeMutableRawPointer?, UInt64) -> Int32
    let send: @convention(c) (Pointer, Pointer, UnsafeMutablePointer<UInt64>?) -> Int32
    let releaseSlot: Release

    let newCall: @convention(c) (Pointer, Place, Text?, Text, Text?, Text) -> Int32
    let newReturn: @convention(c) (Pointer, Place) -> Int32
    let newError: @convention(c) (Pointer, Place, UnsafeRawPointer) -> Int32
    let releaseMessage: Release
    let setAutoStart: @convention(c) (Pointer, Int32) -> Int32
    let appendBasic: @convention(c) (Pointer, CChar, UnsafeRawPointer?) -> Int32
    let appendArray: @convention(c) (Pointer, CChar, UnsafeRawPointer?, Int) -> Int32
    let openContainer: @convention(c) (Pointer, CChar, Text) -> Int32
    let closeContainer: OnPointer
    let readBasic: @convention(c) (Pointer, CChar, UnsafeMutableRawPointer) -> Int32
    let readArray:
        @convention(c) (Pointer, CChar, UnsafeMutablePointer<UnsafeRawPointer?>, UnsafeMutablePointer<Int>) -> Int32
    let enterContainer: @convention(c) (Pointer, CChar, Text) -> Int32
    let exitContainer: OnPointer
    let kind: @convention(c) (Pointer, UnsafeMutablePointer<UInt8>) -> Int32
    let error: @convention(c) (Pointer) -> UnsafePointer<UnsafePointer<CChar>?>?
    let path: TextOf
    let interface: TextOf
    let member: TextOf
    let sender: TextOf

    private init(_ library: DynamicLibrary, _ missing: inout String?) {
        func find<Function>(_ name: String) -> Function {
            var address = library.symbol(name)
            if address == nil {
                missing = missing ?? name
                // Never called: who gets a library in which something is missing is refused.
                address = UnsafeMutableRawPointer(bitPattern: 8)
            }
            return unsafeBitCast(address, to: Function.self)
        }
        newBus = find("sd_bus_new")
        setAddress = find("sd_bus_set_address")
        setBusClient = find("sd_bus_set_bus_client")
        start = find("sd_bus_start")
        close = find("sd_bus_close")
        releaseBus = find("sd_bus_unref")
        descriptor = find("sd_bus_get_fd")
        events = find("sd_bus_get_events")
        timeout = find("sd_bus_get_timeout")
        process = find("sd_bus_process")
        addFilter = find("sd_bus_add_filter")
        callLater = find("sd_bus_call_async")
        send = find("sd_bus_send")
        releaseSlot = find("sd_bus_slot_unref")
        newCall = find("sd_bus_message_new_method_call")
        newReturn = find("sd_bus_message_new_method_return")
        newError = find("sd_bus_message_new_method_error")
        releaseMessage = find("sd_bus_message_unref")
        setAutoStart = find("sd_bus_message_set_auto_start")
        appendBasic = find("sd_bus_message_append_basic")
        appendArray = find("sd_bus_message_append_array")
        openContainer = find("sd_bus_message_open_container")
        closeContainer = find("sd_bus_message_close_container")
        readBasic = find("sd_bus_message_read_basic")
        readArray = find("sd_bus_message_read_array")
        enterContainer = find("sd_bus_message_enter_container")
        exitContainer = find("sd_bus_message_exit_container")
        kind = find("sd_bus_message_get_type")
        error = find("sd_bus_message_get_error")
        path = find("sd_bus_message_get_path")
        interface = find("sd_bus_message_get_interface")
        member = find("sd_bus_message_get_member")
        sender = find("sd_bus_message_get_sender")
    }

    /// The file in which it is looked for, as the dynamic linker looks.
    public static let name = "libsystemd.so.0"

    /// Maps the library.
    public static func load(_ name: String = SystemdLibrary.name) throws(BusError) -> SystemdLibrary {
        switch DynamicLibrary.load(name) {
        case .failure(let error): throw BusError("D-Bus needs \(name), which cannot be loaded: \(error.reason)")
        case .success(let library):
            var missing: String?
            let functions = SystemdLibrary(library, &missing)
            if let missing { throw BusError("D-Bus needs a newer \(name): this one has no \(missing)") }
            return functions
        }
    }
}

/// What went wrong with the bus itself, in a sentence.
public struct BusError: Error, Equatable, Sendable {
    /// The sentence.
    public let text: String

    /// An error in words.
    public init(_ text: String) { self.text = text }

    /// An answer of the library, which is minus an error number.
    init(_ what: String, _ result: Int32) {
        text = "\(what): \(Errno(rawValue: -result).description)"
    }
}
