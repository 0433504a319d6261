// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the request is handed to plugins from a buffer of its own, because a plugin answers, and so changes what carries
// messages, while it still reads the request.
import CKCSPlugin
import Capture
import Devices
import HotPath
import KCS
import LinuxIO
import PluginHost

/// Message handlers on a channel: offers each request to them in their order until one takes it, and accepts one answer to
/// each, for as long as it is owed. How requests come in and answers go out is up to the subclasses.
class MessageService {
    private let channel: Unmanaged<Channel>
    /// The request, NetFn/LUN and command first.
    let request: UnsafeMutableRawBufferPointer
    private var requestCount = 0
    /// Whose answer is awaited: the handler that is being asked, or that said that its reply comes later.
    private var answering: HandlerSeat?
    private(set) var token: MessageToken?
    /// The request before that was answered by a handler: a second answer to it is a mistake, not a race.
    private var lastAnswered: MessageToken?

    static let capacity = TransferMachine.requestCapacity
    static let timedOut: UInt8 = 0xC3
    private static let invalidCommand: UInt8 = 0xC1
    private static let unspecified: UInt8 = 0xFF

    init(_ channel: Channel) {
        self.channel = .passUnretained(channel)
        request = .allocate(byteCount: Self.capacity, alignment: 8)
    }

    deinit { request.deallocate() }

    // MARK: What subclasses do

    /// What has been counted.
    var counters: TransferCounters { TransferCounters() }
    /// The device was opened and drained, and its channel is registered with the loop.
    func begin(_ device: Device) {}
    /// The device closes: the host CPU is to find a defined state.
    func end() {}
    /// The channel was reset by its operator: what is under way is forgotten.
    func reset() {}
    /// The device is readable, or was asked to be looked at again.
    func ready(_ device: Device, _ now: UInt64) {}
    /// Was a request with this token ever offered?
    func hasDelivered(_ token: MessageToken) -> Bool { false }
    /// SMS_ATN is to be set, or cleared.
    func showAttention(_ on: Bool) {}
    /// Sends an answer on its way.
    func send(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer) -> ReplyOutcome { .stale }
    /// An answer was accepted, and recorded.
    func answered() {}
    /// There will be no answer.
    func withhold(_ token: MessageToken) {}

    // MARK: What handlers do

    final func reply(_ seat: HandlerSeat, _ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        let token = MessageToken(rawValue: token)
        guard token == self.token else {
            if token == lastAnswered {
                return seat.misused("reply() was called a second time for one request, and refused")
            }
            guard hasDelivered(token) else {
                return seat.misused("reply() was called with token \(token.rawValue), which no request has")
            }
            withChannel { $0.counters.staleReplies += 1 }
            return KCS_E_STALE
        }
        // Another handler's request.
        guard seat === answering else {
            return seat.misused("reply() was called for another handler's request, and refused")
        }
        if bytes.count > TransferMachine.responseCapacity {
            return seat.misused(
                "reply() of \(bytes.count) bytes is longer than \(TransferMachine.responseCapacity), and was refused")
        }
        return bytes.isEmpty ? answerNothing(token) : answer(token, bytes)
    }

    /// The handler promised an answer, and has none: the host CPU is left waiting in READ.
    private func answerNothing(_ token: MessageToken) -> Int32 {
        forgetRequest()
        lastAnswered = token
        withhold(token)
        answered()
        return KCS_OK
    }

    /// Any handler's wish for SMS_ATN is the channel's.
    final func updateAttention() { showAttention(withChannel { $0.seats.contains { $0.wantsAttention } }) }

    private func answer(_ token: MessageToken, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard bytes.baseAddress != nil else { return KCS_E_INVALID }
        switch send(token, bytes) {
        case .accepted: break
        case .stale:
            withChannel { $0.counters.staleReplies += 1 }
            return KCS_E_STALE
        case .tooLong: return KCS_E_INVALID
        }
        answering = nil
        self.token = nil
        lastAnswered = token
        withChannel { $0.recorder?.message(.toHost, link: .ipmi, bytes, at: $0.recordTime) }
        answered()
        return KCS_OK
    }

    // MARK: Requests

    /// Offers what is in `request`.
    final func offer(_ token: MessageToken, _ count: Int, _ now: UInt64) {
        requestCount = count
        let bytes = UnsafeRawBufferPointer(rebasing: request[..<count])
        self.token = token
        withChannel { channel in
            channel.recorder?.message(.fromHost, link: .ipmi, bytes, at: channel.recordTime)
            for seat in channel.seats where seat.input == KCS_INPUT_MESSAGES {
                answering = seat
                channel.beginCall(.message)
                let disposition = seat.offer(token.rawValue, bytes, now: now)
                channel.endCall(seat, .message)
                // A reply makes it this handler's, whatever it says.
                guard self.token == token else { return }
                switch disposition {
                case KCS_PENDING: return
                case KCS_HANDLED:
                    forgetRequest()
                    return withhold(token)
                case KCS_DECLINED: continue
                default:
                    complete(token, Self.unspecified)
                    return channel.failSoon("plugin \(seat.plugin.name): message answered \(disposition)")
                }
            }
            complete(token, Self.invalidCommand)
        }
    }

    /// Answers for the handlers, with a completion code alone.
    private func complete(_ token: MessageToken, _ code: UInt8) {
        let response = shortResponse(code)
        _ = response.withUnsafeBytes { answer(token, $0) }
    }

    /// NetFn, command and a completion code.
    final func shortResponse(_ code: UInt8) -> [UInt8] {
        [request[0] | 0x04, requestCount > 1 ? request[1] : 0, code]
    }

    /// The answer is no longer owed.
    final func withdraw(_ token: MessageToken, _ end: MessageEnd) {
        guard token == self.token else { return }
        withChannel { channel in
            if end == .expired, let seat = answering {
                shortResponse(Self.timedOut).withUnsafeBytes {
                    channel.recorder?.message(.toHost, link: .ipmi, $0, at: channel.recordTime)
                }
                channel.log.write(
                    .warning, channel.name,
                    "plugin \(seat.plugin.name): NetFn \(Hex.byte(request[0] >> 2)) command \(Hex.byte(request[1]))"
                        + " was not answered in time; the host CPU got completion code C3")
            }
        }
        forgetRequest()
    }

    /// Nothing is owed.
    final func forgetRequest() {
        token = nil
        answering = nil
    }

    @inline(__always)
    final func withChannel<Result>(_ body: (Channel) -> Result) -> Result { channel._withUnsafeGuaranteedRef(body) }
}

extension Channel {
    func handlerReplies(_ seat: HandlerSeat, _ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard let transfer else {
            _ = seat.misused(
                seat.input == KCS_INPUT_MESSAGES
                    ? "reply() was called after the channel closed, and refused"
                    : "reply() was called by a handler that takes no messages, and refused")
            return KCS_E_UNAVAILABLE
        }
        return transfer.reply(seat, token, bytes)
    }

    func handlerSetsAttention(_ seat: HandlerSeat, _ on: Bool) -> Int32 {
        seat.wantsAttention = on
        transfer?.updateAttention()
        return seat.input == KCS_INPUT_AUTO || seat.input == KCS_INPUT_MANUAL ? KCS_E_UNAVAILABLE : KCS_OK
    }
}
