// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the one place where an object is held without being counted.

/// An object that its holder does not keep alive, because the object owns the holder, and so outlives it: a timer's owner,
/// for instance. Whoever makes one promises that.
public struct Borrowed<Object: AnyObject> {
    private let reference: Unmanaged<Object>

    /// Borrows an object that outlives the use of this.
    public init(_ object: Object) { reference = .passUnretained(object) }

    /// The object, counted for as long as the caller holds it: what it does may let go of its owner's last reference.
    public var object: Object { reference.takeUnretainedValue() }
}
