// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import Devices
import JSON
import PluginHost
import Schema

/// kcsmuxd's file as a JSON Schema (draft 2020-12), for editors that complete and check it while it is written. Made of the
/// declarations that kcsmuxd itself checks the file with. What ties several keys together, and what numbers with a unit may be at
/// most, only `--check-config` knows.
struct FileSchema {
    private let plugins: [LoadedPlugin]

    /// A schema in which `options` are those of these plugins, called by their short names.
    init(_ plugins: [LoadedPlugin]) { self.plugins = plugins }

    /// The schema, one line.
    func line(_ kinds: [DeviceKind]) -> [UInt8] {
        var members = Self.members(of: Keys.file(kinds.map { DeviceType($0) }, needsChannels: false))
        // One of them is enough: a file may leave all channels to those that it includes.
        let sources = ["channels", "include"].map { ["required": .array([.string($0)])] as JSONValue }
        members.append(JSONMember("anyOf", .array(sources)))
        members.insert(JSONMember("$schema", .string("https://json-schema.org/draft/2020-12/schema")), at: 0)
        members.insert(JSONMember("title", .string("kcsmux.yaml")), at: 1)
        let options = plugins.map { plugin in
            JSONValue.object([
                JSONMember(
                    "if",
                    [
                        "properties": ["plugin": ["const": .string(plugin.name)]],
                        "required": .array([.string("plugin")]),
                    ]),
                JSONMember("then", ["properties": ["options": Self.schema(plugin.options)]]),
            ])
        }
        members.append(
            JSONMember(
                "$defs",
                [
                    "actions": Self.actions,
                    "duration": ["type": .string("string"), "pattern": .string("^[0-9]+(us|ms|s|m|h)$")],
                    "size": [
                        "anyOf": .array([
                            ["type": .string("integer"), "minimum": .integer(0)],
                            ["type": .string("string"), "pattern": .string("^[0-9]+[KMGT]iB$")],
                        ])
                    ],
                    "byte": [
                        "anyOf": .array([
                            ["type": .string("integer"), "minimum": .integer(0), "maximum": .integer(255)],
                            ["type": .string("string"), "minLength": .integer(1), "maxLength": .integer(1)],
                        ])
                    ],
                    "handler": options.isEmpty ? .bool(true) : ["allOf": .array(options)],
                ]))
        return JSONValue.object(members).line
    }

    private static func schema(_ shape: OptionShape) -> JSONValue { .object(members(of: shape)) }

    private static func reference(_ name: String) -> JSONMember { JSONMember("$ref", .string("#/$defs/\(name)")) }

    private static func members(of shape: OptionShape) -> [JSONMember] {
        var members: [JSONMember] = []
        if !shape.help.isEmpty { members.append(JSONMember("description", .string(shape.help))) }
        if let text = shape.defaultText { members.append(JSONMember("default", value(text, shape.type))) }
        switch shape.type {
        case .absent: break
        case .object:
            members.append(JSONMember("type", .string("object")))
            if !shape.isUnchecked { members += object(shape) }
        case .list:
            members += [JSONMember("type", .string("array")), JSONMember("items", schema(shape.children[0]))]
            members += bounds(shape, "minItems", "maxItems")
        case .map:
            members += [
                JSONMember("type", .string("object")), JSONMember("additionalProperties", schema(shape.children[1])),
            ]
            members += bounds(shape, "minProperties", "maxProperties")
        case .oneOf: members.append(JSONMember("anyOf", .array(shape.children.map { schema($0) })))
        case .enumeration: members.append(JSONMember("enum", .array(shape.choices.map { .string($0) })))
        case .bool: members.append(JSONMember("type", .string("boolean")))
        case .integer:
            members.append(JSONMember("type", .string("integer")))
            // A mode is octal, which no editor reads as kcsmuxd does.
            if !shape.isFileMode { members += bounds(shape, "minimum", "maximum") }
        case .duration: members.append(reference("duration"))
        case .size: members.append(reference("size"))
        case .string, .path:
            members.append(JSONMember("type", .string("string")))
            members += bounds(shape, "minLength", "maxLength")
        case .byte: members.append(reference("byte"))
        case .bytes:
            let list: JSONValue = ["type": .string("array"), "items": .object([reference("byte")])]
            members.append(JSONMember("anyOf", .array([list, ["type": .string("string")]])))
        case .actions: members.append(reference("actions"))
        }
        return members
    }

    private static func object(_ shape: OptionShape) -> [JSONMember] {
        var members = [
            JSONMember("properties", .object(shape.children.map { JSONMember($0.key, schema($0)) })),
            JSONMember("additionalProperties", .bool(false)),
        ]
        let required = shape.children.filter { $0.required }
        if !required.isEmpty { members.append(JSONMember("required", .array(required.map { .string($0.key) }))) }
        // A channel, or one of its `plugins`.
        if shape.children.contains(where: { $0.isUnchecked }) { members.append(reference("handler")) }
        return members
    }

    private static func bounds(_ shape: OptionShape, _ least: String, _ most: String) -> [JSONMember] {
        var members: [JSONMember] = []
        if let minimum = shape.minimum { members.append(JSONMember(least, .integer64(minimum))) }
        if let maximum = shape.maximum { members.append(JSONMember(most, .integer64(maximum))) }
        return members
    }

    private static var actions: JSONValue {
        let keys = ActionDeclaration.all.map { $0.shape } + [ActionDeclaration.limit, ActionDeclaration.otherwise]
        return [
            "type": .string("array"), "maxItems": .integer(ActionDeclaration.most),
            "items": [
                "type": .string("object"), "properties": .object(keys.map { JSONMember($0.key, schema($0)) }),
                "additionalProperties": .bool(false),
            ],
        ]
    }

    /// A default as the schema has it: what is no number and no boolean is text.
    private static func value(_ text: String, _ type: OptionType) -> JSONValue {
        switch type {
        case .bool: .bool(text == "true")
        case .integer: (try? Literal.integer(text)).map { .integer64($0) } ?? .string(text)
        case .list where text == "[]": .array([])
        default: .string(text)
        }
    }
}

extension DeviceType {
    /// What a file's check has to know of a kind of device.
    init(_ kind: DeviceKind) {
        self.init(
            name: kind.name, hasRegisters: kind.capabilities.contains(.status),
            hasMessages: kind.capabilities.contains(.messages), isSimulated: kind.isSimulated)
    }
}
