// SPDX-License-Identifier: Apache-2.0

/// What a connection says about its objects: OpenBMC's object mapper asks every owner of an `xyz.` name, from `/` down, and
/// complains of each that does not answer.
public struct Introspection: Sendable {
    /// An object, and the one interface that it has.
    public struct Object: Sendable {
        let path: String
        let interface: String
        /// Methods without arguments, each with the signature of its result.
        let methods: [(name: String, result: String)]

        /// An object.
        public init(path: String, interface: String, methods: [(name: String, result: String)]) {
            self.path = path
            self.interface = interface
            self.methods = methods
        }
    }

    private let objects: [Object]

    /// What there is to say about these.
    public init(_ objects: [Object]) { self.objects = objects }

    /// The description of an object, or of one on the way to objects; nil where there is none.
    public func document(_ path: String) -> String? {
        let parent = path == "/" ? [] : Array(path.utf8)
        var body = ""
        var children: [[UInt8]] = []
        for object in objects {
            let bytes = Array(object.path.utf8)
            if bytes == Array(path.utf8) {
                body += interface(object)
            } else if bytes.starts(with: parent), bytes.count > parent.count + 1, bytes[parent.count] == Self.slash {
                let child = Array(bytes[(parent.count + 1)...].prefix { $0 != Self.slash })
                if !children.contains(child) { children.append(child) }
            }
        }
        guard !body.isEmpty || !children.isEmpty else { return nil }
        for child in children { body += " <node name=\"" + String(decoding: child, as: UTF8.self) + "\"/>\n" }
        return Self.head + body + "</node>\n"
    }

    private static let slash = UInt8(ascii: "/")

    private static let head =
        "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
        + "\"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n"
        + " <interface name=\"org.freedesktop.DBus.Peer\">\n  <method name=\"Ping\"/>\n"
        + "  <method name=\"GetMachineId\"><arg type=\"s\" direction=\"out\"/></method>\n </interface>\n"
        + " <interface name=\"org.freedesktop.DBus.Introspectable\">\n"
        + "  <method name=\"Introspect\"><arg type=\"s\" direction=\"out\"/></method>\n </interface>\n"

    private func interface(_ object: Object) -> String {
        var text = " <interface name=\"" + object.interface + "\">\n"
        for method in object.methods {
            text += "  <method name=\"" + method.name + "\""
            text +=
                method.result.isEmpty
                ? "/>\n" : "><arg type=\"" + method.result + "\" direction=\"out\"/></method>\n"
        }
        return text + " </interface>\n"
    }
}
