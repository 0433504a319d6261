// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import LinuxIO

/// Reads an instance's files on the worker thread; the loop's thread takes the result when that is done.
///
/// Sendable because the two threads use it one after the other.
final class Loader: @unchecked Sendable {
    // Written on the worker thread before `done` is called on the loop's, and by nobody else.
    private(set) var fruPaths: [String] = []
    private(set) var sel: [UInt8] = []
    private(set) var settings: [UInt8] = []
    /// Had every answer left when the instance before stopped?
    private(set) var clean = false
    /// Names this boot of the BMC.
    private(set) var boot: [UInt8] = []
    /// What the instance before left of its state; empty if it left none, or before a reboot.
    private(set) var state: [UInt8] = []
    private(set) var problems: [String] = []
    /// Journals that are not to be written.
    private(set) var refused = Refused()
    private(set) var damagedRecords = 0

    /// Which journals are left alone.
    struct Refused {
        var sel = false
        var settings = false

        func has(_ store: Store) -> Bool { store == .sel ? sel : store == .settings && settings }
    }

    private let setup: Setup
    private let files: InstanceFiles

    /// A journal larger than this is not one that the controller wrote.
    private static let largestJournal = 4 << 20

    init(_ setup: Setup, _ files: InstanceFiles) {
        self.setup = setup
        self.files = files
    }

    func load() {
        sel = journal(files.sel, .sel, &refused.sel)
        settings = journal(files.settings, .settings, &refused.settings)
        boot = read("/proc/sys/kernel/random/boot_id", limit: 64) ?? []
        if let bytes = read(files.snapshot, limit: 1 << 20) {
            // Its times are those of one boot's clock, and it holds for one start: after a crash there must be none.
            if bytes.count > boot.count, bytes[1..<boot.count + 1] == boot[...] {
                clean = bytes[0] == 1
                state = [UInt8](bytes[(boot.count + 1)...])
            }
            do { try Syscalls.unlink(files.snapshot) } catch { problems.append(error.description) }
        }
        for fru in setup.frus {
            // An EEPROM of 64 KiB has one byte more than a host can name.
            guard let bytes = read(fru.path, limit: FRUImage.largest + 1),
                let image = FRUImage([UInt8](bytes.prefix(FRUImage.largest)))
            else {
                say("FRU device \(fru.id): no image in \(fru.path), the device is left out")
                continue
            }
            if fru.writable && !image.isInventory {
                say("FRU device \(fru.id): \(fru.path) is neither an image nor blank, the host may not write it")
            }
            setup.configuration.frus.append(
                FRUConfiguration(
                    id: fru.id, name: fru.name, image: image, writable: fru.writable && image.isInventory))
            fruPaths.append(fru.path)
        }
        if let path = setup.sdrPath { loadRecords(path) }
        if !setup.guidGiven, let text = read("/etc/machine-id", limit: 64), text.count >= 32,
            let guid = Text.guid(String(decoding: text[0..<32], as: UTF8.self))
        {
            setup.configuration.guid = guid
        }
        setup.configuration.durable.sel = true
        setup.configuration.durable.settings = true
        setup.configuration.durable.fru = true
    }

    private func say(_ sentence: Sentence) { problems.append(sentence.text) }

    private func loadRecords(_ path: String) {
        guard let bytes = read(path, limit: 1 << 20) else {
            say("\(path): no sensor data records, those of the sensors are used")
            return
        }
        do {
            var repository = try SDRRepository(file: bytes)
            for sensor in setup.configuration.sensors where !sensor.description.isDiscrete {
                let description = sensor.description
                guard let record = repository.fullRecord(of: description.number),
                    SensorConversion(record: record) == nil
                else { continue }
                say(
                    """
                    \(path): the record of sensor \(description.number), \(description.name), is not linear; \
                    that of the option is used
                    """)
                repository.replaceFull(SDRRecord.full(description))
            }
            setup.configuration.repository = repository
        } catch {
            say("\(path): \(error.description); the records of the sensors are used")
        }
    }

    /// A journal's bytes. What is not one is left alone, and of a damaged one a copy is kept and the rest taken.
    private func journal(_ path: String, _ store: Store, _ isRefused: inout Bool) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try StoreFile.read(path, limit: Loader.largestJournal) ?? []
        } catch {
            say("\(Loader.words(error)): it is left alone, and nothing can be stored")
            isRefused = true
            return []
        }
        switch StateFile(bytes, of: store) {
        case .whole: return bytes
        case .foreign:
            say("\(path) is not a journal of this kind: it is left alone, and nothing can be stored")
            isRefused = true
            return []
        case .newer(let format):
            say(
                """
                \(path) has format \(Int(format)), which a newer version wrote; this one knows \(Int(StateFile.format)): \
                it is left alone, and nothing can be stored
                """)
            isRefused = true
            return []
        case .damaged(let rest, let kept, let lost):
            damagedRecords += lost
            let copy = StoreFile.setAside(bytes, of: path)
            isRefused = copy == nil || StoreFile.renew(path, with: rest) != .stored
            let name = copy ?? path
            say("\(path): \(lost) damaged records are lost, \(kept) kept; the file as it was is \(name)")
            if isRefused { say("\(path): the file cannot be written anew, and nothing can be stored") }
            return rest
        }
    }

    private func read(_ path: String, limit: Int) -> [UInt8]? {
        do {
            return try StoreFile.read(path, limit: limit)
        } catch {
            problems.append(Loader.words(error))
            return nil
        }
    }

    private static func words(_ error: SystemError) -> String {
        error.errno == StoreFile.notRegular ? error.subject + " is no regular file" : error.description
    }
}

/// Where an instance keeps what survives.
struct InstanceFiles {
    var sel: String
    var settings: String
    var snapshot: String

    init(_ setup: Setup, folder: String) {
        sel = setup.selPath ?? folder + "/sel"
        settings = folder + "/settings"
        snapshot = folder + "/snapshot"
    }
}
