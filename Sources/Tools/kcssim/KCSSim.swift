// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PluginHost

/// The program: makes simulated KCS devices, and is the host CPU's side of them.
@main struct KCSSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kcssim",
        abstract: "Makes simulated KCS devices, and is the host CPU's side of them.",
        discussion: """
            A device is a directory. Either side makes it on first use; `create` is for devices that are not the \
            default one. Bytes are 0x.. or decimal. Exit status: 0 done, 1 not done, with the reason, 64 wrong usage.
            """,
        version: "kcssim \(Version.text)\nplugin ABI \(Version.abi)\nbuild \(Version.build)",
        // One line each, in the order of the help.
        subcommands: [
            Create.self,
            Out.self,
            In.self,
            Watch.self,
            Trigger.self,
            IPMICommand.self,
            SoakCommand.self,
            Demo.self,
            MCTPCommand.self,
            Mount.self,
            PluginCommand.self,
            ReplayCommand.self,
            FuzzCommand.self,
            ReportCommand.self,
            CertifyCommand.self,
            SchemaCommand.self,
        ])
}
