// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import TestKit
import Testing

@testable import Devices

@Suite struct NodeLockTests {
    private let folder = TestFolder()

    @Test func nodeIsClaimedOnceUntilItIsLetGo() throws {
        NodeLock.fallbackFolder = "/tmp/kcsmux-locks-\(CurrentProcess.identifier)"
        let path = try folder.write("raw-kcs1", "")
        let status = try Syscalls.stat(path)
        var lock = try NodeLock.claim(status)
        #expect(lock != nil)
        #expect(try NodeLock.claim(status) == nil)
        let other = try Syscalls.stat(try folder.write("raw-kcs2", ""))
        #expect(try NodeLock.claim(other) != nil, "another node is another claim")
        lock = nil
        for _ in 0..<3 { #expect(try NodeLock.claim(status) != nil) }
    }
}
