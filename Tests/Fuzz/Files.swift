// SPDX-License-Identifier: Apache-2.0
//
// Files that an operator, or whoever can write to a folder, made: configuration, plugins, captures.
import CKCSPlugin
import CLinux
import Capture
import DaemonConfiguration
import Decode
import LinuxIO
import Schema
import YAML

@testable import PluginHost

/// Types of devices: one with all that there is, one with little.
private let fuzzedDevices = [
    DeviceType(name: "raw-kcs", hasRegisters: true, hasMessages: true, isSimulated: false),
    DeviceType(name: "serio-raw", hasRegisters: false, hasMessages: false, isSimulated: false),
]

/// The configuration file: what is wrong with it is said, in places that the text has.
func fuzzConfiguration(_ input: UnsafeRawBufferPointer) {
    let outcome = ConfigurationFile.parse(Array(input), file: "f", devices: fuzzedDevices)
    rule(outcome.configuration != nil || outcome.diagnostics.hasErrors, "a file is refused, and nothing says why")
    var lines = 1
    for byte in input where byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte >= 0x80 { lines += 1 }
    for diagnostic in outcome.diagnostics.all {
        if let mark = diagnostic.mark {
            rule(mark.line >= 1 && mark.line <= lines + 1, "line \(mark.line) of \(lines)")
            rule(mark.column >= 1 && mark.column <= input.count + 2, "column \(mark.column)")
        }
    }
}

/// A capture, whether pcapng or a raw dump of a crash.
func fuzzCapture(_ input: UnsafeRawBufferPointer) {
    let bytes = Array(input)
    if let dump = RawDump(bytes) { rule(dump.rings.count <= bytes.count, "more rings than bytes") }
    guard var timeline = Timeline(bytes) else { return }
    var view = TimelineText()
    var table = ExchangeTable(columns: 80)
    var lines = 0
    while let item = timeline.next() {
        lines += 1
        rule(lines <= bytes.count, "lines without end")
        switch item {
        case .note(let text, let json):
            rule(!text.utf8.contains(0x1B) && !json.line.contains(0x1B), "an escape character gets to the terminal")
        case .record(let record):
            var texts = [view.text(record, width: timeline.nameWidth)]
            texts += record.exchanges.map { table.text($0, width: timeline.nameWidth) }
            rule(!texts.contains { $0.utf8.contains(0x1B) }, "an escape character gets to the terminal")
            rule(!record.json.line.contains(0x1B), "an escape character gets to the terminal")
        }
    }
}

/// The bytes of a file that calls itself a shared library, before the dynamic linker sees it.
func fuzzLibrary(_ input: UnsafeRawBufferPointer) {
    let descriptor = memfd_create("library", 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // The start of a header that is ours, so that not all is spent on finding it.
    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0x3E, 0]
    file += Array(input)
    if input.count >= 20 && input[0] & 7 == 0 { file = Array(input) }
    guard file.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == file.count else { return }
    if let fault = LibraryHeader.fault(descriptor, size: Int64(file.count)) { rule(!fault.isEmpty, "no words") }
}

// The functions that a descriptor points to are never called by what is tested.
private func anything() -> UnsafeRawPointer { UnsafeRawPointer(bitPattern: 0x1000)! }

/// A plugin's descriptor: memory of the plugin, whose numbers say anything. Its pointers are null, or to what they should be:
/// where a pointer leads cannot be checked by anybody.
func fuzzDescriptor(_ input: UnsafeRawBufferPointer) {
    var input = Input(input)
    let pool = Pool()
    let size = MemoryLayout<kcs_plugin>.size
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size + 64, alignment: 16)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: size + 64)
    let options = pool.options(&input, depth: 0)
    let stride = MemoryLayout<kcs_option>.stride
    memory.storeBytes(of: pick(&input, [UInt32(size), 0, 8, UInt32(size) - 8, UInt32(size) + 64]), as: UInt32.self)
    let abi = UInt32(KCS_ABI_MAJOR) << 16 | UInt32(KCS_ABI_MINOR)
    memory.storeBytes(of: pick(&input, [abi, abi + 1, 0, .max]), toByteOffset: 4, as: UInt32.self)
    for offset in [8, 12, 16] {
        memory.storeBytes(of: pick(&input, [0, 1, 2, 7, 14, .max]), toByteOffset: offset, as: UInt32.self)
    }
    memory.storeBytes(of: pick(&input, [UInt32(stride), 0, 1, UInt32(stride) - 8]), toByteOffset: 20, as: UInt32.self)
    for offset in [24, 32, 40] { memory.storeBytes(of: pool.text(&input), toByteOffset: offset, as: UInt.self) }
    memory.storeBytes(of: UInt(bitPattern: options.base), toByteOffset: 48, as: UInt.self)
    let isHonest = input.byte() & 3 != 0
    memory.storeBytes(of: isHonest ? UInt64(options.count) : 5000, toByteOffset: 56, as: UInt64.self)
    let requests = pool.requests(&input)
    memory.storeBytes(of: UInt(bitPattern: requests.base), toByteOffset: 64, as: UInt.self)
    memory.storeBytes(of: UInt64(requests.count), toByteOffset: 72, as: UInt64.self)
    for offset in Swift.stride(from: 80, to: size, by: 8) {
        let isNull = input.byte() & 15 == 15
        memory.storeBytes(of: isNull ? 0 : UInt(bitPattern: anything()), toByteOffset: offset, as: UInt.self)
    }
    guard let identity = try? Syscalls.stat("/proc/self/exe").identity else { return }
    let file = PluginFile(path: "/f", identity: identity, modified: 0)
    switch Descriptor.check(UnsafePointer(memory.assumingMemoryBound(to: kcs_plugin.self)), of: file) {
    case .failure(let failure): rule(!failure.description.isEmpty, "no words")
    case .success(let plugin):
        rule(PluginFile.isName(plugin.name), "the name \(plugin.name)")
        rule(plugin.options.children.allSatisfy { !$0.key.isEmpty }, "an option without a key")
        // What the plugin declares is what a file is checked against.
        let text = Array("version: 1\nchannels: []\n".utf8)
        _ = ConfigurationFile.parse(text, file: "f", devices: fuzzedDevices)
    }
}

