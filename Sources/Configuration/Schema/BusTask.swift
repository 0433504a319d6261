// SPDX-License-Identifier: Apache-2.0
//
// What OpenBMC's services do for an action. The daemon knows the words only: kcsmux-dbus, which it runs, knows the services
// (Sources/Daemon/kcsmux-dbus).

extension ActionKind {
    /// Something for kcsmux-dbus to do.
    public struct BusTask: Equatable, Sendable {
        /// Its command line, the program left out: the action's key first.
        public let arguments: [String]
        /// What the key holds.
        public let held: Value.Payload

        /// In words: "dump bmc", "unit x.service", "event".
        var words: String { arguments[0] == "event" ? "event" : arguments.joined(separator: " ") }
    }
}

extension ActionKind {
    static let busTable: [ActionDeclaration] = [
        row(
            OptionShape(
                .enumeration, key: "dump", help: "Have OpenBMC make a dump, and wait until it is complete.",
                choices: ["bmc", "faultlog", "hardware", "hostboot", "sbe", "system"]),
            timeout: .seconds(600)),
        row(
            OptionShape(.enumeration, key: "reboot", help: "Have OpenBMC, or systemd, reboot.", choices: ["bmc"]),
            timeout: .seconds(30)),
        row(
            OptionShape(.string, key: "unit", help: "Have systemd start this unit.", minimum: 1, maximum: 255),
            timeout: .seconds(30)),
        ActionDeclaration(
            OptionShape(
                .object, key: "event", help: "Make an entry in OpenBMC's event log.",
                children: [
                    OptionShape(
                        .string, key: "message",
                        help: "What happened: a name, as xyz.openbmc_project.Host.Error.Trigger.",
                        required: true, minimum: 1, maximum: 1024),
                    OptionShape(
                        .enumeration, key: "severity", help: "How bad it is.", defaultText: "Error",
                        choices: [
                            "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug",
                        ]),
                    OptionShape(
                        .map, key: "data", help: "More about it.", maximum: 32,
                        children: [
                            OptionShape(.string, minimum: 1, maximum: 256), OptionShape(.string, maximum: 1024),
                        ]),
                ]),
            timeout: .seconds(10)
        ) { value throws(ActionFault) in
            guard let message = value["message"].text, let severity = value["severity"].word else { return nil }
            var arguments = ["event", message, severity]
            for pair in value["data"].map ?? [] { arguments.append("\(pair.key.text ?? "")=\(pair.value.text ?? "")") }
            return .bus(BusTask(arguments: arguments, held: value.payload))
        },
    ]

    /// An action whose key holds one word.
    private static func row(_ shape: OptionShape, timeout: TimeSpan) -> ActionDeclaration {
        ActionDeclaration(shape, timeout: timeout) { [key = shape.key] value throws(ActionFault) in
            (value.word ?? value.text).map { .bus(BusTask(arguments: [key, $0], held: value.payload)) }
        }
    }
}
