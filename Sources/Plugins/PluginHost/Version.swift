// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// What this program calls itself.
public enum Version {
    static let literal: StaticString = "0.1.0"

    /// The program's version.
    public static var text: String { "\(literal)" }
    /// The ABI that it offers to plugins.
    public static var abi: String { "\(KCS_ABI_MAJOR).\(KCS_ABI_MINOR)" }
    /// Which build of it: the linker's build id, in hexadecimal, or "unknown" where there is none.
    public static var build: String { BuildIdentifier.text }
}
