// SPDX-License-Identifier: Apache-2.0
import Common

/// A store on storage.
public enum Store: Equatable, Sendable {
    /// The system event log's journal.
    case sel
    /// The journal of everything else that survives.
    case settings
    /// The image of the FRU device at this index of the configuration.
    case fru(Int)
}

/// How a store is to be changed. Both are done, and on storage, before the job is reported as finished.
public enum StoreChange: Equatable, Sendable {
    /// Write `bytes` at `offset`, the journal's end, and sync. On failure, cut the file back to `offset`.
    case append(offset: UInt64, bytes: [UInt8])
    /// Write `bytes` at `offset` of a file that is as large already, and sync.
    case patch(offset: UInt64, bytes: [UInt8])
    /// Replace the whole file atomically: new file beside it, sync, rename, sync the folder.
    case replace(bytes: [UInt8])
}

/// One change of a store. There is never more than one under way.
public struct StoreJob: Equatable, Sendable {
    /// Names the job in `finished`.
    public let id: UInt64
    /// What is changed.
    public let store: Store
    /// How.
    public let change: StoreChange
}

/// How a job ended.
public enum StoreResult: Equatable, Sendable {
    /// On storage.
    case stored
    /// Nothing changed: the device or quota is full.
    case full
    /// Nothing changed: any other error.
    case failed
    /// Failed, and the file could not be cut back: it may hold part of the change.
    case unknown
}

/// What the controller asks its driver to do, in order.
public enum Effect: Equatable, Sendable {
    /// Answer the message that was left pending.
    case reply(token: UInt64, message: [UInt8])
    /// Change a store on a worker thread, then call `finished`.
    case store(StoreJob)
    /// Run the actions configured for this, with more about the cause in `detail`; then call `actionEnded`.
    case run(PlatformAction, detail: String = "")
    /// Set or clear SMS_ATN.
    case attention(Bool)
    /// Read the value of the external sensor at this index of the configuration, then call `sensorRead`.
    case readSensor(Int)
    /// Call `tick` at this time, or as soon after as possible; replaces the time given before.
    case wake(at: UInt64)
    /// A line for the log.
    case log(LogLevel, String)
}
