// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Taking up what the stores hold.
extension ManagementController {
    /// Takes what a journal's file holds; an empty array if there is no file. Before `start`.
    ///
    /// - Parameter clean: false if the process before this one ended without `snapshot`: then an answer to the last
    ///   Add SEL Entry may have been lost, and the host's repetition of it is answered with the record that is there.
    public func load(_ store: Store, _ bytes: [UInt8], clean: Bool) {
        switch store {
        case .sel:
            let contents = Journal.read(bytes, kind: EventLog.journalKind)
            report(contents, "event log")
            logWriter.resume(contents)
            var last: EventLogChange?
            for record in contents.records {
                guard let change = EventLogChange(record) else {
                    say(.warning, "event log: a record of type \(record.type) is skipped")
                    continue
                }
                log.apply(change)
                last = change
            }
            if !clean, case .add(let record, _, true) = last { unconfirmed = (record, record.id) }
        case .settings:
            let contents = Journal.read(bytes, kind: Settings.journalKind)
            report(contents, "settings")
            settingsWriter.resume(contents)
            for record in contents.records where !settings.apply(record) {
                say(.warning, "settings: a record of type \(record.type) is skipped")
            }
        case .fru(let index):
            guard let image = FRUImage(bytes) else { return }
            frus[index] = image
        }
    }

    func report(_ contents: Journal.Contents, _ name: String) {
        guard contents.cut > 0 else { return }
        say(
            .warning,
            """
            \(name): \(contents.cut) bytes after byte \(contents.length) are not a whole record and are cut, \
            \(contents.records.count) records kept
            """)
    }

    /// Begins: asks for the first readings and the first wake-up.
    public func start(now: UInt64, wall: UInt64) {
        setTime(now: now, wall: wall)
        poweredSince = now
        for (index, image) in frus.enumerated() {
            if let problem = image.problem { say(.warning, "FRU device \(fruIDs[index]): \(problem)") }
        }
        for index in 0..<sensors.count {
            if case .constant(let value) = sensors[index].source { takeReading(index, value, now: now) }
        }
        nextPoll = now
        restartBootFlagTimer(now)
        tick(now: now, wall: wall)
    }
}
