// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import IPMISettingsHandler
import PluginKit

/// What kcsmuxd loads from libkcs-ipmi-settings.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { SettingsHandler.plugin.descriptor }
