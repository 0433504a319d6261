// SPDX-License-Identifier: Apache-2.0
import Capture
import LinuxIO
import Testing

/// A capture of two channels as the daemon would make it.
enum Sample {
    /// 2023-11-14 22:13:20 UTC.
    static let wall: Int64 = 1_700_000_000_000_000_000

    static let deviceIDResponse: [UInt8] = [
        0x1C, 0x01, 0x00, 0x20, 0x81, 0x01, 0x02, 0x02, 0xBF, 0xA2, 0x02, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    ]

    static func ipmi() -> Recorder {
        let recorder = Recorder(
            RecorderIdentity(channel: "ipmi", description: "raw-kcs /dev/raw-kcs3", number: 15), events: 256)
        recorder.wallOffset(wall, at: 0)
        recorder.deviceOpened(stale: 1, at: 1000)
        recorder.idrRead(0x41, str: 0x02, stale: true, at: 1500)
        recorder.handlerStarted(index: 0, reason: 1, at: 2000)
        recorder.idrRead(0x61, str: 0x0A, at: 3000)
        recorder.odrAndSTRWritten(odr: 0, str: 0x81, mask: 0xC1, at: 4000)
        recorder.strWritten(0x04, mask: 0x04, at: 4500)
        ([0x18, 0x01] as [UInt8]).withUnsafeBytes { recorder.message(.fromHost, link: .ipmi, $0, at: 5000) }
        deviceIDResponse.withUnsafeBytes { recorder.message(.toHost, link: .ipmi, $0, at: 5_005_000) }
        recorder.refused(.odrWrite, value: 0x55, reason: .outputFull, at: 5_006_000)
        recorder.replaced(odr: 0xFF, str: 0x81, mask: 0xC0, at: 5_007_000)
        recorder.hostByteDropped(0x44, str: 0x02, reason: .noHandler, at: 5_008_000)
        recorder.handlerFailed("ipmi-lite: data: no memory", at: 6_000_000)
        return recorder
    }

    static func mctp() -> Recorder {
        let recorder = Recorder(
            RecorderIdentity(channel: "mctp", description: "sim /run/kcs1", number: 1), events: 256)
        recorder.wallOffset(wall, at: 0)
        let request: [UInt8] = [0x01, 0x08, 0x09, 0xC9, 0x00, 0x80, 0x02]
        let response: [UInt8] = [0x01, 0x09, 0x08, 0xC1, 0x00, 0x00, 0x02, 0x00, 0x08, 0x00, 0x04]
        request.withUnsafeBytes { recorder.message(.fromHost, link: .mctp, $0, at: 4200) }
        response.withUnsafeBytes { recorder.message(.toHost, link: .mctp, $0, at: 1_004_200) }
        recorder.annotation(
            kind: 1, .none, link: .none, UnsafeRawBufferPointer(start: nil, count: 0), text: "trigger D", at: 2_000_000)
        recorder.recordsLost(3, at: 2_500_000)
        return recorder
    }

    /// Made once: the first event says by how much the machine's own clock was wrong.
    static let rings = [ipmi().snapshot(), mctp().snapshot()]

    static func pcapng() -> [UInt8] { CaptureDump.pcapng(rings) }
}

@Suite struct PcapngTests {
    private func packets(_ bytes: [UInt8]) throws -> [(interface: PcapngReader.Interface, packet: PcapngReader.Packet)]
    {
        var reader = try #require(PcapngReader(bytes))
        var packets: [(PcapngReader.Interface, PcapngReader.Packet)] = []
        while let item = reader.next() {
            if case .packet(let packet) = item { packets.append((reader.interfaces[packet.interface], packet)) }
        }
        #expect(reader.damage == nil)
        #expect(reader.cut == nil)
        return packets
    }

