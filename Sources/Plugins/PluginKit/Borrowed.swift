// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: an object that C code refers to without keeping it alive. kcs_plugin.h says when its pointers are used: none
// after `destroy`, and the objects here live until then.

/// An object of which somebody else sees to it that it lives as long as it is used. Copying it counts no reference.
struct Borrowed<Object: AnyObject> {
    private let reference: Unmanaged<Object>

    init(_ object: Object) { reference = .passUnretained(object) }

    /// What `context` of a C callback was made from, by `context` here.
    init(context: UnsafeMutableRawPointer?) { reference = .fromOpaque(context!) }

    /// For C.
    var context: UnsafeMutableRawPointer { reference.toOpaque() }

    /// Lends the object to `body`.
    @inline(__always)
    func lend<Result>(_ body: (Object) -> Result) -> Result { reference._withUnsafeGuaranteedRef(body) }

    /// The object, kept alive by whoever has the answer.
    var object: Object { reference.takeUnretainedValue() }
}
