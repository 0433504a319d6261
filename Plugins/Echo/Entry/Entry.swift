// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import EchoHandler

/// Never changed after it was made, and made once.
nonisolated(unsafe) private let descriptor = EchoHandler.describe()

/// What kcsmuxd looks for in libkcs-echo.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { descriptor }
