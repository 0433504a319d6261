// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Testing

@Suite struct ErrnoTests {
    @Test func errorNamesCallSubjectAndReason() {
        do {
            _ = try Syscalls.open("/nowhere/x", O_RDONLY)
            Issue.record("opened a file that is not there")
        } catch {
            #expect(error == SystemError(.noSuchFile, "open", "/nowhere/x"))
        }
        #expect(SystemError(.noSuchFile, "open", "/x").description == "open /x: No such file or directory")
    }

    @Test func interruptedCallIsMadeAgainUntilItAnswers() {
        var calls = 0
        let result = retryingInterrupts { () -> Int32 in
            calls += 1
            if calls <= 3 {
                cl_set_errno(EINTR)
                return -1
            }
            return 7
        }
        #expect(calls == 4)
        #expect((try? result.get()) == 7)
    }

    @Test func otherErrorsComeOutAtOnce() {
        var calls = 0
        let result = retryingInterrupts { () -> Int in
            calls += 1
            cl_set_errno(EIO)
            return -1
        }
        #expect(calls == 1)
        #expect(throws: Errno.inputOutput) { try result.get() }
    }
}
