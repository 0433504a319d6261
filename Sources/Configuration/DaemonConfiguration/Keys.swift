// SPDX-License-Identifier: Apache-2.0
import Common
import Schema

/// The keys of kcsmuxd's own file, their defaults and ranges. Everything that reads, documents or lists them starts here.
public enum Keys {
    private static let millisecond: Int64 = 1_000_000
    private static let second: Int64 = 1_000_000_000
    private static let hour: Int64 = 3600 * 1_000_000_000

    /// The whole file, where these are the types of devices. One that includes others needs no channels of its own.
    public static func file(_ devices: [DeviceType], needsChannels: Bool = true) -> OptionShape {
        OptionShape(.object, children: file + [channels(devices, isRequired: needsChannels)])
    }

    /// A file that another one includes.
    static func included(_ devices: [DeviceType]) -> OptionShape {
        OptionShape(
            .object,
            children: [
                OptionShape(.integer, key: "version", help: "The format of this file; always 1."),
                channels(devices, isRequired: true),
            ])
    }

    private static func channels(_ devices: [DeviceType], isRequired: Bool) -> OptionShape {
        OptionShape(
            .list, key: "channels", help: "The KCS channels, one element each.", required: isRequired, maximum: 4096,
            children: [channel(devices)])
    }

    private static let include = OptionShape(
        .oneOf, key: "include",
        help: "Files, and folders of *.yaml in the order of names, with channels more; relative to this file's folder.",
        children: [OptionShape(.path), OptionShape(.list, maximum: 64, children: [OptionShape(.path)])])

    private static let file = [
        OptionShape(.integer, key: "version", help: "The format of this file; always 1.", required: true),
        OptionShape(
            .list, key: "plugin_path",
            help: "Folders in which plugins named by a short name are looked for first.", defaultText: "[]",
            maximum: 32, children: [OptionShape(.path)]),
        OptionShape(
            .path, key: "state_directory", help: "Where plugins and the daemon keep what must survive a restart.",
            defaultText: "/var/lib/kcsmux"),
        OptionShape(
            .enumeration, key: "plugin_trust",
            help: "strict refuses a plugin file, or its folder, that others than its owner may write.",
            defaultText: "strict", choices: PluginTrust.words),
        OptionShape(
            .path, key: "sysrq_path",
            help: "Where sysrq actions write their letter; must be given for sim channels.",
            defaultText: "/proc/sysrq-trigger"),
        OptionShape(
            .duration, key: "hang_timeout",
            help: "A plugin's call that does not return within this time ends the process with a report.",
            defaultText: "2s", minimum: 100 * millisecond, maximum: hour),
        realtime,
        control,
        captureDefaults,
        include,
    ]

    private static let realtime = OptionShape(
        .object, key: "realtime", help: "Scheduling of the process; nothing is changed for a key that is left out.",
        children: [
            OptionShape(
                .enumeration, key: "policy", help: "Real-time scheduling class.",
                choices: RealtimeConfiguration.Policy.words),
            OptionShape(
                .integer, key: "priority", help: "Priority in that class; needs policy.", defaultText: "50", minimum: 1,
                maximum: 99),
            OptionShape(
                .bool, key: "lock_memory", help: "Keep all of the process in memory.", defaultText: "false"),
            OptionShape(.integer, key: "cpu", help: "Run on this processor only.", minimum: 0, maximum: 1023),
        ])

    private static let control = OptionShape(
        .object, key: "control",
        help: "The socket for kcsctl. Without this key a socket that can't be made is a warning only.",
        children: [
            OptionShape(
                .path, key: "socket", help: "Its path.", defaultText: "/run/kcsmux/control.sock", maximum: 107),
            OptionShape(
                .integer, key: "mode", help: "Its permissions, octal.", defaultText: "0600", minimum: 0, maximum: 0o777,
                isFileMode: true),
            OptionShape(
                .string, key: "group", help: "Its group; the daemon's own unless given.", minimum: 1, maximum: 64),
        ])

