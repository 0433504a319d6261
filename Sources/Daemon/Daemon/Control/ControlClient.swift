// SPDX-License-Identifier: Apache-2.0
//
// Everything here is bounded: a line in, a buffer out, the bytes read and sent in a turn. A client that does not read its
// answers is not asked for more requests, and after a while is dropped.
import Events
import JSON
import LinuxIO

/// One connection to the control socket.
final class ControlClient: EventSource {
    /// Whom it tells of requests and of its end.
    private let server: Unmanaged<ControlServer>
    private let loop: EventLoop
    private let descriptor: Int32
    /// Who it is.
    let user: UInt32
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var sent = 0
    private var stream: ControlStream?
    private var isAnswerOwed = false
    private var isStreamWaiting = false
    private var endsAfterOutput = false
    private var isInputOver = false
    /// There may be whole requests in `input`.
    private var isBacklogged = false
    private var interest: Readiness = .input
    private(set) var isClosed = false
    /// CLOCK_MONOTONIC when it last sent or took something.
    private(set) var lastProgress: UInt64
    /// CLOCK_MONOTONIC when the line that is not whole yet began; 0 when there is none.
    private var lineBegan: UInt64 = 0

    private static let stepsPerTurn = 4
    /// Bytes of a request at most, without its line feed.
    static let lineLimit = 16 << 10
    /// Bytes that wait to be sent at most, but for one answer's rest.
    static let outputLimit = 64 << 10
    /// A request must be whole within this time, in nanoseconds.
    static let lineTime: UInt64 = 10_000_000_000
    /// An answer must be read on within this time.
    static let readTime: UInt64 = 20_000_000_000
    /// A connection without requests ends after this time.
    static let idleTime: UInt64 = 120_000_000_000

    /// Takes over a connected socket that does not block.
    init(owning descriptor: Int32, user: UInt32, _ server: ControlServer, _ loop: EventLoop, now: UInt64) {
        self.descriptor = descriptor
        self.user = user
        self.server = .passUnretained(server)
        self.loop = loop
        lastProgress = now
        super.init()
    }

    deinit { if !isClosed { Syscalls.close(descriptor) } }

    /// Begins to listen.
    func begin() throws(SystemError) { try loop.add(self, descriptor: descriptor, interest: .input) }

    /// Is nothing under way, so that it may go when its place is needed?
    var isIdle: Bool { stream == nil && !isAnswerOwed && sent == output.count }

    /// Has it kept the daemon waiting for too long?
    func isOverdue(_ now: UInt64) -> Bool {
        if sent < output.count { return !(stream?.isPatient ?? false) && now > lastProgress + Self.readTime }
        guard isIdle else { return false }
        return now > lastProgress + Self.idleTime || (lineBegan != 0 && now > lineBegan + Self.lineTime)
    }

    // MARK: Events

    override func ready(_ events: Readiness, now: UInt64) {
        if events.contains(.error) { return close() }
        if events.contains(.hangup) && !events.contains(.input) { return close() }
        if events.contains(.input) && mayRead { receive(now) }
        if !isClosed { pump(now) }
    }

    /// Nothing more is read while there are answers to be taken or requests to be served. That the other end is gone is
    /// told all the same.
    private var mayRead: Bool { !isInputOver && !endsAfterOutput && !isBacklogged && isIdle }

    private func receive(_ now: UInt64) {
        let outcome = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { chunk -> Bool in
            switch Syscalls.read(descriptor, into: chunk) {
            case .failure(.wouldBlock): return true
            case .failure: return false
            case .success(0):
                isInputOver = true
                return true
            case .success(let count):
                lastProgress = now
                input.append(contentsOf: chunk[..<count])
                return true
            }
        }
        if !outcome { close() }
    }

