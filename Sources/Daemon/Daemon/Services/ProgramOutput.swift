// SPDX-License-Identifier: Apache-2.0
import Common
import Events
import LinuxIO

/// What a program writes to standard output and error, as lines of the daemon's log. A program that talks without end neither
/// fills the log nor keeps the loop busy: after `limit` bytes the rest is counted only, and taken a piece at a time.
final class ProgramOutput: EventSource {
    /// Bytes of one run that are logged.
    static let limit = 16 << 10
    private static let lineLimit = 1024
    /// How often something is taken of what is counted only, in nanoseconds.
    private static let pause: UInt64 = 10_000_000

    private final class Pace: LoopTimer {
        let output: Unmanaged<ProgramOutput>
        init(_ output: ProgramOutput) {
            self.output = .passUnretained(output)
            super.init()
        }
        override func fire(now: UInt64) { output._withUnsafeGuaranteedRef { $0.dropMore(now) } }
    }

    private let loop: EventLoop
    private let log: Log
    private let channel: String?
    private let name: String
    private let input: Int32
    private var line: [UInt8] = []
    private var logged = 0
    private var dropped: UInt64 = 0
    private var isOpen = true
    private lazy var pace = Pace(self)

    /// Takes over the end of a pipe that the program does not have.
    init(owning input: Int32, of program: String, channel: String?, _ loop: EventLoop, _ log: Log) {
        self.input = input
        self.name = Path.name(of: program)
        self.channel = channel
        self.loop = loop
        self.log = log
        super.init()
        // Where it cannot be waited for, the program finds nobody at the other end.
        if Descriptors.setNonBlocking(input).errno != nil
            || (try? loop.add(self, descriptor: input, interest: .input)) == nil
        {
            Syscalls.close(input)
            isOpen = false
        }
    }

    deinit { if isOpen { Syscalls.close(input) } }

    override func ready(_ events: Readiness, now: UInt64) {
        guard isOpen else { return }
        if take() { return }
        finish()
    }

    /// The program has ended: what is left is taken, and who still holds the other end finds nobody.
    func end() {
        guard isOpen else { return }
        while logged < Self.limit, take(), Poll.isReadable(input) {}
        finish()
    }

    private func finish() {
        if !line.isEmpty { tell() }
        if dropped > 0 { log.write(.notice, channel, "\(name): \(dropped) more bytes of output were dropped") }
        if isRegistered { loop.remove(self) }
        loop.cancel(pace)
        Syscalls.close(input)
        isOpen = false
    }

    /// Reads once; false at the end.
    private func take() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { chunk -> Bool in
            switch Syscalls.read(input, into: chunk) {
            case .failure(.wouldBlock): return true
            case .failure, .success(0): return false
            case .success(let count):
                let room = min(count, Self.limit - logged)
                for byte in chunk[..<room] { add(byte) }
                dropped += UInt64(count - room)
                if logged >= Self.limit && isRegistered {
                    loop.remove(self)
                    loop.set(pace, deadline: Clock.monotonic &+ Self.pause)
                }
                return true
            }
        }
    }

    private func add(_ byte: UInt8) {
        logged += 1
        if byte != UInt8(ascii: "\n") { line.append(byte) }
        if byte == UInt8(ascii: "\n") || line.count >= Self.lineLimit || logged == Self.limit { tell() }
    }

    private func tell() {
        if !line.isEmpty { log.write(.notice, channel, "\(name): \(String(decoding: line, as: UTF8.self))") }
        line.removeAll(keepingCapacity: true)
    }

    private func dropMore(_ now: UInt64) {
        guard isOpen else { return }
        // A pipe's whole contents, unless there is less.
        for _ in 0..<16 {
            let before = dropped
            if !take() { return finish() }
            if dropped == before { break }
        }
        loop.set(pace, deadline: now &+ Self.pause)
    }
}
