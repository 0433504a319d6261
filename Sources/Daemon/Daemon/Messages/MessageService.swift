// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the request is handed to plugins from a buffer of its own, because a plugin answers, and so changes what carries
// messages, while it still reads the request.
import CKCSPlugin
import Capture
import Common
import Events
import IPMI
import KCS
import LinuxIO
import PluginHost

/// Message handlers on a channel: offers each request to them in their order until one takes it, and accepts one answer to
/// each, for as long as it is owed.
final class MessageService: EventSource {
    private enum State {
        /// Nothing is owed.
        case idle
        /// This handler is being asked.
        case offering(MessageToken, HandlerInstance)
        /// This handler is being asked, and has answered.
        case answered
        /// This handler has said that its answer comes later.
        case pending(MessageToken, HandlerInstance)
        /// This handler has given it back, with a code for the host CPU if nobody behind it takes it.
        case passed(MessageToken, HandlerInstance, UInt8)
        /// The device closes: nothing is served any more.
        case ended

        /// Whose answer to what is owed.
        var owed: (token: MessageToken, handler: HandlerInstance)? {
            switch self {
            case .idle, .answered, .ended: return nil
            case .offering(let token, let handler), .pending(let token, let handler),
                .passed(let token, let handler, _):
                return (token, handler)
            }
        }
    }

    private let context: ChannelContext
    private let handlers: [HandlerInstance]
    private let carrier: MessageCarrier
    private let request: UnsafeMutableRawBufferPointer
    private let latency: MessageLatency
    private var requestCount = 0
    private var state = State.idle
    /// The request before that was answered by a handler: a second answer to it is a mistake, not a race.
    private var lastAnswered: MessageToken?
    private var interest: Readiness = .input
    private lazy var timer = { [service = Borrowed(self)] in CallTimer { _ in service.object.run() } }()

    /// A service that does not listen yet, for handlers that chose `KCS_INPUT_MESSAGES`; `attentive` of them want SMS_ATN
    /// already.
    init(
        _ context: ChannelContext, _ handlers: [HandlerInstance], attentive: [HandlerInstance],
        _ carrier: MessageCarrier
    ) {
        self.context = context
        self.attentive = attentive
        self.handlers = handlers
        self.carrier = carrier
        latency = context.latency ?? MessageLatency()
        context.latency = latency
        latency.carrierBegan()
        request = .allocate(byteCount: TransferMachine.requestCapacity, alignment: 8)
        super.init()
    }

    deinit { request.deallocate() }

    /// What has been counted.
    var counters: TransferCounters { carrier.counters }

    // MARK: The device

    /// Listens.
    func begin() throws(SystemError) {
        try context.loop.add(self, descriptor: carrier.descriptor, interest: interest)
        do throws(Errno) { try carrier.begin(attention: wantsAttention, now: context.loop.now) } catch {
            return context.deviceFailed(error)
        }
        // A byte may have come between the drain and now.
        carrier.deviceReady(.input)
        run()
    }

    /// The device closes.
    func end() {
        state = .ended
        context.loop.cancel(timer)
        context.loop.remove(self)
        carrier.end(now: context.loop.now)
    }

    /// The channel was reset by its operator: what is under way is forgotten.
    func reset() {
        state = .idle
        do throws(Errno) { try carrier.reset(now: context.loop.now) } catch { return context.deviceFailed(error) }
        carrier.deviceReady(.input)
        run()
    }

    override func ready(_ readiness: Readiness, now: UInt64) {
        if !readiness.isDisjoint(with: .trouble) { return context.deviceFailed(.inputOutput) }
        carrier.deviceReady(readiness)
        run()
    }

    /// Does what is due.
    private func run() {
        guard context.failure == nil else { return }
        do throws(Errno) {
            if case .passed(let token, let handler, let code) = state {
                try offer(token, toThoseBehind: handler, otherwise: code)
            }
            while true {
                switch try carrier.next(into: request, now: context.loop.now) {
                case .request(let token, let count): try offer(token, count)
                case .ended(let token, let end): withdraw(token, end)
                case .waiting(let deadline, let interest):
                    latency.answersRead(carrier.answersRead, at: context.recordTime)
                    return wait(deadline, interest)
                }
            }
        } catch { context.deviceFailed(error) }
    }

