// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import PluginKit
import PostCodeHandler

/// What kcsmuxd loads from libkcs-post-code.so.
@c(kcs_plugin_entry)
public func entry() -> UnsafePointer<kcs_plugin> { PostCodeHandler.plugin.descriptor }
