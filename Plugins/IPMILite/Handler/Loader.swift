// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import LinuxIO

/// Reads an instance's files on the worker thread; the loop's thread takes the result when that is done.
///
/// Sendable because the two threads use it one after the other.
final class Loader: @unchecked Sendable {
    // Written on the worker thread before `done` is called on the loop's, and by nobody else.
    private(set) var configuration: ControllerConfiguration
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

    private let setup: Setup
    private let files: InstanceFiles

    /// A journal larger than this is not one that the controller wrote.
    private static let largestJournal = 4 << 20

    init(_ setup: Setup, _ files: InstanceFiles) {
        self.setup = setup
        self.files = files
        configuration = setup.configuration
    }

    func load() {
        sel = read(files.sel, limit: Loader.largestJournal) ?? []
        settings = read(files.settings, limit: Loader.largestJournal) ?? []
        boot = read("/proc/sys/kernel/random/boot_id", limit: 64) ?? []
        if let bytes = read(files.snapshot, limit: 1 << 20) {
            // Its times are those of one boot's clock, and it holds for one start: after a crash there must be none.
            if bytes.count > boot.count, bytes[1...boot.count] == boot[...] {
                clean = bytes[0] == 1
                state = [UInt8](bytes[(boot.count + 1)...])
            }
            do { try Syscalls.unlink(files.snapshot) } catch { problems.append(error.description) }
        }
        for fru in setup.frus {
            guard let bytes = read(fru.path, limit: FRUImage.largest), let image = FRUImage(bytes) else {
                say("FRU device \(fru.id): no image in \(fru.path), the device is left out")
                continue
            }
            configuration.frus.append(
                FRUConfiguration(id: fru.id, name: fru.name, image: image, writable: fru.writable))
            fruPaths.append(fru.path)
        }
        if let path = setup.sdrPath { loadRecords(path) }
        if !setup.guidGiven, let text = read("/etc/machine-id", limit: 64), text.count >= 32,
            let guid = Text.guid(String(decoding: text[0..<32], as: UTF8.self))
        {
            configuration.guid = guid
        }
        configuration.durable.sel = true
        configuration.durable.settings = true
        configuration.durable.fru = true
    }

    private func say(_ sentence: Sentence) { problems.append(sentence.text) }

    private func loadRecords(_ path: String) {
        guard let bytes = read(path, limit: 1 << 20) else {
            say("\(path): no sensor data records, those of the sensors are used")
            return
        }
        do {
            configuration.repository = try SDRRepository(file: bytes)
        } catch {
            say("\(path): \(error.description); the records of the sensors are used")
        }
    }

    private func read(_ path: String, limit: Int) -> [UInt8]? {
        do {
            return try StoreFile.read(path, limit: limit)
        } catch {
            problems.append(error.description)
            return nil
        }
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
