// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import YAML

/// Rules about one key that its shape can't state, and rules that tie several keys together. A value that is absent
/// was reported already where that is a mistake.
struct CrossChecks {
    private let diagnostics: Diagnostics

    init(_ diagnostics: Diagnostics) { self.diagnostics = diagnostics }

    func version(_ value: Value) {
        guard let version = value.integer, version != 1 else { return }
        diagnostics.error(
            "version \(version) of this format is not known; this kcsmuxd reads version 1", at: value.mark)
    }

    func realtime(_ members: Value) {
        if members["priority"].isGiven && !members["policy"].isGiven {
            diagnostics.error("'priority' means something with 'policy: fifo' only", at: members["priority"].mark)
        }
    }

    func channel(_ members: Value) {
        if let name = members["name"].text, !CrossChecks.isChannelName(name) {
            diagnostics.error(
                "\(quote(name)) can't be a channel's name: a letter a-z, then at most 31 of a-z, 0-9 and -",
                at: members["name"].mark)
        }
        let (plugin, plugins, options) = (members["plugin"], members["plugins"], members["options"])
        if plugin.isGiven && plugins.isGiven {
            diagnostics.error("'plugin' and 'plugins' exclude each other", at: max(plugin.mark, plugins.mark))
        } else if !plugin.isGiven && !plugins.isGiven {
            diagnostics.error("missing key 'plugin' (or 'plugins')", at: members["name"].mark)
        } else if plugins.isGiven && options.isGiven {
            diagnostics.error("'options' belong to each element of 'plugins'", at: options.mark)
        }
    }

    func plugin(_ value: Value) {
        guard let plugin = value.text, !plugin.utf8.contains(UInt8(ascii: "/")) else { return }
        let isName = plugin.utf8.allSatisfy {
            CrossChecks.isSmallLetter($0) || CrossChecks.isDigit($0) || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: "_")
        }
        if !isName {
            diagnostics.error(
                "\(quote(plugin)) is no plugin's short name (a-z, 0-9, - and _), and without a / it is no path",
                at: value.mark)
        }
    }

    func device(_ members: Value, _ type: DeviceType) {
        guard !type.hasRegisters else { return }
        for key in ["driver", "window"] where members[key].isGiven {
            diagnostics.error("\(quote(key)) means nothing for a device of type \(type.name)", at: members[key].mark)
        }
    }

    func window(_ members: Value) {
        if let offset = members["offset"].size, offset % 4096 != 0 {
            diagnostics.error(
                "'offset' is \(Quantity.size(offset)); it must be a multiple of 4KiB", at: members["offset"].mark)
        }
        guard members["type"].enumeration(as: WindowConfiguration.Kind.self) == .memory else { return }
        for key in ["path", "size"] where !members[key].isGiven {
            diagnostics.error("missing key \(quote(key)), which a window of memory needs", at: members["type"].mark)
        }
    }

    func transfer(_ value: Value, _ device: DeviceConfiguration) {
        let (type, handshake) = (device.type, value["handshake"])
        guard value.isGiven else { return }
        if type.hasRegisters {
            guard device.driver != .deferred, handshake.enumeration(as: TransferConfiguration.Handshake.self) == .fast
            else { return }
            diagnostics.warning(
                "'handshake' is fast, but the driver is \(device.driver.rawValue), which takes IDR by itself: most hosts"
                    + " will give up; leave it out, or say 'driver: deferred' if that is what the device does",
                at: handshake.mark)
            return
        }
        if !type.hasMessages {
            diagnostics.error("'transfer' means nothing for a device of type \(type.name)", at: value.mark)
            return
        }
        for key in ["handshake", "rest"] where value[key].isGiven {
            diagnostics.error(
                "\(quote(key)) means nothing for a device of type \(type.name), where the kernel runs the transfer",
                at: value[key].mark)
        }
    }

    func restart(_ members: Value) {
        let (first, longest) = (members["backoff"], members["backoff_max"])
        guard let least = first.duration, let most = longest.duration, most < least else { return }
        diagnostics.error(
            "'backoff_max' is \(most.text), less than 'backoff', which is \(least.text)",
            at: longest.isGiven ? longest.mark : first.mark)
    }

    func unique(_ channels: [ChannelConfiguration]) {
        // Where names stand, and the channels with a path.
        var names: [String: Mark] = [:]
        var paths: [String: Int] = [:]
        for (index, channel) in channels.enumerated() {
            if let first = names[channel.name], !channel.name.isEmpty {
                diagnostics.error(
                    "the name \(quote(channel.name)) is taken by the channel at "
                        + diagnostics.place(first, from: channel.nameOrigin.mark), at: channel.nameOrigin.mark)
            } else {
                names[channel.name] = channel.nameOrigin.mark
            }
            guard !channel.device.path.isEmpty else { continue }
            let path = CrossChecks.plain(channel.device.path)
            if let first = paths[path].map({ channels[$0] }) {
                let mark = channel.device.pathOrigin.mark
                let place = diagnostics.place(first.device.pathOrigin.mark, from: mark)
                diagnostics.error(
                    "the device \(quote(channel.device.path)) is that of channel \(quote(first.name)), at \(place), already",
                    at: mark)
            } else {
                paths[path] = index
            }
        }
    }

    static func isChannelName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count <= 32, isSmallLetter(first) else { return false }
        return bytes.allSatisfy { isSmallLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// A path without doubled slashes and "." in it.
    private static func plain(_ path: String) -> String {
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
        let start = path.utf8.first == UInt8(ascii: "/") ? "/" : ""
        return start + parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    private static func isSmallLetter(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
    }
    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
