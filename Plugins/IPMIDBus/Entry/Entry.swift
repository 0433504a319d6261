// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import IPMIDBusHandler
import PluginKit

/// What kcsmuxd looks for in libkcs-ipmi-dbus.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { IPMIDBusHandler.plugin.descriptor }
