// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import MCTPHandler
import PluginKit

/// What kcsmuxd looks for in libkcs-mctp.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { MCTPHandler.plugin.descriptor }
