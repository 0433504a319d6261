// SPDX-License-Identifier: Apache-2.0
import DBus
import IPMIDBus
import LinuxIO
import PluginKit

/// What the options say.
struct BusSettings {
    /// nil: that of the channel.
    let name: String?
    let address: String
    let service: String
    let deadline: Duration
    let isHostIPMI: Bool

    /// Where D-Bus's own programs look for the system bus.
    static let systemBus = "unix:path=/run/dbus/system_bus_socket"

    static let declarations: [OptionDeclaration] = [
        .string(
            "name", 1...200,
            help: "the channel's name in ipmid's channel_config.json; default: the channel's, with _ for -"),
        .duration(
            "deadline", .milliseconds(10)...(.seconds(30)), default: "3500ms",
            help: "how long ipmid may take before the host CPU gets C3; less than transfer: {timeout}"),
        .bool(
            "host_ipmi", default: "false",
            help: "be org.openbmc.HostIpmi, too, which ipmid calls for attention; one channel of a BMC"),
        .string("service", 3...255, default: "xyz.openbmc_project.Ipmi.Host", help: "ipmid's name on the bus"),
        .string(
            "address", 6...1024,
            help: "of the bus; default $DBUS_SYSTEM_BUS_ADDRESS or unix:path=/run/dbus/system_bus_socket"),
    ]

    init(_ options: OptionValue) {
        name = options["name"].ifPresent?.string
        deadline = options["deadline"].duration
        isHostIPMI = options["host_ipmi"].bool
        service = options["service"].string
        address =
            options["address"].ifPresent?.string ?? CurrentProcess.environment("DBUS_SYSTEM_BUS_ADDRESS")
            ?? Self.systemBus
    }

    static func check(_ options: OptionValue, _ report: OptionReport) {
        if let name = options["name"].ifPresent, !ChannelNames.isElement(name.string) {
            report.error(name, "\(name.string) is no name on D-Bus: letters, digits and _, no digit first")
        }
        if let address = options["address"].ifPresent, !BusConnection.isLocal(address.string) {
            report.error(address, "\(address.string) is not the address of one local bus, as unix:path=/run/bus")
        }
        let service = options["service"]
        if !ChannelNames.isService(service.string) {
            report.error(service, "\(service.string) is no service's name on D-Bus, as xyz.openbmc_project.Ipmi.Host")
        }
    }
}
