// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Testing

@testable import Events

@Suite struct ThreadTests {
    @Test func postsOfSeveralThreadsAllArriveEachInItsOrder() throws {
        let loop = try EventLoop()
        let mailbox = loop.mailbox
        let received = Box<[[Int]]>(Array(repeating: [], count: 4))
        let total = Box(0)
        let home = cl_thread_id()
        let threads = try (0..<4).map { number in
            try #require(
                Thread.start {
                    for index in 0..<1000 {
                        mailbox.post {
                            if cl_thread_id() == home { received.value[number].append(index) }
                            total.value += 1
                        }
                    }
                })
        }
        while total.value < 4000 { try loop.turn(wait: true) }
        for thread in threads { thread.join() }
        #expect(received.value == Array(repeating: Array(0..<1000), count: 4))
    }

    @Test func workPostedByAPostComesInALaterTurn() throws {
        let loop = try EventLoop()
        let mailbox = loop.mailbox
        let calls = Box(0)
        mailbox.post {
            calls.value += 1
            mailbox.post { calls.value += 1 }
        }
        try loop.turn(wait: true)
        #expect(calls.value == 1)
        try loop.turn(wait: true)
        #expect(calls.value == 2)
    }

    @Test func jobsRunInOrderElsewhereAndEndHere() throws {
        let loop = try EventLoop()
        let worker = Worker(mailbox: loop.mailbox)
        let home = cl_thread_id()
        let worked = Box<[Int]>([])
        let done = Box<[Int]>([])
        for index in 0..<100 {
            let accepted = worker.submit(
                {
                    if cl_thread_id() != home { worked.value.append(index) }
                },
                done: {
                    if cl_thread_id() == home { done.value.append(index) }
                })
            #expect(accepted)
        }
        while done.value.count < 100 { try loop.turn(wait: true) }
        worker.finish()
        #expect(worked.value == Array(0..<100))
        #expect(done.value == Array(0..<100))
    }

    @Test func fullQueueRefuses() throws {
        let loop = try EventLoop()
        let worker = Worker(mailbox: loop.mailbox, capacity: 2)
        let gate = Pipe()
        let started = Pipe()
        #expect(
            worker.submit(
                {
                    started.write()
                    var file = pollfd(fd: gate.input, events: Int16(POLLIN), revents: 0)
                    poll(&file, 1, -1)
                }, done: {}))
        var file = pollfd(fd: started.input, events: Int16(POLLIN), revents: 0)
        poll(&file, 1, -1)
        let calls = Box(0)
        #expect(worker.submit({}, done: { calls.value += 1 }))
        #expect(worker.submit({}, done: { calls.value += 1 }))
        #expect(!worker.submit({ Issue.record("a refused job ran") }, done: {}))
        gate.write()
        worker.finish()
        try loop.turn(wait: true)
        #expect(calls.value == 2, "finish runs what was queued")
        #expect(!worker.submit({}, done: {}), "a finished worker takes nothing")
        worker.finish()
    }

    @Test func whatAJobHoldsIsLetGoOnTheLoopsThread() throws {
        final class Held {
            let report: (Int32) -> Void
            init(_ report: @escaping (Int32) -> Void) { self.report = report }
            deinit { report(cl_thread_id()) }
        }
        let loop = try EventLoop()
        let worker = Worker(mailbox: loop.mailbox)
        let ends = Box<[Int32]>([])
        for _ in 0..<200 {
            let held = Held { ends.value.append($0) }
            #expect(worker.submit({ _ = held.report }, done: {}))
        }
        worker.finish()
        #expect(ends.value.isEmpty)
        try loop.turn(wait: true)
        #expect(ends.value == Array(repeating: cl_thread_id(), count: 200))
    }

    @Test func signalsAreEventsOfTheLoop() throws {
        let loop = try EventLoop()
        let received = Box<[Int32]>([])
        let source = try SignalSource.make([SIGUSR1, SIGUSR2]) { received.value.append($0) }
        try loop.add(source, descriptor: source.descriptor, interest: .input)
        #expect(cl_signal_thread(cl_thread_id(), SIGUSR2) == 0)
        #expect(cl_signal_thread(cl_thread_id(), SIGUSR1) == 0)
        try loop.turn(wait: true)
        #expect(received.value.sorted() == [SIGUSR1, SIGUSR2].sorted())
        loop.remove(source)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        sigaddset(&set, SIGUSR2)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    @Test func threadsBlockEverySignal() throws {
        let blocked = Box(false)
        let thread = try #require(
            Thread.start {
                var set = sigset_t()
                pthread_sigmask(SIG_BLOCK, nil, &set)
                blocked.value = sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGINT) == 1
            })
        thread.join()
        #expect(blocked.value)
    }
}