    private static let captureDefaults = OptionShape(
        .object, key: "capture", help: "The flight recorder: defaults for every channel.",
        children: recorder + [keep])

    private static let keep = OptionShape(
        .object, key: "keep",
        help: "What dumps may take in the folder: the oldest go first, never the newest nor that of the last failure.",
        children: [
            OptionShape(
                .size, key: "size", help: "Bytes in all.", defaultText: "16MiB", minimum: 64 << 10, maximum: 1 << 40),
            OptionShape(.integer, key: "count", help: "Files in all.", defaultText: "32", minimum: 1, maximum: 10_000),
            OptionShape(
                .duration, key: "age", help: "How old one may become.", defaultText: "720h", minimum: hour,
                maximum: 100_000 * hour),
        ])

    private static var recorder: [OptionShape] {
        [
            OptionShape(
                .enumeration, key: "mode", help: "none; ring: the last events, in memory; file: all events.",
                defaultText: "ring", choices: CaptureConfiguration.Mode.words),
            OptionShape(
                .integer, key: "events", help: "Events that the ring holds.", defaultText: "4096", minimum: 16,
                maximum: 1 << 20),
            OptionShape(
                .bool, key: "persist", help: "Keep the ring in a file, so that it survives the process.",
                defaultText: "false"),
            OptionShape(
                .size, key: "max_size", help: "A capture file is followed by the next at this size.",
                defaultText: "16MiB", minimum: 64 << 10, maximum: 1 << 40),
            OptionShape(
                .integer, key: "max_files", help: "The oldest capture file is removed when there are more.",
                defaultText: "4", minimum: 1, maximum: 10_000),
            OptionShape(
                .path, key: "directory", help: "Where captures go.", defaultText: "/var/lib/kcsmux/capture"),
        ]
    }

    private static func channel(_ devices: [DeviceType]) -> OptionShape {
        OptionShape(
            .object,
            children: [
                OptionShape(
                    .string, key: "name", help: "Its name, unique: a letter, then at most 31 of a-z, 0-9 and -.",
                    required: true),
                OptionShape(.bool, key: "enabled", help: "Start it with the daemon.", defaultText: "true"),
                device(devices),
                OptionShape(
                    .string, key: "plugin", help: "The handler: a plugin's short name, or a path with a / in it.",
                    minimum: 1,
                    maximum: 4095),
                options,
                OptionShape(
                    .list, key: "plugins",
                    help: "Instead of plugin: several message handlers; each message is offered to them in order.",
                    minimum: 1, maximum: 16, children: [handler]),
                transfer,
                captureOverrides,
                restart,
                OptionShape(
                    .enumeration, key: "isolation",
                    help: "process: device and handlers are served by a process of their own, which may die alone.",
                    defaultText: "none", choices: ChannelConfiguration.Isolation.words),
                OptionShape(
                    .duration, key: "call_budget", help: "A plugin's call that takes longer is reported.",
                    defaultText: "10ms", minimum: 10_000, maximum: 60 * second),
                log,
            ])
    }

    private static let log = OptionShape(
        .object, key: "log", help: "The channel's lines in the log.",
        children: [
            OptionShape(
                .enumeration, key: "level", help: "Lines that matter less are not written; the daemon's unless given.",
                choices: LogLevel.allCases.map { $0.name }),
            OptionShape(
                .integer, key: "repeats",
                help: "Lines of a plugin that differ in numbers only: so many are written at once,",
                defaultText: "20", minimum: 1, maximum: 100_000),
            OptionShape(
                .duration, key: "interval", help: "then one in this time, with the count of the others.",
                defaultText: "1s", minimum: millisecond, maximum: 24 * hour),
        ])

    private static let options = OptionShape(
        .object, key: "options", help: "What the plugin declares; see kcsctl plugin info.", isUnchecked: true)