    @Test func channelsAreMergedByTimeUnderTheirNames() throws {
        let packets = try packets(Sample.pcapng())
        #expect(packets.map(\.packet.time) == packets.map(\.packet.time).sorted())
        #expect(
            packets.map(\.interface.name) == [
                "ipmi/events", "mctp/events", "ipmi/events", "ipmi/registers", "ipmi/events", "ipmi/registers",
                "ipmi/registers", "mctp/mctp", "ipmi/registers", "ipmi/ipmi", "mctp/mctp", "mctp/events",
                "mctp/events", "ipmi/ipmi", "ipmi/registers", "ipmi/registers", "ipmi/registers", "ipmi/events",
            ])
        #expect(packets[3].packet.time == UInt64(Sample.wall) + 1500)
        #expect(packets[3].packet.comment == "stale: was there when the device was opened")
    }

    @Test func interfacesOfADumpComeBeforeItsFirstPacket() throws {
        let other = Recorder(RecorderIdentity(channel: "other", description: ""), events: 64)
        ([1, 2] as [UInt8]).withUnsafeBytes {
            other.annotation(kind: 1, .none, link: LinkType(rawValue: 148), $0, text: "", at: 5)
        }
        var reader = try #require(PcapngReader(CaptureDump.pcapng(Sample.rings + [other.snapshot()])))
        var names: [String] = []
        var packets = 0
        while let item = reader.next() {
            switch item {
            case .interface(let interface):
                #expect(packets == 0, "\(interface.name)")
                names.append(interface.name)
            case .packet: packets += 1
            default: break
            }
        }
        #expect(
            names == [
                "ipmi/registers", "ipmi/events", "ipmi/ipmi", "mctp/registers", "mctp/events", "mctp/mctp",
                "other/registers", "other/events", "other/link-148",
            ])
        #expect(packets == 19)
    }

    @Test func ipmiMessagesStandBehindTheTraceHeader() throws {
        let packets = try packets(Sample.pcapng()).filter { $0.interface.link == .ipmi && $0.packet.direction != .none }
        #expect(
            packets.map(\.packet.bytes) == [
                [0x0F, 0x00, 0xF1, 0x53, 0x65, 0x00, 0x00, 0x05, 0x80, 0x00, 0x02, 0x18, 0x01],
                [0x0F, 0x00, 0xF1, 0x53, 0x65, 0x05, 0x00, 0x05, 0x00, 0x00, 0x12] + Sample.deviceIDResponse,
            ])
        #expect(packets.map(\.packet.direction) == [.fromHost, .toHost])
    }

    @Test func mctpPacketsStandBehindACookedHeader() throws {
        let packets = try packets(Sample.pcapng()).filter { $0.interface.link == .mctp }
        let lead: [UInt8] = [0x00, 0xFA, 0, 0, 0, 0, 0, 1, 0x01, 0x22]
        #expect(Array(packets[0].packet.bytes.prefix(12)) == lead + [0, 0])
        #expect(Array(packets[1].packet.bytes.prefix(12)) == lead + [4, 0])
        #expect(Array(packets[0].packet.bytes.dropFirst(20)) == [0x01, 0x08, 0x09, 0xC9, 0x00, 0x80, 0x02])
    }

    @Test func registerRecordsComeBackFromTheirEightBytes() throws {
        let records = try packets(Sample.pcapng()).filter { $0.interface.link == .registers }.map {
            RegisterRecord($0.packet.bytes)
        }
        #expect(
            records == [
                RegisterRecord(.idrRead, 0x41, 0x02, 3), RegisterRecord(.idrRead, 0x61, 0x0A, 2),
                RegisterRecord(.odrAndSTRWrite, 0, 0x81, 0xC1), RegisterRecord(.strWrite, 0x04, 0x04, 0),
                RegisterRecord(.refused, 2, 0x55, 1), RegisterRecord(.replaced, 0xFF, 0x81, 0xC0),
                RegisterRecord(.hostByteDropped, 0x44, 0x02, 4),
            ])
        #expect(RegisterRecord(.odrAndSTRWrite, 0, 0x81, 0xC1)?.bytes == [1, 5, 0, 0x81, 0xC1, 7, 0, 0])
    }

    @Test func linkTypesOfAHandlersOwnGetAnInterfaceEachUpToALimit() throws {
        let recorder = Recorder(RecorderIdentity(channel: "x", description: ""), events: 1024)
        for link in UInt16(300)..<330 {
            ([1] as [UInt8]).withUnsafeBytes {
                recorder.annotation(kind: 0, .none, link: LinkType(rawValue: link), $0, text: "t", at: 1)
            }
        }
        let packets = try packets(CaptureDump.pcapng([recorder.snapshot()]))
        #expect(packets.count == 30)
        #expect(Set(packets.map(\.interface.name)).count == 17)
        #expect(packets.last?.packet.comment == "t link type 329: 01")
    }

    @Test func overwrittenRecordsAreCountedInTheStatistics() throws {
        let recorder = Recorder(RecorderIdentity(channel: "x", description: ""), events: 16)
        for time in 0..<UInt64(40) { recorder.odrWritten(0, at: time) }
        var reader = try #require(PcapngReader(CaptureDump.pcapng([recorder.snapshot()])))
        var counts: [UInt64?] = []
        while let item = reader.next() {
            if case .statistics(_, let received, let lost, _) = item { counts = [received, lost] }
        }
        #expect(counts == [40, 24])
    }

    @Test func fileCutAtAnyByteGivesThePacketsBefore() throws {
        let whole = Sample.pcapng()
        var last = 0
        for count in 0..<whole.count {
            guard var reader = PcapngReader(Array(whole[..<count])) else {
                #expect(count < 12)
                continue
            }
            var packets = 0
            while let item = reader.next() { if case .packet = item { packets += 1 } }
            #expect(reader.damage == nil)
            #expect(packets >= last)
            last = packets
        }
        #expect(last == 18)
    }

    @Test func otherWritersUnitsAndByteOrdersAreUnderstood() throws {
        // A section in big-endian order, its interface in 2^-10 seconds; one packet of two bytes.
        let file: [UInt8] = [
            0x0A, 0x0D, 0x0D, 0x0A, 0, 0, 0, 28, 0x1A, 0x2B, 0x3C, 0x4D, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255,
            255, 255, 0, 0, 0, 28,
            0, 0, 0, 1, 0, 0, 0, 28, 0, 147, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0x8A, 0, 0, 0, 0, 0, 0, 28,
            0, 0, 0, 6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0xAB, 0xCD, 0, 0,
            0, 0, 0, 36,
        ]
        let packets = try packets(file)
        #expect(packets.map(\.packet.bytes) == [[0xAB, 0xCD]])
        #expect(packets.map(\.packet.time) == [1_001_953_125])
    }
}

