// SPDX-License-Identifier: Apache-2.0
//
// What the fuzzers share. This file, Packets.swift, Transfers.swift and Text.swift are in the Embedded subset: `.ci/armv7-checks`
// compiles them for 32 bit, too.

/// Takes an input apart, and gives zeros when there is no more of it.
struct Input {
    private let bytes: UnsafeRawBufferPointer
    private var next = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isEmpty: Bool { next >= bytes.count }

    mutating func byte() -> UInt8 {
        guard next < bytes.count else { return 0 }
        defer { next += 1 }
        return bytes[next]
    }

    mutating func word() -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<8 { value = value << 8 | UInt64(byte()) }
        return value
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }
}

/// A rule was broken: ends the process, which libFuzzer takes for a finding, and keeps the input.
func rule(_ holds: Bool, _ text: @autoclosure () -> String, line: Int = #line, file: StaticString = #fileID) {
    if holds { return }
    // Embedded Swift's fatalError says nothing.
    print("\(file):\(line): \(text())")
    fatalError()
}
