// SPDX-License-Identifier: Apache-2.0
import DBus

/// What OpenBMC's services do for an action.
enum Tasks {
    private static let properties = "org.freedesktop.DBus.Properties"
    private static let progress = "xyz.openbmc_project.Common.Progress"

    // MARK: Dump

    /// Makes a dump, and waits for its end, whatever that is.
    static func dump(_ bus: Bus, _ kind: String) {
        let service = "xyz.openbmc_project.Dump.Manager"
        var object: String?
        bus.signalled = { event in
            // What has changed is not of interest: it is asked for anew.
            if event.member == "PropertiesChanged", event.path == object { look(bus, service, event.path) }
        }
        // First listened to, then made, then looked at: no change is missed.
        let rule = "type='signal',interface='\(properties)',member='PropertiesChanged',arg0='\(progress)'"
        let name = BusConnection.bus
        bus.call(name, "/org/freedesktop/DBus", name, "AddMatch", { $0.string(rule) }) { _ in
            bus.call(
                service, "/xyz/openbmc_project/dump/\(kind)", "xyz.openbmc_project.Dump.Create", "CreateDump",
                { $0.emptyArray(of: "{sv}") }
            ) { answer in
                guard let path = answer.path() else { return bus.end("\(service) CreateDump: no object in the answer") }
                object = path
                look(bus, service, path)
            }
        }
    }

    private static func look(_ bus: Bus, _ service: String, _ path: String) {
        bus.call(
            service, path, properties, "Get",
            {
                $0.string(progress)
                $0.string("Status")
            }
        ) { answer in
            guard answer.enter(.variant, "s"), let text = answer.string() else {
                return bus.end("\(service): the dump's status is no text")
            }
            switch text.split(separator: ".").last ?? "" {
            case "Completed": bus.end()
            case "NotStarted", "InProgress": break
            case let word: bus.end("the dump ended as \(word)")
            }
        }
    }

    // MARK: Reboot and units

    /// Asks the BMC's state manager for a reboot, or, if there is none, systemd.
    static func reboot(_ bus: Bus) {
        let service = "xyz.openbmc_project.State.BMC"
        bus.call(
            service, "/xyz/openbmc_project/state/bmc0", properties, "Set",
            {
                $0.string(service)
                $0.string("RequestedBMCTransition")
                $0.open(.variant, "s")
                $0.string("xyz.openbmc_project.State.BMC.Transition.Reboot")
                $0.close()
            }, failed: { _ in start(bus, "reboot.target", "replace-irreversibly") }
        ) { _ in bus.end() }
    }

    /// Asks systemd to start a unit.
    static func start(_ bus: Bus, _ unit: String, _ mode: String = "replace") {
        bus.call(
            "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "StartUnit",
            {
                $0.string(unit)
                $0.string(mode)
            }
        ) { _ in bus.end() }
    }

    // MARK: Event

    /// Makes an entry in the BMC's event log. `data` are KEY=VALUE.
    static func event(_ bus: Bus, _ message: String, _ severity: String, _ data: [String]) {
        bus.call(
            "xyz.openbmc_project.Logging", "/xyz/openbmc_project/logging", "xyz.openbmc_project.Logging.Create",
            "Create",
            { writer in
                writer.string(message)
                writer.string("xyz.openbmc_project.Logging.Entry.Level." + severity)
                writer.open(.array, "{ss}")
                for pair in data {
                    let key = pair.prefix { $0 != "=" }
                    writer.open(.entry, "ss")
                    writer.string(String(key))
                    writer.string(String(pair.dropFirst(key.count + 1)))
                    writer.close()
                }
                writer.close()
            }
        ) { _ in bus.end() }
    }
}
