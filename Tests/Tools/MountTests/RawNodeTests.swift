// SPDX-License-Identifier: Apache-2.0
//
// What the raw-KCS driver as posted does, measured on kernels, asked of the mounted file by system calls alone.
import CLinux
import CTestSupport
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

private let ibf: UInt8 = 0x02
private let command: UInt8 = 0x08

@Suite(.serialized, onMountedFiles) struct RawNodeTests {
    @Test func outIsReportedForAsLongAsOBFIsClear() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        for _ in 0..<5 { #expect(node.poll(within: 1000) == POLLOUT) }
        #expect(node.write([0x11], at: 0) == .count(1))
        #expect(node.poll() == 0)
        #expect(try mount.host().readData() == 0x11)
        #expect(node.poll(within: 30_000) == POLLOUT)
    }

    @Test(arguments: [1, 2]) func nonBlockingReadWithoutDataSleeps(count: Int) throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs", 1, O_NONBLOCK)
        let call = BackgroundCall { node.read(count, at: 0) }
        try mount.host().write(0x44)
        #expect(call.answer() == .bytes(count == 1 ? [0x44] : [0x44, ibf]))
    }

    @Test func nonBlockingReadGetsTheByteThatTheInterruptTook() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs", 1, O_NONBLOCK)
        try mount.host().write(0x44)
        #expect(node.read(1, at: 0) == .byte(0x44))
    }

    @Test func nonBlockingReadNeverGetsAByteWhileASecondWaitsInIDR() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        host.write(1)
        host.write(2)
        node.setNonBlocking(true)
        for _ in 0..<1000 {
            #expect(node.read(1, at: 0) == .error(EAGAIN))
            #expect(node.poll() & POLLIN != 0)
        }
        node.setNonBlocking(false)
        #expect(node.read(1, at: 0) == .byte(1))
        #expect(node.read(1, at: 0) == .byte(2))
    }

    @Test func fixedDriverTestsNonBlockingTheRightWayRound() throws {
        let mount = try Mount("--driver", "fixed")
        let node = try mount.open("raw-kcs", 1, O_NONBLOCK)
        #expect(node.read(1, at: 0) == .error(EAGAIN))
        let host = try mount.host()
        host.write(1)
        host.write(2)
        #expect(node.read(1, at: 0) == .byte(1))
        #expect(node.read(1, at: 0) == .byte(2))
        #expect(node.read(2, at: 0) == .error(EAGAIN))
    }

    @Test func deferredDriverLeavesIDRUntilItIsRead() throws {
        let mount = try Mount("--driver", "deferred")
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        host.write(7, command: true)
        #expect(node.poll(within: 30_000) & POLLIN != 0)
        #expect(host.readStatus() & ibf != 0)
        #expect(node.read(1, at: 0) == .byte(7))
        #expect(host.readStatus() & ibf == 0)
    }

    @Test func twoByteReadGivesIDRThenSTRWithIBFSetAfterTheInterruptClearedIt() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        host.write(0x61, command: true)
        #expect(host.readStatus() & ibf == 0)
        #expect(node.read(1, at: 1) == .byte(command | ibf))
        #expect(node.read(2, at: 0) == .bytes([0x61, command | ibf]))
        #expect(node.read(1, at: 1) == .byte(command))
    }

    @Test func commandThatIsReadAfterDataWasWrittenIsReportedWithoutCommandBit() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        host.write(0x61, command: true)
        host.write(0x18)
        #expect(node.read(2, at: 0) == .bytes([0x61, ibf]))
        #expect(node.read(2, at: 0) == .bytes([0x18, ibf]))
    }

    @Test func whatIsBeyondTheTwoBytesIsEINVAL() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        for (count, offset) in [(3, 0), (4096, 0), (2, 1), (1, 2), (1, 4096)] {
            #expect(node.read(count, at: offset) == .error(EINVAL))
            #expect(node.write([UInt8](repeating: 0, count: count), at: offset) == .error(EINVAL))
        }
        #expect(node.read(0, at: 0) == .bytes([]))
        #expect(node.write([], at: 0) == .count(0))
        #expect(lseek(node.descriptor, 0, SEEK_END) == -1 && errno == EINVAL)
        #expect(node.read(1, at: 1) == .byte(0))
        node.close()
        #expect(try run("/bin/cat", [mount.node("raw-kcs")]).status != 0)
    }

    @Test func readsAtThePositionDoNotMoveIt() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        for byte: UInt8 in [1, 2, 3, 4] {
            host.write(byte)
            #expect(node.read(1) == .byte(byte))
        }
        #expect(lseek(node.descriptor, 1, SEEK_SET) == 1)
        #expect(node.read(1) == .byte(0))
        #expect(node.read(1) == .byte(0))
    }

    @Test func vectorsOfOneByteAreReadsOfTheirOwn() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        host.write(1)
        host.write(2)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        defer { buffer.deallocate() }
        #expect(cts_read_vectors(node.descriptor, buffer.baseAddress, buffer.baseAddress! + 32) == 2)
        #expect(buffer[0] == 1 && buffer[32] == 2)
    }

    @Test func ddReadsIDRAndSkipsToSTR() throws {
        let mount = try Mount()
        try mount.open("raw-kcs").close()
        let host = try mount.host()
        host.write(0x44)
        let data = try run("/bin/dd", ["if=" + mount.node("raw-kcs"), "bs=1", "count=1", "status=none"])
        #expect(data.output == "D")
        let status = try run("/bin/dd", ["if=" + mount.node("raw-kcs"), "bs=1", "skip=1", "count=1", "status=none"])
        #expect(Array(status.output.utf8) == [0])
    }

    @Test func writeOfODRWaitsForTheHostUnlessNonBlocking() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        #expect(node.write([1], at: 0) == .count(1))
        node.setNonBlocking(true)
        #expect(node.write([2], at: 0) == .error(EAGAIN))
        node.setNonBlocking(false)
        let call = BackgroundCall { node.write([3], at: 0) }
        #expect(host.readData() == 1)
        #expect(call.answer() == .count(1))
        #expect(host.receive(deadline: patience) == 3)
    }

    @Test func newsOfOBFComesAsLateAsTheTimerOrNever() throws {
        let never = try Mount("--obe-lag", "never")
        let deaf = try never.open("raw-kcs")
        #expect(deaf.write([1], at: 0) == .count(1))
        // epoll(7) sleeps until it is told; poll(2) would look once more when its time is up.
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        defer { _ = CLinux.close(epoll) }
        #expect(cl_epoll_control(epoll, EPOLL_CTL_ADD, deaf.descriptor, EPOLLOUT.rawValue, 0) == 0)
        #expect(try never.host().readData() == 1)
        var event = epoll_event()
        #expect(epoll_wait(epoll, &event, 1, 200) == 0)
        #expect(deaf.poll() == POLLOUT)

        let late = try Mount("--obe-lag", "50ms")
        let node = try late.open("raw-kcs")
        #expect(node.write([1], at: 0) == .count(1))
        let patient = BackgroundCall { .count(Int(node.poll(within: 30_000, for: POLLOUT))) }
        #expect(try late.host().readData() == 1)
        #expect(patient.answer() == .count(Int(POLLOUT)))
    }

    @Test func nonBlockingWriteOfBothAppliesSTRAlthoughItIsEAGAIN() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        #expect(node.write([1, 0x41], at: 0) == .count(2))
        node.setNonBlocking(true)
        #expect(node.write([2, 0xC1], at: 0) == .error(EAGAIN))
        #expect(host.readStatus() == 0xC1)
        // Bit 0 clear clears OBF, and ODR is overwritten.
        #expect(node.write([3, 0x80], at: 0) == .count(2))
        #expect(host.readStatus() == 0x81)
        #expect(host.readData() == 3)
        #expect(host.counted(.outputLost) == 1)
    }

    @Test func interruptedWriteOfBothLeavesSTRChanged() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        #expect(node.write([1, 0x41], at: 0) == .count(2))
        let call = BackgroundCall { node.write([2, 0xC1], at: 0) }
        #expect(call.interrupt() == .error(EINTR))
        #expect(host.readStatus() == 0xC1)
        #expect(host.readData() == 1)
        #expect(host.readStatus() & 1 == 0)
    }

    @Test func writeOfSTRWithBit0ClearLosesTheHostsByteAndWarnsEveryTime() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        #expect(node.write([1], at: 0) == .count(1))
        #expect(node.write([0x05], at: 1) == .count(1))
        #expect(host.readStatus() == 0x05)
        for _ in 0..<3 { #expect(node.write([0x04], at: 1) == .count(1)) }
        #expect(host.readStatus() == 0x04)
        #expect(host.counted(.warnings) == 3)
        #expect(host.counted(.outputLost) == 1)
    }

    @Test func secondOpenIsEBUSYAndHarmless() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let waiting = BackgroundCall { .count(Int(node.poll(within: 30_000, for: POLLIN))) }
        for kind in ["raw-kcs", "serio_raw", "ipmi-kcs"] {
            #expect(cl_open(mount.node(kind), O_RDWR | O_CLOEXEC, 0) == -1)
            #expect(errno == EBUSY)
        }
        try mount.host().write(9)
        #expect(waiting.answer() == .count(Int(POLLIN)))
        #expect(node.read(1, at: 0) == .byte(9))
    }

    @Test func byteThatWasNotReadBeforeCloseIsThereAfterReopenAndThenTheNewOne() throws {
        let mount = try Mount()
        let host = try mount.host()
        let first = try mount.open("raw-kcs")
        host.write(1)
        first.close()
        host.write(2)
        let second = try mount.open("raw-kcs")
        #expect(second.read(1, at: 0) == .byte(1))
        #expect(second.read(1, at: 0) == .byte(2))
    }

    @Test func byteThatIsWrittenWhileNobodyHasItOpenIsKept() throws {
        let mount = try Mount()
        try mount.open("raw-kcs").close()
        let host = try mount.host()
        #expect(eventually { !host.state.isOpen })
        host.write(5)
        #expect(try mount.open("raw-kcs").read(2, at: 0) == .bytes([5, ibf]))
    }

    @Test func anotherThreadsPollTakesTheWakeUpOfABlockedWrite() throws {
        let mount = try Mount("--obe-lag", "1s")
        let node = try mount.open("raw-kcs")
        #expect(node.write([1], at: 0) == .count(1))
        let writer = BackgroundCall { node.write([2], at: 0) }
        // Calls are served in their order: the write is known to sleep once this one has returned.
        #expect(node.read(1, at: 1) == .byte(1))
        #expect(try mount.host().readData() == 1)
        #expect(node.poll() == POLLOUT)
        #expect(writer.answer(within: 1.5) == nil)
        #expect(writer.interrupt() == .error(EINTR))
    }

    @Test func signalEndsABlockedRead() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let call = BackgroundCall { node.read(2, at: 0) }
        #expect(call.interrupt() == .error(EINTR))
        try mount.host().write(3)
        #expect(node.read(2, at: 0) == .bytes([3, ibf]))
    }

    @Test func hostThatIgnoresIBFLosesTheByteInTheMiddle() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        for byte: UInt8 in [1, 2, 3] { host.write(byte) }
        #expect(node.read(1, at: 0) == .byte(1))
        #expect(node.read(1, at: 0) == .byte(3))
        #expect(node.poll() & POLLIN == 0)
    }

    @Test func edgeTriggeredEpollHasNoNewEdgeForASecondByteUntilTheFirstIsRead() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        defer { _ = CLinux.close(epoll) }
        let edges = EPOLLIN.rawValue | EPOLLET.rawValue
        #expect(cl_epoll_control(epoll, EPOLL_CTL_ADD, node.descriptor, edges, 0) == 0)
        var event = epoll_event()
        let host = try mount.host()
        host.write(1)
        #expect(epoll_wait(epoll, &event, 1, 30_000) == 1)
        host.write(2)
        #expect(epoll_wait(epoll, &event, 1, 200) == 0)
        #expect(node.read(1, at: 0) == .byte(1))
        #expect(epoll_wait(epoll, &event, 1, 30_000) == 1)
        #expect(node.read(1, at: 0) == .byte(2))
    }

    @Test func nodeHasNoControlRequests() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        #expect(cl_ipmi_force_abort(node.descriptor) == -1 && errno == ENOTTY)
        #expect(isatty(node.descriptor) == 0)
    }

    @Test func blockedCallHoldsUpNoOtherNode() throws {
        let mount = try Mount(channels: 2)
        let blocked = try mount.open("raw-kcs", 1)
        let other = try mount.open("raw-kcs", 2)
        let call = BackgroundCall { blocked.read(1, at: 0) }
        #expect(other.write([1], at: 0) == .count(1))
        #expect(other.read(1, at: 1) == .byte(1))
        // Nor the node itself: STR can be read and written meanwhile.
        #expect(blocked.write([0x41], at: 1) == .count(1))
        #expect(blocked.read(1, at: 1) == .byte(0x40))
        try mount.host().write(1)
        #expect(call.answer() == .byte(1))
    }

    @Test func everyByteOfALongStreamArrivesOnceAndInOrder() throws {
        let mount = try Mount()
        let node = try mount.open("raw-kcs")
        let host = try mount.host()
        let count = repetitions(100_000)
        let reader = BackgroundCall {
            for index in 0..<count {
                guard node.poll(within: 30_000, for: POLLIN) == POLLIN,
                    node.read(1, at: 0) == .byte(UInt8(truncatingIfNeeded: index))
                else { return .error(Int32(truncatingIfNeeded: index)) }
            }
            return .count(count)
        }
        for index in 0..<count {
            guard host.send(UInt8(truncatingIfNeeded: index), deadline: patience) else {
                Issue.record("byte \(index) was not taken")
                break
            }
        }
        #expect(reader.answer(within: 120) == .count(count))
        #expect(host.counted(.inputLost) == 0)
    }
}
