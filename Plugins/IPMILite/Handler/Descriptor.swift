// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import IPMI
import PluginKit

/// The plugin as kcsmuxd sees it.
public enum IPMIPlugin {
    // Made once, at the first call of the entry, and never changed.
    nonisolated(unsafe) private static let made = Plugin.describe(
        name: "ipmi-lite", version: "0.1.0",
        summary: "a management controller: IPMI 2.0 commands with state that lasts",
        inputs: [.messages], needs: .messages, options: OptionTree.all, requests: requests,
        check: { options, report in
            Plugin.check(options, report) { options, report in
                _ = Setup(options, OptionProblems { report.error($0, $1) })
            }
        },
        create: { host, channel, options, instance in
            Plugin.create(host, channel, options, instance) { host, options throws(HandlerError) in
                try IPMIHandler(host: host, options: options)
            }
        })

    /// The descriptor that `kcs_plugin_entry` returns.
    public static var descriptor: UnsafePointer<kcs_plugin> { made }

    private static var requests: [kcs_request_length] {
        CommandTable.requestLengths.map {
            kcs_request_length(
                net_fn: $0.netFn, command: $0.command, shortest: UInt16($0.shortest), longest: UInt16($0.longest),
                reserved: 0)
        }
    }
}
