// SPDX-License-Identifier: Apache-2.0
import Events
import HotPath
import LinuxIO

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
    /// Where channels keep files.
    var stateDirectory: String
    /// CLOCK_MONOTONIC when the last handler call of this turn ended: each call's time runs from the end of the one before.
    var callMark: UInt64 = 0

    init(
        loop: EventLoop, log: Log, programs: Programs, worker: Worker, activity: Activity,
        listenDescriptors: ListenDescriptors, stateDirectory: String, actions: ActionRunner.Services
    ) {
        self.loop = loop
        self.log = log
        self.programs = programs
        self.worker = worker
        self.activity = activity
        self.listenDescriptors = listenDescriptors
        self.stateDirectory = stateDirectory
        self.actions = actions
    }
}
