// SPDX-License-Identifier: Apache-2.0
import Events
import LinuxIO
import Schema

/// What every channel uses and none owns.
final class ChannelServices {
    let loop: EventLoop
    let log: Log
    let programs: Programs
    let worker: Worker
    let activity: Activity
    let listenDescriptors: ListenDescriptors
    let actions: ActionRunner.Services
    /// Writes a channel's recorder to disk because of a failure, and tells where.
    var captureFailure: (String, @escaping (CaptureService.Outcome) -> Void) -> Void = { _, _ in }
    /// Told of every change of a channel's state.
    var stateChanged: () -> Void = {}
    /// The daemon, for a process that serves one channel; nil in the daemon itself.
    var parent: ParentLink?
    /// What the process of a channel is given to read; nil where there is no such channel.
    var configuration: (String) -> String? = { _ in nil }
    /// A process that does not answer for so long is ended.
    var hangTimeout = TimeSpan.seconds(2)
    /// Crashes, over restarts of the daemon.
    let crashes: CrashLedger
    /// Where channels keep files.
    let stateDirectory: String
    /// What recorders' times are made with.
    let recordClock: RecordClock

    init(
        loop: EventLoop, log: Log, programs: Programs, worker: Worker, activity: Activity,
        listenDescriptors: ListenDescriptors, stateDirectory: String,
        recordClock: RecordClock, actions: ActionRunner.Services
    ) {
        self.loop = loop
        self.log = log
        self.programs = programs
        self.worker = worker
        self.activity = activity
        self.listenDescriptors = listenDescriptors
        self.stateDirectory = stateDirectory
        self.recordClock = recordClock
        self.actions = actions
        crashes = CrashLedger(folder: stateDirectory, worker)
    }
}
