// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import IPMILiteHandler

/// The one symbol that the library exports.
@c @implementation
public func kcs_plugin_entry() -> UnsafePointer<kcs_plugin> { IPMIPlugin.descriptor }
