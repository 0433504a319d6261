// SPDX-License-Identifier: Apache-2.0

/// Why a plugin was not loaded: which file, which rule, and what was found.
public struct LoadFailure: Error, Equatable, Sendable {
    /// The file, or the name that was looked for.
    public let file: String
    /// Which rule the file breaks.
    public let rule: Rule
    /// What was found instead, in words.
    public let finding: String

    /// The rules that a plugin's file and descriptor must keep.
    public enum Rule: Equatable, Sendable {
        /// It is where it is looked for, and can be read.
        case found
        /// Nobody but its owner can change it.
        case trusted
        /// It is a shared library for this machine, and all its symbols are there.
        case sharedLibrary
        /// A process that loads it lives on.
        case survival
        /// It exports `kcs_plugin_entry`.
        case entry
        /// It was built for this ABI.
        case abi
        /// Its descriptor is as long as its ABI says.
        case size
        /// Every required member is there.
        case required
        /// It works with a host as old as this one.
        case hostVersion
        /// What it declares makes sense.
        case declaration
        /// The device gives what it needs.
        case needs
    }

    /// A failure in its three parts.
    public init(_ file: String, _ rule: Rule, _ finding: String) {
        self.file = file
        self.rule = rule
        self.finding = finding
    }

    /// One line: the file, then the rule and the finding in a sentence.
    public var description: String {
        switch rule {
        case .found: return "\(file): plugin not found: \(finding)"
        case .trusted: return "\(file): plugin is not trusted: \(finding)"
        case .sharedLibrary: return "\(file): not a shared library that can be loaded: \(finding)"
        case .survival: return "\(file): plugin would have ended kcsmuxd: \(finding)"
        case .entry: return "\(file): plugin must export kcs_plugin_entry: \(finding)"
        case .abi: return "\(file): plugin has the wrong ABI: \(finding)"
        case .size: return "\(file): plugin descriptor is too small: \(finding)"
        case .required: return "\(file): plugin descriptor lacks a required member: \(finding)"
        case .hostVersion: return "\(file): plugin needs a newer kcsmuxd: \(finding)"
        case .declaration: return "\(file): plugin descriptor is wrong: \(finding)"
        case .needs: return "\(file): plugin does not work on this device: \(finding)"
        }
    }
}
