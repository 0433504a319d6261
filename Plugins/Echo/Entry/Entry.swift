// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import EchoHandler
import PluginKit

/// What kcsmuxd looks for in libkcs-echo.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { EchoHandler.plugin.descriptor }
