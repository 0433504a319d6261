// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import IPMI
import PluginKit

/// The plugin as kcsmuxd sees it.
public enum IPMIPlugin {
    private static let plugin: Plugin = Plugin(
        name: "ipmi-lite", version: "0.1.0",
        summary: "a management controller: IPMI 2.0 commands with state that lasts",
        inputs: [.messages], needs: .messages, options: OptionTree.all, requests: requests, commands: commands,
        check: {
            plugin.check($0, $1) { options, report in
                _ = Setup(options, OptionProblems { report.error($0, $1) })
            }
        },
        create: {
            plugin.create($0, $1, $2, $3) { host, options throws(HandlerError) in
                try IPMIHandler(host: host, options: options)
            }
        })

    /// The descriptor that `kcs_plugin_entry` returns.
    public static var descriptor: UnsafePointer<kcs_plugin> { plugin.descriptor }

    private static var requests: [kcs_request_length] {
        var requests: [kcs_request_length] = []
        for definition in CommandTable.all {
            // NetFn and command byte count as well.
            requests.append(
                kcs_request_length(
                    net_fn: definition.netFn.rawValue, command: definition.command.rawValue,
                    shortest: UInt16(definition.shortest) + 2, longest: UInt16(definition.longest) + 2, reserved: 0))
        }
        return requests
    }

    private static var commands: [kcs_command] {
        var commands: [kcs_command] = []
        for definition in CommandTable.all {
            var entry = kcs_command()
            entry.net_fn = definition.netFn.rawValue
            entry.command = definition.command.rawValue
            entry.set(codes: definition.codes)
            commands.append(entry)
        }
        return commands
    }
}