private func pick(_ input: inout Input, _ values: [UInt32]) -> UInt32 {
    let byte = Int(input.byte())
    // Mostly the right one: the rest is to be reached too.
    return byte < 200 ? values[0] : values[byte % values.count]
}

/// Memory of a plugin, for as long as it is looked at.
private final class Pool {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit { for block in blocks { block.deallocate() } }

    private func block(_ bytes: Int) -> UnsafeMutableRawPointer {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes), alignment: 16)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: max(1, bytes))
        blocks.append(block)
        return block
    }

    /// A text's address, or 0.
    func text(_ input: inout Input) -> UInt {
        let length = Int(input.byte())
        if length >= 240 { return 0 }
        let count = length & 15
        let place = block(count + 1)
        for index in 0..<count { place.storeBytes(of: input.byte(), toByteOffset: index, as: UInt8.self) }
        if length & 0x40 != 0 {
            // A name, so that there is one.
            for (index, letter) in "abc".utf8.enumerated() where index < count {
                place.storeBytes(of: letter, toByteOffset: index, as: UInt8.self)
            }
        }
        return UInt(bitPattern: place)
    }

    func options(_ input: inout Input, depth: Int) -> (base: UnsafeMutableRawPointer?, count: Int) {
        let count = Int(input.byte() & 7)
        if count == 7 { return (nil, count) }
        let stride = MemoryLayout<kcs_option>.stride
        let base = block(count * stride)
        for index in 0..<count {
            let place = base + index * stride
            for offset in [0, 8, 16] { place.storeBytes(of: text(&input), toByteOffset: offset, as: UInt.self) }
            place.storeBytes(of: UInt32(input.byte() & 31), toByteOffset: 24, as: UInt32.self)
            place.storeBytes(of: UInt32(input.byte() & 7), toByteOffset: 28, as: UInt32.self)
            place.storeBytes(of: input.word(), toByteOffset: 32, as: UInt64.self)
            place.storeBytes(of: input.word(), toByteOffset: 40, as: UInt64.self)
            let names = Int(input.byte() & 3)
            let table = block((names + 1) * 8)
            for name in 0..<names { table.storeBytes(of: max(1, text(&input)), toByteOffset: 8 * name, as: UInt.self) }
            for name in 0..<names where table.load(fromByteOffset: 8 * name, as: UInt.self) == 1 {
                table.storeBytes(of: 0, toByteOffset: 8 * name, as: UInt.self)
            }
            place.storeBytes(of: UInt(bitPattern: table), toByteOffset: 48, as: UInt.self)
            // An array that holds itself, or one of its own.
            let kind = input.byte() & 15
            let inner = kind == 15 ? (base, 1) : kind < 8 || depth > 4 ? (nil, 0) : options(&input, depth: depth + 1)
            place.storeBytes(of: UInt(bitPattern: inner.0), toByteOffset: 56, as: UInt.self)
            place.storeBytes(of: UInt64(inner.1), toByteOffset: 64, as: UInt64.self)
        }
        return (base, count)
    }

    func requests(_ input: inout Input) -> (base: UnsafeMutableRawPointer?, count: Int) {
        let count = Int(input.byte() & 3)
        let stride = MemoryLayout<kcs_request_length>.stride
        let base = block(count * stride)
        for index in 0..<(count * stride) { base.storeBytes(of: input.byte(), toByteOffset: index, as: UInt8.self) }
        return (input.byte() & 7 == 7 ? nil : base, count)
    }
}