    private func wait(_ deadline: UInt64?, _ interest: Readiness) {
        if let deadline { context.loop.set(timer, deadline: deadline) } else { context.loop.cancel(timer) }
        guard isRegistered, interest != self.interest else { return }
        self.interest = interest
        context.loop.update(self, interest: interest)
    }

    // MARK: Requests

    private func offer(_ token: MessageToken, _ count: Int) throws(Errno) {
        requestCount = count
        let bytes = UnsafeRawBufferPointer(rebasing: request[..<count])
        record(bytes)
        latency.requestCame(request[0], at: context.recordTime, clock: Clock.boot)
        try offer(token, toThoseBehind: nil, otherwise: CompletionCode.invalidCommand.rawValue)
    }

    /// Offers the request to the handlers in their order, `last` and those before it excepted.
    private func offer(
        _ token: MessageToken, toThoseBehind last: HandlerInstance?, otherwise refusal: UInt8
    ) throws(Errno) {
        let bytes = UnsafeRawBufferPointer(rebasing: request[..<requestCount])
        var refusal = refusal
        let next = last.flatMap { last in handlers.firstIndex { $0 === last } }.map { $0 + 1 } ?? 0
        for handler in handlers[next...] {
            state = .offering(token, handler)
            context.enter(.message)
            let disposition = handler.offer(token.rawValue, bytes, now: context.loop.now)
            context.leave(.message, plugin: handler.plugin.name)
            if case .passed(_, _, let code) = state {
                refusal = code
                continue
            }
            // A reply makes it this handler's, whatever it says.
            guard case .offering = state else {
                state = .idle
                return
            }
            switch disposition {
            case KCS_PENDING:
                state = .pending(token, handler)
                return
            case KCS_HANDLED:
                state = .idle
                return carrier.withhold(token, now: context.loop.now)
            case KCS_DECLINED: continue
            default:
                context.fail("plugin \(handler.plugin.name): message answered \(disposition)")
                return try complete(token, CompletionCode.unspecified.rawValue)
            }
        }
        try complete(token, refusal)
    }

    /// A request, without the password that it may hold.
    private func record(_ bytes: UnsafeRawBufferPointer) {
        guard let start = Confidential.start(of: bytes) else {
            context.recorder?.message(.fromHost, link: .ipmi, bytes, at: context.recordTime)
            return
        }
        let shown = [UInt8](bytes[..<start]) + [UInt8](repeating: 0, count: bytes.count - start)
        shown.withUnsafeBytes { context.recorder?.message(.fromHost, link: .ipmi, $0, at: context.recordTime) }
    }

    /// Answers for the handlers, with a completion code alone.
    private func complete(_ token: MessageToken, _ code: UInt8) throws(Errno) {
        state = .idle
        let bytes = shortResponse(code)
        let result = bytes.withUnsafeBytes { bytes in
            Result<ReplyOutcome, Errno> { () throws(Errno) in
                try carrier.reply(token, bytes, now: context.loop.now)
            }
        }
        guard try result.get() == .accepted else { return }
        bytes.withUnsafeBytes { answered($0, at: Clock.boot) }
    }

    private func answered(_ bytes: UnsafeRawBufferPointer, at time: UInt64) {
        context.recorder?.message(.toHost, link: .ipmi, bytes, at: time)
        latency.answerWent(at: time)
    }

    /// NetFn, command and a completion code.
    private func shortResponse(_ code: UInt8) -> [UInt8] {
        [request[0] | 0x04, requestCount > 1 ? request[1] : 0, code]
    }

    /// The answer is no longer owed.
    private func withdraw(_ token: MessageToken, _ end: MessageEnd) {
        guard let owed = state.owed, owed.token == token else { return }
        state = .idle
        guard end == .expired else { return }
        shortResponse(CompletionCode.timeout.rawValue).withUnsafeBytes { answered($0, at: context.recordTime) }
        context.log.write(
            .warning, context.name,
            "plugin \(owed.handler.plugin.name): NetFn \(Hex.number(request[0] >> 2)) command \(Hex.number(request[1]))"
                + " was not answered in time; the host CPU got completion code C3",
            JournalFields(
                event: .requestLate, plugin: owed.handler.plugin.name,
                command: "\(Hex.byte(request[0] >> 2))/\(Hex.byte(request[1]))"))
    }