@Suite struct HostileFileTests {
    @Test func mutatedFilesNeverTrap() {
        var ring = [UInt8]()
        do {
            let folder = TemporaryFolder()
            let recorder = try? Recorder(
                RecorderIdentity(channel: "ipmi", description: "x"), events: 64, path: folder.path + "/ring")
            for index in 0..<UInt64(30) { recorder?.recordsLost(index, at: index) }
            ([0x18, 0x01] as [UInt8]).withUnsafeBytes { recorder?.message(.fromHost, link: .ipmi, $0, at: 5000) }
            ring = folder.read("ring")
        }
        var dump = Array("KCSDUMP1".utf8) + [0x40, 1, 0, 0, 1, 0, 0, 0] + [UInt8](repeating: 0, count: 304)
        dump += Array("RING".utf8) + [0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: ring.count >> (8 * $0)) }
        dump += ring
        #expect(RawDump(dump)?.rings.count == 1)
        let files = [Sample.pcapng(), ring, dump]
        var generator = Seeded(state: 42)
        var read = 0
        for _ in 0..<repetitions(10000) {
            var file = files[Int.random(in: 0..<files.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                // Half of the changes hit the headers, where lengths and counts are.
                let reach = Bool.random(using: &generator) ? min(400, file.count) : file.count
                let at = Int.random(in: 0..<reach, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: file[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: file[at] = 0xFF
                case 2: file[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                default: file.removeLast(min(file.count - 400, Int.random(in: 0..<64, using: &generator)))
                }
            }
            if let pcapng = CaptureDump.converted(file), var reader = PcapngReader(pcapng) {
                while let item = reader.next() { if case .packet = item { read += 1 } }
            }
        }
        #expect(read > 0)
    }
}
