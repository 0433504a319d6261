// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import MCTPHandler

/// Never changed after it was made, and made once.
nonisolated(unsafe) private let descriptor = MCTPHandler.describe()

/// What kcsmuxd looks for in libkcs-mctp.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { descriptor }
