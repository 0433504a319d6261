// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a descriptor is C memory whose first words say how much of it there is. No more than that is read.
import CKCSPlugin
import Schema

/// Turns what a plugin's entry returned into something that can be relied on.
enum Descriptor {
    /// This host's ABI.
    static let hostABI = UInt32(KCS_ABI_MAJOR) << 16 | UInt32(KCS_ABI_MINOR)
    private static let saneCount: UInt64 = 4096

    static func check(_ pointer: UnsafePointer<kcs_plugin>, of file: PluginFile) -> Result<LoadedPlugin, LoadFailure> {
        func failure(_ rule: LoadFailure.Rule, _ finding: String) -> Result<LoadedPlugin, LoadFailure> {
            .failure(LoadFailure(file.path, rule, finding))
        }
        let given = UnsafeRawPointer(pointer)
        let size = Int(clamping: given.load(as: UInt32.self))
        let abi = given.load(fromByteOffset: 4, as: UInt32.self)
        guard abi >> 16 == hostABI >> 16 else {
            return failure(.abi, "it was built for ABI \(text(abi)), and this kcsmuxd has ABI \(text(hostABI))")
        }
        guard size >= Layout.plugin else {
            return failure(.size, "it says \(size) bytes, and ABI \(text(abi)) has at least \(Layout.plugin)")
        }
        // A longer descriptor is a later minor's, and a shorter one an earlier's: what this host knows, and the plugin has,
        // is all that it looks at. The rest is zero.
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: MemoryLayout<kcs_plugin>.size, alignment: MemoryLayout<kcs_plugin>.alignment)
        defer { copy.deallocate() }
        for index in copy.indices { copy[index] = 0 }
        copy.copyMemory(from: UnsafeRawBufferPointer(start: given, count: min(size, copy.count)))
        let raw = UnsafeRawPointer(copy.baseAddress!)
        let needed = raw.load(fromByteOffset: 8, as: UInt32.self)
        guard needed == 0 || (needed >> 16 == hostABI >> 16 && needed <= hostABI) else {
            return failure(.hostVersion, "it needs ABI \(text(needed)), and this kcsmuxd has ABI \(text(hostABI))")
        }
        if let member = missing(raw) { return failure(.required, "\(member) is null") }
        var descriptor = raw.load(as: kcs_plugin.self)
        let isNewer = abi > hostABI
        if let fault = inputFault(&descriptor, isNewer) { return failure(isNewer ? .hostVersion : .declaration, fault) }
        if let member = missingCallback(descriptor) { return failure(.required, "\(member) is null") }
        guard PluginFile.isName(String(cString: descriptor.name)) else {
            return failure(.declaration, "its name \"\(String(cString: descriptor.name))\" is not [a-z][a-z0-9-]*")
        }
        guard descriptor.option_count <= saneCount, descriptor.request_count <= saneCount else {
            return failure(.declaration, "it declares more than \(saneCount) options or requests")
        }
        guard descriptor.option_count == 0 || Int(clamping: descriptor.option_size) >= Layout.option else {
            return failure(
                .size, "option_size is \(descriptor.option_size), and an option has at least \(Layout.option)")
        }
        guard
            descriptor.option_count == 0
                || Int(clamping: descriptor.option_size) % MemoryLayout<kcs_option>.alignment == 0
        else { return failure(.declaration, "option_size is \(descriptor.option_size), which no array of options has") }
        if descriptor.request_count > 0 && descriptor.requests == nil {
            return failure(.required, "requests is null, and request_count is \(descriptor.request_count)")
        }
        if let fault = requestFault(descriptor) { return failure(.declaration, fault) }
        switch OptionShapes.read(descriptor) {
        case .failure(let fault):
            return failure(fault.isOfANewerABI && isNewer ? .hostVersion : .declaration, fault.text)
        case .success(let shape):
            return .success(LoadedPlugin(file: file, descriptor: descriptor, options: shape))
        }
    }

    /// Kinds of input that a later ABI added are left out, if there is one that this host knows.
    private static func inputFault(_ descriptor: inout kcs_plugin, _ isNewer: Bool) -> String? {
        let known: UInt32 = 0xF
        let declared = descriptor.inputs
        descriptor.inputs &= known
        guard descriptor.inputs == 0 || (declared & ~known != 0 && !isNewer) else { return nil }
        return "inputs is 0x\(String(declared, radix: 16)), which is no set of KCS_TAKES that this kcsmuxd knows"
    }

    private static func requestFault(_ descriptor: kcs_plugin) -> String? {
        guard let requests = descriptor.requests else { return nil }
        for index in 0..<Int(descriptor.request_count) {
            let entry = requests[index]
            if entry.net_fn > 0x3F { return "requests[\(index)] has NetFn \(entry.net_fn), above 63" }
            if entry.shortest < 2 || entry.longest < entry.shortest {
                return "requests[\(index)] is from \(entry.shortest) to \(entry.longest) bytes long, NetFn and command"
                    + " included"
            }
            // What 1.0 has there is reserved.
            let offset = Int(entry.reserved & 0xFF)
            if descriptor.abi & 0xFFFF >= 1, entry.reserved != 0, offset < 2 || offset >= Int(entry.shortest) {
                return "requests[\(index)] is counted by byte \(offset), which is none of the data of a request"
                    + " of \(entry.shortest) bytes"
            }
        }
        return nil
    }

    /// The first required member that is null. The header promises that some are not, so they are read as raw words.
    private static func missing(_ raw: UnsafeRawPointer) -> String? {
        func isNull(_ member: PartialOffset) -> Bool { raw.load(fromByteOffset: member.offset, as: UInt.self) == 0 }
        for member in PartialOffset.required where isNull(member) { return member.name }
        return nil
    }

    private static func missingCallback(_ descriptor: kcs_plugin) -> String? {
        if descriptor.inputs & 1 << UInt32(KCS_INPUT_AUTO) != 0 && descriptor.data == nil {
            return "data, which KCS_INPUT_AUTO calls,"
        }
        if descriptor.inputs & 1 << UInt32(KCS_INPUT_MANUAL) != 0 && descriptor.input_ready == nil {
            return "input_ready, which KCS_INPUT_MANUAL calls,"
        }
        if descriptor.inputs & 1 << UInt32(KCS_INPUT_MESSAGES) != 0 && descriptor.message == nil {
            return "message, which KCS_INPUT_MESSAGES calls,"
        }
        return nil
    }

    private static func text(_ abi: UInt32) -> String { "\(abi >> 16).\(abi & 0xFFFF)" }
}

/// A pointer member's name and place.
private struct PartialOffset {
    let name: String
    let offset: Int

    private static let pointer = MemoryLayout<UInt>.size
    /// Where `check`, the first callback, stands; CKCSPlugin/layout.c asserts both numbers.
    private static let callbacks = pointer == 8 ? 80 : 64

    static let required = [
        PartialOffset(name: "name", offset: 24),
        PartialOffset(name: "version", offset: 24 + pointer),
        PartialOffset(name: "summary", offset: 24 + 2 * pointer),
        PartialOffset(name: "create", offset: callbacks + pointer),
        PartialOffset(name: "start", offset: callbacks + 2 * pointer),
        PartialOffset(name: "destroy", offset: callbacks + 4 * pointer),
    ]
}
