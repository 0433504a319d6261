// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import DCMIHandler
import PluginKit

/// What kcsmuxd loads from libkcs-dcmi.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { DCMIHandler.plugin.descriptor }