    private static let handler = OptionShape(
        .object,
        children: [
            OptionShape(
                .string, key: "plugin", help: "A plugin's short name, or a path with a / in it.", required: true,
                minimum: 1, maximum: 4095),
            options,
        ])

    private static func device(_ devices: [DeviceType]) -> OptionShape {
        OptionShape(
            .object, key: "device", help: "The device that carries the channel.", required: true,
            children: [
                OptionShape(
                    .enumeration, key: "type", help: "What kind of device.", required: true,
                    choices: devices.map { $0.name }),
                OptionShape(
                    .path, key: "path", help: "The device node; for sim, the device's folder.", required: true),
                OptionShape(
                    .enumeration, key: "driver",
                    help:
                        "How a raw-kcs driver treats IDR: v2 and fixed take it in the interrupt, deferred at the read.",
                    defaultText: "v2", choices: DeviceConfiguration.Driver.words),
                OptionShape(
                    .duration, key: "wait",
                    help: "How long its absence, or its being held by another, is normal; then it is worth a warning.",
                    defaultText: "30s", minimum: 100 * millisecond, maximum: 24 * hour),
                window,
            ])
    }

    private static let window = OptionShape(
        .object, key: "window", help: "Memory shared with the host, for plugins whose protocol needs some.",
        children: [
            OptionShape(
                .enumeration, key: "type",
                help: "aspeed-lpc-ctrl: the memory that its driver reserves; memory: a file such as /dev/mem.",
                required: true, choices: WindowConfiguration.Kind.words),
            OptionShape(
                .path, key: "path", help: "The file to map; for aspeed-lpc-ctrl, /dev/aspeed-lpc-ctrl unless given."),
            OptionShape(
                .size, key: "offset", help: "Where the window begins in it; a multiple of 4KiB.", defaultText: "0",
                minimum: 0),
            OptionShape(
                .size, key: "size", help: "Its length; for aspeed-lpc-ctrl, all of the memory unless given.",
                minimum: 1,
                maximum: 1 << 32),
        ])

    private static let transfer = OptionShape(
        .object, key: "transfer", help: "How messages are carried, for handlers of messages.",
        children: [
            OptionShape(
                .enumeration, key: "handshake",
                help: "strict looks before it reads; fast reads at once. strict unless the driver is deferred.",
                choices: TransferConfiguration.Handshake.words),
            OptionShape(
                .enumeration, key: "rest",
                help: "The state between transfers, if strict; auto unless given: idle where a plugin wants it.",
                choices: TransferConfiguration.Rest.words),
            OptionShape(
                .duration, key: "timeout",
                help: "A message that no handler answered in this time is answered with C3; hosts wait 5s.",
                defaultText: "4s", minimum: 10 * millisecond, maximum: hour),
        ])

    private static let captureOverrides = OptionShape(
        .object, key: "capture", help: "The flight recorder of this channel, where it differs from the defaults.",
        children: recorder.map { shape in
            OptionShape(
                shape.type, key: shape.key, help: shape.help, minimum: shape.minimum, maximum: shape.maximum,
                choices: shape.choices)
        })

    private static let restart = OptionShape(
        .object, key: "restart", help: "What happens after a handler's failure.",
        children: [
            OptionShape(
                .enumeration, key: "policy", help: "never, or again after a pause.", defaultText: "on-failure",
                choices: RestartConfiguration.Policy.words),
            OptionShape(
                .duration, key: "backoff", help: "The first pause; each further one is twice as long.",
                defaultText: "1s",
                minimum: millisecond, maximum: 24 * hour),
            OptionShape(
                .duration, key: "backoff_max", help: "The longest pause.", defaultText: "60s", minimum: millisecond,
                maximum: 24 * hour),
            OptionShape(
                .integer, key: "give_up",
                help: "After so many crashes in an hour it stays down until somebody starts it; 0 for never.",
                defaultText: "5", minimum: 0, maximum: 100),
        ])
}
