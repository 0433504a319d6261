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
                    skip(record)
                    continue
                }
                log.apply(change)
                last = change
            }
            if !clean, case .add(let record, _, true, _) = last { unconfirmed = (record, record.id) }
        case .settings:
            let contents = Journal.read(bytes, kind: Settings.journalKind)
            report(contents, "settings")
            settingsWriter.resume(contents)
            for record in contents.records where !settings.apply(record) { skip(record) }
        case .fru(let index):
            guard let image = FRUImage(bytes) else { return }
            frus[index].image = image
        }
    }

    @inline(never)
    private func skip(_ record: Journal.Record) { say(.warning, "a record of type \(record.type) is skipped") }

    func report(_ contents: Journal.Contents, _ name: String) {
        let kept = contents.records.count
        if contents.damaged > 0 { say(.warning, "\(name): \(contents.damaged) damaged records are lost, \(kept) kept") }
        guard contents.cut > 0, contents.damaged == 0 else { return }
        say(
            .warning,
            """
            \(name): \(contents.cut) bytes after byte \(contents.length) are not a whole record and are cut, \(kept) records kept
            """)
    }

    /// Begins: asks for the first readings and the first wake-up.
    public func start(now: UInt64, wall: UInt64) {
        setTime(now: now, wall: wall)
        poweredSince = now
        stampRepository(now)
        for fru in frus {
            if let problem = fru.image.problem { say(.warning, "FRU device \(fru.id): \(problem)") }
        }
        showFilling(now)
        for index in 0..<sensors.count where index != logSensor {
            if case .constant(let value) = sensors[index].source { takeReading(index, value, now: now) }
        }
        nextPoll = now
        restartBootFlagTimer(now)
        tick(now: now, wall: wall)
    }
}
