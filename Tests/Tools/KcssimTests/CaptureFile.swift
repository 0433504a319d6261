// SPDX-License-Identifier: Apache-2.0
import Capture

/// A capture that a test writes down, with times in microseconds from its first event.
struct CaptureFile {
    /// When it begins: 2026-11-22 00:00 UTC, in nanoseconds since 1970.
    static let begin: UInt64 = 1_795_305_600_000_000_000
    private var writer = PcapngWriter()
    private let registers: UInt32
    private let events: UInt32
    private let messages: UInt32

    init(channel: String) {
        writer.section(application: "kcsmuxd")
        registers = writer.interface(name: channel + "/registers", description: "", link: .registers)
        events = writer.interface(name: channel + "/events", description: "", link: .ipmi)
        messages = writer.interface(name: channel + "/ipmi", description: "", link: .ipmi)
    }

    var bytes: [UInt8] { writer.bytes }

    private mutating func packet(
        _ interface: UInt32, _ time: UInt64, _ direction: Direction, _ bytes: [UInt8], _ comment: String
    ) {
        writer.packet(
            interface: interface, time: Self.begin + time * 1000, direction: direction, bytes,
            originalLength: bytes.count,
            comment: comment)
    }

    mutating func event(_ time: UInt64, _ text: String) {
        packet(events, time, .none, [0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + Array(text.utf8), text)
    }

    mutating func started(_ time: UInt64 = 0) {
        event(time, "device opened, 0 stale bytes")
        event(time, "handler 0 started, reason 0")
    }

    mutating func request(_ time: UInt64, _ bytes: [UInt8]) {
        packet(messages, time, .fromHost, [0, 0, 0, 0, 0, 0, 0, 5, 0x80, 0, UInt8(bytes.count)] + bytes, "")
    }

    mutating func answer(_ time: UInt64, _ bytes: [UInt8]) {
        packet(messages, time, .toHost, [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, UInt8(bytes.count)] + bytes, "")
    }

    /// An access as a recorder notes it: three values as `RecordKind` lists them.
    mutating func access(_ time: UInt64, _ kind: RecordKind, _ first: UInt8, _ second: UInt8 = 0, _ third: UInt8 = 0) {
        guard let record = RegisterRecord(kind, first, second, third) else { return }
        packet(registers, time, record.direction, record.bytes, "")
    }

    /// A byte of the host; bit 3 of STR is C/D.
    mutating func byte(_ time: UInt64, _ value: UInt8, command: Bool = false) {
        access(time, .idrRead, value, command ? 0x0A : 0x02, 2)
    }
}
