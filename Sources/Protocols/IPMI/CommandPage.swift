// SPDX-License-Identifier: Apache-2.0
import Common

#if !hasFeature(Embedded)
    extension CommandTable {
        /// The command page, in Markdown, made from the table.
        public static var page: String {
            var text = "# Commands\n\n"
            text += "Made from the command table; a test compares the two. Codes are hexadecimal, LE is least"
            text += " significant\nbyte first, and `7:6` are bits. Every command may answer C2 (LUN not 0), C7 (wrong"
            text += " length) and D4\n(not permitted); a command that is not here gets C1.\n"
            var group = NetFn(rawValue: 0x3F)
            for definition in all {
                if definition.netFn != group {
                    group = definition.netFn
                    text += "\n## " + title(group) + "\n\n"
                    text += "| number | command | bytes | | request | response | codes |\n"
                    text += "|---|---|---|---|---|---|---|\n"
                }
                text += "| " + definition.number + " | " + definition.name + " | " + lengths(definition.length)
                text += " | " + definition.effect.word + " | " + definition.request + " | " + definition.response
                text += " | " + (definition.codes.isEmpty ? "" : Hex.bytes(definition.codes)) + " |\n"
            }
            return text
        }

        private static func lengths(_ range: ClosedRange<Int>) -> String {
            range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        }

        private static func title(_ netFn: NetFn) -> String {
            switch netFn {
            case .chassis: "Chassis"
            case .sensorEvent: "Sensor and event"
            case .app: "Application"
            case .storage: "Storage"
            default: "Transport"
            }
        }
    }
#endif
