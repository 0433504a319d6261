// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// One of a handler's own figures.
public struct Figure {
    /// What its value does with time.
    public enum Kind: UInt32 {
        /// It counts up, from 0 when the handler was created.
        case counter = 1
        /// It goes up and down.
        case gauge = 2
    }

    /// Its name, as the plugin says it.
    public let name: String
    /// Its value.
    public let value: UInt64
    /// Nil: the plugin does not say.
    public let kind: Kind?
    /// What the value is in, such as "bytes"; empty for what is counted.
    public let unit: String

    init(_ name: String, _ value: UInt64, _ kind: Kind? = nil, _ unit: String = "") {
        (self.name, self.value, self.kind, self.unit) = (name, value, kind, unit)
    }
}
