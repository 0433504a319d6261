// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import LinuxIO
import PluginKit
import PluginTestSupport
import Testing

/// A handler that keeps what it is told, and asks for whatever a test wants.
private final class Asking: Handler {
    static let plugin: Plugin = Plugin(
        name: "asking", version: "1", summary: "asks for services", inputs: [.automatic],
        options: [.actions("alarm", default: "[]")],
        create: {
            plugin.create($0, $1, $2, $3) { host, options in
                let handler = Asking(host: host, options: options)
                latest = handler
                return handler
            }
        })

    /// Tests of a serialized suite look at one instance at a time.
    nonisolated(unsafe) static weak var latest: Asking?

    let options: OptionValue
    var heard: [String] = []
    var timer: HandlerTimer?
    var watch: HandlerWatch?

    init(host: Host, options: OptionValue) {
        self.options = options
        super.init(host: host)
    }

    override func start(_ info: StartInfo) throws(HandlerError) -> Input { .automatic }

    func hear(_ word: String) { heard.append(word) }
}

/// Something whose end a test can see.
private final class Token: Sendable {}

@Suite(.serialized) struct ServiceTests {
    private let daemon = FakeDaemon(Asking.plugin.descriptor)!

    private func started() throws -> Asking {
        #expect(daemon.start() == KCS_INPUT_AUTO)
        return try #require(Asking.latest)
    }

    @Test func everyServiceHandsTheHandlerBack() throws {
        let handler = try started()
        let host = handler.host
        handler.timer = host.timer(for: handler) { handler, now in handler.hear("timer \(now - 1_000_000_000)") }
        handler.timer?.set(host.now + .milliseconds(5))
        daemon.advance(10_000_000)
        #expect(
            host.work(for: handler) {
                42
            } done: { handler, value in
                handler.hear("work \(value)")
            } == .ok)
        daemon.runWork()
        let program = host.run(["/bin/x", "y"], timeout: .seconds(2), for: handler) { handler, ending in
            handler.hear("run \(ending.outcome) \(ending.code)")
        }
        #expect(program == .ok && daemon.programs.first?.arguments == ["/bin/x", "y"])
        #expect(daemon.programs.first?.timeout == 2_000_000_000)
        daemon.finishProgram(KCS_OUTCOME_FAILED, code: 3)
        let alarm = host.runActions(handler.options["alarm"], cause: "test", for: handler) { handler, results in
            handler.hear("actions \(results.map { $0.outcome })")
        }
        #expect(alarm == .ok)
        daemon.finishActions([KCS_OUTCOME_OK, KCS_OUTCOME_TIMED_OUT])
        #expect(host.dump(.channel, for: handler) { handler, outcome in handler.hear("dump \(outcome)") } == .ok)
        daemon.finishDump(KCS_OUTCOME_OK)
        host.poster(for: handler).post { handler in handler.hear("post") }
        daemon.turn()
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        handler.watch = host.watch(ends[0], .read, for: handler) { handler, events, _ in
            handler.hear("watch \(events == .read)")
            handler.watch = nil
        }
        #expect(write(ends[1], "x", 1) == 1)
        daemon.turn()
        for end in ends { close(end) }
        #expect(
            handler.heard == [
                "timer 5000000", "work 42", "run failed 3",
                "actions [PluginKit.Outcome.ok, PluginKit.Outcome.timedOut]",
                "dump ok", "post", "watch true",
            ])
        #expect(daemon.watchCount == 0 && daemon.misuses.isEmpty)
    }

    @Test func closureThatKeepsItsHandlerIsLetGoOfWithTheInstance() throws {
        weak var gone: Asking?
        do {
            let handler = try started()
            gone = handler
            let host = handler.host
            handler.timer = host.timer(for: handler) { _, _ in handler.hear("never") }
            handler.watch = host.watch(0, [], for: handler) { _, _, _ in handler.hear("never") }
            _ = host.work(for: handler) {
                1
            } done: { _, _ in
                handler.hear("never")
            }
            _ = host.run(["/x"], timeout: .seconds(1), for: handler) { _, _ in handler.hear("never") }
            _ = host.runActions(handler.options["alarm"], cause: "x", for: handler) { _, _ in handler.hear("never") }
            _ = host.dump(.all, for: handler) { _, _ in handler.hear("never") }
        }
        daemon.stop()
        #expect(gone != nil)
        daemon.destroy()
        #expect(gone == nil)
        #expect(daemon.misuses.isEmpty)
    }

    @Test func whatOutlivesItsHandlerDoesNothing() throws {
        let handler = try started()
        let timer = try #require(handler.host.timer(for: handler) { _, _ in })
        let watch = try #require(handler.host.watch(0, [], for: handler) { _, _, _ in })
        let poster = handler.host.poster(for: handler)
        daemon.stop()
        daemon.destroy()
        timer.set(1)
        timer.cancel()
        watch.set(.read)
        watch.close()
        #expect(poster.post { _ in Issue.record("there is no handler") } == .unavailable)
        #expect(daemon.misuses.isEmpty)
    }

    @Test func timerThatIsLetGoOfInItsOwnClosureIsClosed() throws {
        let handler = try started()
        handler.timer = handler.host.timer(for: handler) { handler, _ in
            handler.timer = nil
            handler.hear("fired")
        }
        handler.timer?.set(1)
        daemon.advance(1)
        #expect(handler.heard == ["fired"] && daemon.timerCount == 0 && daemon.misuses.isEmpty)
    }

    @Test func whatIsRefusedIsNotCalledAndFreed() throws {
        let handler = try started()
        daemon.workStatus = KCS_E_LIMIT
        daemon.postStatus = KCS_E_LIMIT
        daemon.runStatus = KCS_E_LIMIT
        weak var gone: Token?
        do {
            let token = Token()
            gone = token
            #expect(
                handler.host.work(for: handler) {
                    _ = token
                } done: { _, _ in
                    _ = token
                } == .limit)
            let alarm = handler.options["alarm"]
            #expect(handler.host.runActions(alarm, cause: "x", for: handler) { _, _ in _ = token } == .limit)
        }
        #expect(gone == nil)
        let poster = handler.host.poster(for: handler)
        #expect(poster.post { handler in handler.hear("refused") } == .limit)
        daemon.postStatus = nil
        #expect(poster.post { handler in handler.hear("taken") } == .ok)
        daemon.turn()
        #expect(handler.heard == ["taken"])
    }

    @Test func postsOfAThreadComeInOrderAndWhatWaitsAtTheEndIsFreed() throws {
        let handler = try started()
        let poster = handler.host.poster(for: handler)
        let threads = (0..<4).map { number in
            Thread.start { for count in 0..<1000 { poster.post { $0.hear("\(number) \(count)") } } }
        }
        for thread in threads { try #require(thread).join() }
        daemon.turn()
        #expect(handler.heard.count == 4000)
        for number in 0..<4 {
            let heard = handler.heard.filter { $0.hasPrefix("\(number) ") }
            #expect(heard == (0..<1000).map { "\(number) \($0)" })
        }
        weak var gone: Token?
        do {
            let token = Token()
            gone = token
            poster.post { _ in withExtendedLifetime(token) {} }
        }
        #expect(gone != nil)
        daemon.stop()
        daemon.destroy()
        #expect(gone == nil)
    }
}
