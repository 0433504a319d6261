// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import DebugTriggerHandler
import PluginKit

/// What kcsmuxd looks for in libkcs-debug-trigger.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { DebugTriggerHandler.plugin.descriptor }
