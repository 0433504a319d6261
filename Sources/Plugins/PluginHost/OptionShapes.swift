// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: reads a plugin's declaration tree. Its pointers can only be believed; counts, types and depth are bounded.
import CKCSPlugin
import Schema

/// A plugin's option tree as shapes.
enum OptionShapes {
    struct Fault: Error {
        let text: String
        var isOfANewerABI = false
    }

    private static let depthLimit = 16
    private static let childLimit: UInt64 = 4096
    /// Options in the whole tree: one that holds itself would have no end.
    private static let treeLimit = 4096

    static func read(_ descriptor: kcs_plugin) -> Result<OptionShape, Fault> {
        do {
            var left = treeLimit
            let members = try children(
                descriptor.options, descriptor.option_count, Int(clamping: descriptor.option_size), named: "options",
                depth: 0,
                &left)
            if let index = members.firstIndex(where: { $0.key.isEmpty }) {
                return .failure(Fault(text: "options[\(index)] has no key"))
            }
            return .success(OptionShape(.object, children: members))
        } catch {
            return .failure(error)
        }
    }

    private static func children(
        _ table: UnsafePointer<kcs_option>?, _ count: UInt64, _ stride: Int, named place: String, depth: Int,
        _ left: inout Int
    ) throws(Fault) -> [OptionShape] {
        guard count > 0 else { return [] }
        guard let table else { throw Fault(text: "\(place) is null, and its count is \(count)") }
        guard count <= childLimit else { throw Fault(text: "\(place) has \(count) elements") }
        guard depth < depthLimit else { throw Fault(text: "\(place) nests deeper than \(depthLimit) levels") }
        var shapes: [OptionShape] = []
        for index in 0..<Int(count) {
            let option = element(UnsafeRawPointer(table).advanced(by: index * stride), stride)
            left -= 1
            guard left >= 0 else { throw Fault(text: "the options are more than \(treeLimit) in all") }
            shapes.append(try shape(option, stride, "\(place)[\(index)]", depth, &left))
        }
        return shapes
    }

    /// As much of an option as the plugin and this host know both; the rest is zero.
    private static func element(_ place: UnsafeRawPointer, _ stride: Int) -> kcs_option {
        var option = kcs_option()
        withUnsafeMutableBytes(of: &option) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: place, count: min(stride, $0.count)))
        }
        return option
    }

    private static func shape(_ option: kcs_option, _ stride: Int, _ place: String, _ depth: Int, _ left: inout Int)
        throws(Fault) -> OptionShape
    {
        let key = option.key.map { String(cString: $0) } ?? ""
        let name = key.isEmpty ? place : "option \"\(key)\""
        guard let type = OptionType(rawValue: option.type), type != .absent else {
            throw Fault(text: "\(name) has the unknown type \(option.type)", isOfANewerABI: option.type > 14)
        }
        let isBounded = option.flags & UInt32(KCS_OPTION_BOUNDED) != 0
        guard !isBounded || option.minimum <= option.maximum else {
            throw Fault(text: "\(name) has a minimum of \(option.minimum) above its maximum of \(option.maximum)")
        }
        let inner = try children(
            option.children, option.child_count, stride, named: "\(name).children", depth: depth + 1, &left)
        let choices = choices(option)
        switch type {
        case .object where inner.contains { $0.key.isEmpty }: throw Fault(text: "\(name) has a member without a key")
        case .list where inner.count != 1: throw Fault(text: "\(name) is a list and has \(inner.count) children, not 1")
        case .map where inner.count != 2: throw Fault(text: "\(name) is a map and has \(inner.count) children, not 2")
        case .oneOf where inner.isEmpty: throw Fault(text: "\(name) is a one-of without alternatives")
        case .enumeration where choices.isEmpty: throw Fault(text: "\(name) is an enumeration without choices")
        default: break
        }
        return OptionShape(
            type, key: key, help: option.help.map { String(cString: $0) } ?? "",
            defaultText: option.default_yaml.map { String(cString: $0) },
            required: option.flags & UInt32(KCS_OPTION_REQUIRED) != 0, minimum: isBounded ? option.minimum : nil,
            maximum: isBounded ? option.maximum : nil, choices: choices, children: inner,
            isOwned: option.flags & UInt32(KCS_OPTION_OWNED) != 0)
    }

    private static func choices(_ option: kcs_option) -> [String] {
        guard option.type == UInt32(KCS_OPTION_ENUMERATION), let table = option.choices else { return [] }
        var choices: [String] = []
        while choices.count < Int(childLimit), let choice = table[choices.count] {
            choices.append(String(cString: choice))
        }
        return choices
    }
}