    /// Serves what came, sends what is to be sent, and decides what to wait for.
    private func pump(_ now: UInt64) {
        var steps = 0
        isBacklogged = false
        while true {
            guard send(now) else { return close() }
            if sent < output.count || isStreamWaiting || isAnswerOwed { break }
            if endsAfterOutput { return close() }
            if steps >= Self.stepsPerTurn {
                // The rest waits behind everybody else's turn.
                isBacklogged = true
                loop.callInNextTurn(self)
                break
            }
            steps += 1
            if let stream { advance(stream) } else if !serveLine() { break }
            if isClosed { return }
        }
        // The rest of a line that will never be whole is nobody's request.
        if isInputOver && !isBacklogged && isIdle { return close() }
        if input.isEmpty { lineBegan = 0 } else if lineBegan == 0 { lineBegan = now }
        wait()
    }

    private func wait() {
        var wanted: Readiness = []
        if mayRead { wanted.insert(.input) }
        if sent < output.count { wanted.insert(.output) }
        guard wanted != interest else { return }
        interest = wanted
        loop.update(self, interest: wanted)
    }

    // MARK: Requests

    /// Serves the first whole line; false when there is none.
    private func serveLine() -> Bool {
        let end = input.firstIndex(of: 0x0A)
        guard (end ?? input.count) <= Self.lineLimit else {
            refuseLine()
            return true
        }
        guard let end else { return false }
        var line = Array(input[..<end])
        input.removeSubrange(...end)
        lineBegan = 0
        if line.last == 0x0D { line.removeLast() }
        isAnswerOwed = true
        let reply: ControlReply
        do {
            let request = try JSONReader.read(line)
            reply = server._withUnsafeGuaranteedRef { $0.serve(request, for: self) }
        } catch {
            reply = .failure(ControlError("malformed", "the request is not JSON: \(error.description)"))
        }
        switch reply {
        case .result(let result): answer(ControlReply.line(result))
        case .failure(let error): answer(ControlReply.line(error))
        case .later: break
        case .stream(let stream):
            isAnswerOwed = false
            isStreamWaiting = false
            self.stream = stream
        }
        return true
    }

    private func refuseLine() {
        // Where the next request begins is not known any more.
        input = []
        append(
            ControlReply.line(ControlError("too-long", "a request has at most \(Self.lineLimit) bytes")))
        endsAfterOutput = true
    }

    /// Answers a request that was to be answered later.
    func finish(_ reply: ControlReply) {
        guard !isClosed, isAnswerOwed else { return }
        switch reply {
        case .result(let result): answer(ControlReply.line(result))
        case .failure(let error): answer(ControlReply.line(error))
        case .stream(let stream):
            isAnswerOwed = false
            isStreamWaiting = false
            self.stream = stream
        case .later: preconditionFailure("a later answer is an answer")
        }
        loop.callInNextTurn(self)
    }

    private func answer(_ line: [UInt8]) {
        isAnswerOwed = false
        append(line)
    }

    // MARK: Output

    private func append(_ bytes: [UInt8]) { output.append(contentsOf: bytes) }

    private func advance(_ stream: ControlStream) {
        switch stream.produce(self, into: &output, limit: Self.outputLimit) {
        case .more: break
        case .waiting: isStreamWaiting = true
        case .done: self.stream = nil
        case .close:
            self.stream = nil
            endsAfterOutput = true
        }
    }

    /// The stream has more.
    func wake() {
        guard !isClosed, isStreamWaiting else { return }
        isStreamWaiting = false
        loop.callInNextTurn(self)
    }

    /// Sends what the socket takes; false when the connection is gone.
    private func send(_ now: UInt64) -> Bool {
        while sent < output.count {
            let result = output.withUnsafeBytes { bytes in
                UnixSocket.send(descriptor, UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            }
            switch result {
            case .success(let count):
                sent += count
                lastProgress = now
            case .failure(.wouldBlock): return true
            case .failure: return false
            }
        }
        // Big answers are rare, and there can be many clients: what a buffer grew to is given back.
        output.removeAll(keepingCapacity: output.capacity <= 4096)
        sent = 0
        return true
    }

    /// Tells the client something at once, if the socket takes it, and ends.
    func refuse(_ error: ControlError) {
        append(ControlReply.line(error))
        _ = send(Clock.monotonic)
        close()
    }

    /// Ends the connection.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.remove(self)
        stream?.cancel()
        stream = nil
        Syscalls.close(descriptor)
        server._withUnsafeGuaranteedRef { $0.left(self) }
    }
}
