// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a reference without a count. kcsmuxd calls nothing of an instance after its `stop`, so a closure given to kcsmuxd
// may refer to the instance without keeping it alive; a counted reference there would be a cycle that never ends.

/// An uncounted reference to an object that outlives every use of it.
struct Unretained<Object: AnyObject> {
    private let reference: Unmanaged<Object>

    init(_ object: Object) { reference = Unmanaged.passUnretained(object) }

    /// The object.
    var object: Object { reference.takeUnretainedValue() }
}
