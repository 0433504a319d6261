// SPDX-License-Identifier: Apache-2.0
//
// What survives a restart changes in one way only. A command proposes a change; the change goes to its store as a job;
// when the store has it, the state changes by the same function that reads the store at start, and the response
// leaves. If the store cannot take it, nothing has changed and the response says so. One job is under way at a time:
// commands and events that need another wait in line, in order.
import Common
import IPMI

/// Changes of what survives: proposed, stored, then made.
extension ManagementController {
    /// A change of what survives.
    enum Change {
        case log(EventLogChange)
        case setting(SettingKey, [UInt8])
        case fru(Int, offset: Int, [UInt8])
    }

    /// The change that is on its way to its store, and what follows when it is there.
    struct Job {
        let id: UInt64
        let change: Change
        let after: JournalWriter?
        let token: UInt64?
        let response: [UInt8]
    }

    /// What waits for the job under way.
    enum Waiting {
        case message(token: UInt64, bytes: [UInt8])
        case event(SELRecord)
        case setting(SettingKey, [UInt8])
    }

    /// May the host make this change persistent? One that may not is counted, and said at a limited rate.
    func admits(_ change: Change, _ now: UInt64) -> Bool {
        let isAdmitted: Bool
        if case .fru(let index, let offset, let bytes) = change {
            // An image that is written in order is let through whole or not at all: pieces of 16 bytes are what hosts use.
            let left = UInt64(frus[index].image.bytes.count - offset) / UInt64(max(bytes.count, 16)) + 1
            let goesOn = fruWritten.index == index && fruWritten.end == offset
            isAdmitted = (goesOn || fruWrites.allows(left, now)) && fruWrites.admit(now) != nil
            fruWritten = (isAdmitted ? index : -1, offset + bytes.count)
        } else {
            isAdmitted = hostWrites.admit(now) != nil
        }
        guard !isAdmitted else { return true }
        refusedWrites += 1
        if refusalsSaid.admit(now) != nil {
            say(.warning, "write_limit: a change by the host is refused with C0, \(refusedWrites) so far")
        }
        return false
    }

    /// Starts a change; false if its store is not kept, and the change has been made at once.
    func begin(_ change: Change, token: UInt64?, response: [UInt8], _ now: UInt64) -> Bool {
        switch change {
        case .log(let entry):
            guard durable.sel else { break }
            let (made, writer) = logWriter.change(adding: entry.record, size: log.journalLimit) {
                // An addition stays the last record: after a crash it is what the host may repeat.
                if case .add = entry { return log.image + [entry.record] }
                var copy = log
                copy.apply(entry)
                return copy.image
            }
            return submit(.sel, made, change, writer, token, response)
        case .setting(let key, let value):
            guard durable.settings else { break }
            let (made, writer) = settingsWriter.change(
                adding: Settings.record(key, value), size: settings.journalLimit
            ) {
                var copy = settings
                copy.set(key, value)
                return copy.image
            }
            return submit(.settings, made, change, writer, token, response)
        case .fru(let index, let offset, let bytes):
            guard durable.fru else { break }
            return submit(.fru(index), .patch(offset: UInt64(offset), bytes: bytes), change, nil, token, response)
        }
        apply(change, token: token, now)
        return false
    }

    func submit(
        _ store: Store, _ storeChange: StoreChange, _ change: Change, _ after: JournalWriter?, _ token: UInt64?,
        _ response: [UInt8]
    ) -> Bool {
        jobs += 1
        job = Job(id: jobs, change: change, after: after, token: token, response: response)
        emit(.store(StoreJob(id: jobs, store: store, change: storeChange)))
        return true
    }

    func apply(_ change: Change, token: UInt64?, _ now: UInt64) {
        switch change {
        case .log(let entry):
            log.apply(entry)
            if case .add(let record, _, true, _) = entry, let token { lastAdd = (token, record, record.id) }
            showFilling(now)
        case .setting(let key, let value):
            settings.set(key, value)
            if key == .bootOption(5) || key == .bootOption(3) { restartBootFlagTimer(now) }
        case .fru(let index, let offset, let bytes):
            if let image = frus[index].image.writing(bytes, at: offset) { frus[index].image = image }
        }
    }

    /// A store's job ended. Any other id than that of the job under way is the caller's mistake.
    public func finished(_ id: UInt64, _ result: StoreResult, now: UInt64) {
        guard let done = job, done.id == id else { preconditionFailure("no such job is under way") }
        job = nil
        var response = done.response
        if result == .stored {
            if let after = done.after {
                if case .log = done.change { logWriter = after } else { settingsWriter = after }
            }
            apply(done.change, token: done.token, now)
            storeTrouble = .ok
        } else {
            let code: CompletionCode = result == .full ? .outOfSpace : .unspecified
            storeTrouble = code
            if result == .unknown {
                if case .log = done.change { logWriter.distrust() } else { settingsWriter.distrust() }
            }
            if done.token == nil {
                lose("a change of the controller's own could not be stored", now)
            }
            if response.count >= 3 { response = [response[0], response[1], code.rawValue] }
        }
        if let token = done.token { emit(.reply(token: token, message: response)) }
        proceed(now: now)
    }

    /// Takes what waits, in order, until another job is under way.
    func proceed(now: UInt64) {
        while job == nil, !waiting.isEmpty {
            switch waiting.removeFirst() {
            case .event(let record): addEvent(record, now: now)
            case .setting(let key, let value): _ = begin(.setting(key, value), token: nil, response: [], now)
            case .message(let token, let bytes): replay(token, bytes, now: now)
            }
        }
    }

    /// Handles a message that had to wait; its answer is an effect.
    func replay(_ token: UInt64, _ bytes: [UInt8], now: UInt64) {
        let answer = withResponseBuffer { buffer in
            bytes.withUnsafeBytes { message($0, token, buffer, now) }
        }
        if let answer { emit(.reply(token: token, message: answer)) }
    }

    func message(
        _ bytes: UnsafeRawBufferPointer, _ token: UInt64, _ buffer: UnsafeMutableRawBufferPointer, _ now: UInt64
    ) -> [UInt8]? {
        guard case .reply(let count) = message(token, bytes, into: buffer, now: now) else { return nil }
        return [UInt8](buffer[0..<count])
    }

    /// The driver could not deliver the response to `token`: the host gave the request up, and may repeat it.
    public func undelivered(_ token: UInt64) {
        guard let add = lastAdd, add.token == token else { return }
        unconfirmed = (add.record, add.id)
    }

    /// The record that `record` repeats, if the answer to the same addition may have been lost. Asked once.
    func takeRepeated(_ record: SELRecord) -> UInt16? {
        guard let last = unconfirmed else { return nil }
        unconfirmed = nil
        return last.record.sameEvent(record) && log.index(of: last.id) != nil ? last.id : nil
    }

    /// A host's change of the log other than an addition ends the chance of a repetition.
    func forgetUnconfirmed() { unconfirmed = nil }
}
