// SPDX-License-Identifier: Apache-2.0
//
// What a ring shows when its writer stopped in the middle: at any instruction, and where kill(2) happens to hit.
import CLinux
import CTestSupport
import Capture
import LinuxIO
import Testing

@Suite(.serialized) struct KillTests {
    @Test func writerStoppedAtAnyInstructionLeavesAnUnbrokenRun() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/ring"
        // Enough to go round the ring twice; each event takes thousands of instructions in a debug build.
        let count = UInt64(max(12, repetitions(100)))
        let child = Program.start([Program.child, "step", path, "16", String(count)])
        #expect(ts_attach(child.process) == 0)
        let file = try Syscalls.open(path, O_RDWR)
        let size = Int(try Syscalls.status(of: file.raw).size)
        let map = try MemoryMap(shared: file.raw, length: size)
        var before = [UInt8](repeating: 0, count: size)
        var states = 0
        var seen: UInt64 = 0
        var problems: [String] = []
        var step = ts_step(child.process)
        while step == 1 {
            defer { step = ts_step(child.process) }
            if memcmp(map.base, before, size) == 0 { continue }
            memcpy(&before, map.base, size)
            states += 1
            // As a dump would see it, and as the next process would.
            let found = RingSnapshot(before)
            let copy = folder.file("copy", before)
            let next = try Recorder(RecorderIdentity(channel: "debug", description: ""), events: 16, path: copy)
            for ring in [found, next.snapshot()] {
                guard let ring else {
                    problems.append("no ring")
                    continue
                }
                if let problem = Script.problem(ring) { problems.append(problem) }
                let complete = ring.events.last.map { $0.time + 1 } ?? 0
                if complete < seen || complete > seen + 1 { problems.append("\(complete) after \(seen)") }
                seen = max(seen, complete)
            }
            if seen == count { kill(child.process, SIGKILL) }
        }
        close(child.output)
        // A step that came after the kill has not waited for it: nobody else would, and who waits for any child finds it.
        if step != 0 { _ = child.end() }
        #expect(problems.isEmpty, "\(problems.prefix(5))")
        #expect(seen == count)
        // Three stores a record and one a count: fewer states would mean that stores were missed.
        #expect(states >= Int(count) * 3)
    }

    @Test func killedWriterLeavesEveryCompletedEventAndNoOther() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/ring"
        var generator = Seeded(state: 8)
        var next: UInt64 = 0
        for round in 0..<repetitions(500) {
            let child = Program.start([Program.child, "ring", path, "256", String(next)])
            var ready = [UInt8](repeating: 0, count: 1)
            let read = ready.withUnsafeMutableBytes { Syscalls.read(child.output, into: $0) }
            #expect(read == .success(1))
            usleep(UInt32.random(in: 0...3000, using: &generator))
            kill(child.process, SIGKILL)
            close(child.output)
            #expect(cl_termination_signal(child.end()) == SIGKILL)

            let ring = try #require(RingSnapshot(folder.read("ring")))
            #expect(Script.problem(ring) == nil, "round \(round)")
            let events = ring.events
            let progress = folder.read("ring.progress").reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard let last = events.last?.time else {
                // It was killed before its first event.
                #expect(next == 0 && progress == 0, "round \(round)")
                continue
            }
            // What the writer had finished is there; one more may be complete that it did not live to say.
            #expect(last == progress || last == progress + 1, "round \(round): \(last), progress \(progress)")
            #expect(last + 1 >= next, "round \(round)")
            next = last + 1
        }
    }
}
