// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: sd-bus's messages. A reader or writer is lent to a closure, and is of no use after it.
import CLinux

/// A type of D-Bus by its letter in signatures.
public enum BusType: UInt8, Sendable {
    /// A byte.
    case byte = 0x79
    /// A signed number of 64 bits.
    case int64 = 0x78
    /// An unsigned number of 32 bits.
    case uint32 = 0x75
    /// Text.
    case string = 0x73
    /// An object's path.
    case path = 0x6F
    /// Any number of values of one type.
    case array = 0x61
    /// Values in one.
    case structure = 0x72
    /// A value that says its own type.
    case variant = 0x76
    /// A key and its value, in an array.
    case entry = 0x65

    var letter: CChar { CChar(bitPattern: rawValue) }
}

/// Puts values into a message, one after the other. What cannot be put in is noticed when the message is sent.
public struct BusWriter {
    let library: SystemdLibrary
    let message: OpaquePointer
    private(set) var status: Int32 = 0

    init(_ library: SystemdLibrary, _ message: OpaquePointer) {
        self.library = library
        self.message = message
    }

    /// A byte.
    public mutating func byte(_ value: UInt8) {
        var value = value
        note(library.appendBasic(message, BusType.byte.letter, &value))
    }

    /// A number.
    public mutating func uint32(_ value: UInt32) {
        var value = value
        note(library.appendBasic(message, BusType.uint32.letter, &value))
    }

    /// A number.
    public mutating func int64(_ value: Int64) {
        var value = value
        note(library.appendBasic(message, BusType.int64.letter, &value))
    }

    /// Text.
    public mutating func string(_ value: String) {
        note(value.withCString { library.appendBasic(message, BusType.string.letter, $0) })
    }

    /// An array of bytes.
    public mutating func bytes(_ value: UnsafeRawBufferPointer) {
        note(library.appendArray(message, BusType.byte.letter, value.baseAddress, value.count))
    }

    /// Begins a value with others in it; `contents` is their signature.
    public mutating func open(_ type: BusType, _ contents: String) {
        note(contents.withCString { library.openContainer(message, type.letter, $0) })
    }

    /// Ends it.
    public mutating func close() { note(library.closeContainer(message)) }

    /// An array without elements, whose type `element` is.
    public mutating func emptyArray(of element: String) {
        open(.array, element)
        close()
    }

    private mutating func note(_ result: Int32) { if status >= 0 && result < 0 { status = result } }
}

/// Takes values out of a message, one after the other. Nil for one that is not there, or is of another type.
public struct BusReader {
    let library: SystemdLibrary
    let message: OpaquePointer

    /// A byte.
    public func byte() -> UInt8? {
        var value: UInt8 = 0
        return library.readBasic(message, BusType.byte.letter, &value) > 0 ? value : nil
    }

    /// A number.
    public func uint32() -> UInt32? {
        var value: UInt32 = 0
        return library.readBasic(message, BusType.uint32.letter, &value) > 0 ? value : nil
    }

    /// A number.
    public func int64() -> Int64? {
        var value: Int64 = 0
        return library.readBasic(message, BusType.int64.letter, &value) > 0 ? value : nil
    }

    /// Text.
    public func string() -> String? { text(.string) }

    /// An object's path.
    public func path() -> String? { text(.path) }

    /// An array of bytes, valid as long as the message is.
    public func bytes() -> UnsafeRawBufferPointer? {
        var start: UnsafeRawPointer?
        var count = 0
        guard library.readArray(message, BusType.byte.letter, &start, &count) >= 0 else { return nil }
        return UnsafeRawBufferPointer(start: count == 0 ? nil : start, count: count)
    }

    /// Goes into a value with others in it, whose signature `contents` is. False if it is another one.
    public func enter(_ type: BusType, _ contents: String) -> Bool {
        contents.withCString { library.enterContainer(message, type.letter, $0) } > 0
    }

    private func text(_ type: BusType) -> String? {
        var value: UnsafePointer<CChar>?
        guard library.readBasic(message, type.letter, &value) > 0, let value else { return nil }
        return String(cString: value)
    }
}

/// An error as it crosses the bus.
public struct BusFailure: Equatable, Sendable {
    /// Its name, "org.freedesktop.DBus.Error.NoReply".
    public let name: String
    /// Its words, which may be empty.
    public let text: String

    /// An error by its name.
    public init(_ name: String, _ text: String) {
        self.name = name
        self.text = text
    }
}

/// What came of a call.
public enum BusReply {
    /// It was answered with these values.
    case values(BusReader)
    /// It failed.
    case failure(BusFailure)
}

/// A call, or a signal, that came from the bus.
public struct BusEvent {
    /// The object that is called, or has signalled.
    public let path: String
    /// The interface; empty if the caller did not say.
    public let interface: String
    /// The method or signal.
    public let member: String
    /// Whose it is: a unique name, or that of the bus.
    public let sender: String
    /// Its arguments.
    public let arguments: BusReader
}

/// What a called method answers.
public enum BusAnswer {
    /// These values.
    case values((inout BusWriter) -> Void)
    /// An error.
    case failure(BusFailure)
    /// There is no such method here: the library says so.
    case unknown
}
