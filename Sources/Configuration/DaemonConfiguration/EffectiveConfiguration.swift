// SPDX-License-Identifier: Apache-2.0
import Schema
import YAML

/// A file as it takes effect: its defaults, what channels take over from the file, and the plugins' options filled in.
public enum EffectiveConfiguration {
    /// As YAML that kcsmuxd reads as the same again. `file` is the whole file, checked and without mistakes; `options` has,
    /// for each channel, the checked options of each of its handlers.
    /// With `only`, as if that channel were the only one.
    public static func yaml(
        _ file: Value, _ configuration: Configuration, options: [[Value]], only: Int? = nil
    ) -> String {
        ValueText.yaml(
            object(file) { key, value in
                if key == "realtime" && !value["policy"].isGiven {
                    // A priority means something with a policy only.
                    return object(value) { key, value in key == "priority" ? with(value, .absent) : value }
                }
                guard key == "channels", let list = value.list else { return value }
                let channels = list.indices.filter { only == nil || only == $0 }.map { index in
                    channel(
                        list[index], configuration.channels[index], file["capture"],
                        options: index < options.count ? options[index] : [])
                }
                return with(value, .list(channels))
            })
    }

    private static func channel(
        _ channel: Value, _ configuration: ChannelConfiguration, _ defaults: Value, options: [Value]
    ) -> Value {
        let type = configuration.device.type
        return object(channel) { key, value in
            switch key {
            case "options": return channel["plugins"].isAbsent ? options.first ?? value : value
            case "plugins":
                guard let list = value.list, list.count == options.count else { return value }
                return with(
                    value,
                    .list(
                        list.indices.map { index in
                            object(list[index]) { key, value in key == "options" ? options[index] : value }
                        }))
            case "capture":
                return object(defaults) { key, base in
                    // The folder's budget is that of all channels.
                    if key == "keep" { return with(base, .absent) }
                    return value[key].isAbsent ? base : value[key]
                }
            case "transfer" where type.hasRegisters:
                let transfer = configuration.transfer
                return object(value) { key, value in
                    switch key {
                    case "handshake": with(value, .enumeration(transfer.handshake.rawValue))
                    case "rest": with(value, .enumeration(transfer.rest.rawValue))
                    default: value
                    }
                }
            case "transfer": return type.hasMessages ? value : with(value, .absent)
            case "device" where !type.hasRegisters:
                return object(value) { key, value in key == "driver" ? with(value, .absent) : value }
            default: return value
            }
        }
    }

    /// An object with each member made anew. Not inlined: seven copies of the walk would be 4 KB.
    @inline(never) private static func object(_ value: Value, _ member: (String, Value) -> Value) -> Value {
        with(value, .object((value.object ?? []).map { Value.Member($0.key, member($0.key, $0.value)) }))
    }

    private static func with(_ value: Value, _ payload: Value.Payload) -> Value {
        Value(type: value.type, mark: value.mark, isGiven: value.isGiven, payload: payload)
    }
}