    // MARK: What handlers do

    /// `reply`
    func reply(_ handler: HandlerInstance, _ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        let token = MessageToken(rawValue: token)
        guard let owed = state.owed, owed.token == token else { return refuse(handler, token) }
        guard owed.handler === handler else {
            return handler.misused("reply() was called for another handler's request, and refused")
        }
        if case .passed = state { return handler.misused("reply() was called after pass(), and refused") }
        guard bytes.count <= TransferMachine.responseCapacity else {
            return handler.misused(
                "reply() of \(bytes.count) bytes is longer than \(TransferMachine.responseCapacity), and was refused")
        }
        // Inside of an offer, it goes on when that has returned.
        let isOffering = if case .offering = state { true } else { false }
        state = isOffering ? .answered : .idle
        lastAnswered = token
        do throws(Errno) {
            if bytes.isEmpty {
                // It promised an answer, and has none: the host CPU is left waiting in READ.
                carrier.withhold(token, now: context.loop.now)
            } else if try carrier.reply(token, bytes, now: context.loop.now) == .accepted {
                // The turn's time is the request's: what the handler took would not be seen.
                answered(bytes, at: Clock.boot)
            } else {
                context.counters.staleReplies += 1
                return KCS_E_STALE
            }
        } catch {
            context.deviceFailed(error)
            return KCS_E_STALE
        }
        if !isOffering { run() }
        return KCS_OK
    }

    /// `pass`
    func pass(_ handler: HandlerInstance, _ token: UInt64, _ code: UInt8) -> Int32 {
        let token = MessageToken(rawValue: token)
        guard let owed = state.owed, owed.token == token, owed.handler === handler else {
            return refuse(handler, token, "pass")
        }
        switch state {
        case .passed: return handler.misused("pass() was called a second time for one request, and refused")
        // The next one is asked when the loop comes round: not from inside of this one's call.
        case .pending: context.loop.set(timer, deadline: context.loop.now)
        case .idle, .offering, .answered, .ended: break
        }
        state = .passed(token, handler, code)
        return KCS_OK
    }

    /// `abort`
    func abort(_ handler: HandlerInstance) -> Int32 {
        switch state {
        case .ended: return KCS_E_UNAVAILABLE
        case .offering, .answered: return handler.misused("abort() was called inside of message(), and refused")
        case .idle, .pending, .passed: break
        }
        state = .idle
        do throws(Errno) { try carrier.reset(now: context.loop.now) } catch { context.deviceFailed(error) }
        carrier.deviceReady(.input)
        context.loop.set(timer, deadline: context.loop.now)
        return KCS_OK
    }

    private func refuse(_ handler: HandlerInstance, _ token: MessageToken, _ call: StaticString = "reply") -> Int32 {
        if case .ended = state {
            _ = handler.misused("\(call)() was called after the channel closed, and refused")
            return KCS_E_UNAVAILABLE
        }
        if token == lastAnswered {
            return handler.misused("\(call)() was called a second time for one request, and refused")
        }
        guard carrier.hasDelivered(token) else {
            return handler.misused("\(call)() was called with token \(token.rawValue), which no request has")
        }
        context.counters.staleReplies += 1
        return KCS_E_STALE
    }

    // MARK: SMS_ATN

    /// Which handlers want it; any handler's wish is the channel's.
    private var attentive: [HandlerInstance]
    private var wantsAttention: Bool { !attentive.isEmpty }

    /// `set_attention`
    func setAttention(_ handler: HandlerInstance, _ on: Bool) -> Int32 {
        attentive.removeAll { $0 === handler }
        if on { attentive.append(handler) }
        if case .ended = state { return KCS_OK }
        do throws(Errno) { try carrier.setAttention(wantsAttention) } catch { context.deviceFailed(error) }
        switch state {
        case .offering, .answered, .passed, .ended: break
        case .idle, .pending: run()
        }
        return KCS_OK
    }
}
