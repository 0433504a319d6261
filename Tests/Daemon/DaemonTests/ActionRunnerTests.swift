// SPDX-License-Identifier: Apache-2.0
import Events
import Schema
import TestKit
import Testing

@testable import Daemon

@Suite struct ActionRunnerTests {
    @Test func actionThatHangsKeepsNothingFromGoingOn() throws {
        let folder = TestFolder()
        let loop = try EventLoop()
        let log = Log(level: .error)
        let services = ActionRunner.Services(
            loop: loop, log: log, programs: Programs(loop, log), sysrq: { Sysrq(loop, path: "\(folder.path)/sysrq") },
            // A capture on a disk that hangs.
            capture: { _, _, _ in })
        func action(_ kind: ActionKind, _ timeout: TimeSpan, _ otherwise: [Action] = []) -> Action {
            Action(kind: kind, timeout: timeout, otherwise: otherwise, mark: .start)
        }
        let list = [
            action(.capture(.all), .milliseconds(1), [action(.log("x"), .seconds(1))]),
            action(.wait(.hours(1)), .milliseconds(1)), action(.log("y"), .seconds(1)),
        ]
        var texts: [String]?
        ActionRunner(list, channel: "a", services) { texts = $0.map { $0.text } }.start()
        while texts == nil { try loop.turn(wait: true) }
        #expect(texts == ["capture all timed out", "log ok", "wait 1h timed out", "log ok"])
    }
}
