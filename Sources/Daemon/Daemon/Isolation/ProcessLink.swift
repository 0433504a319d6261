// SPDX-License-Identifier: Apache-2.0
//
// What the daemon and a channel's process say to each other. The two are one program, and the connection is their own: a
// socket of packets, each a JSON object with `type`. A member that the other side does not know means nothing to it.
//
//     to the process    start {version, number, reason, stale: [[value, STR]…], level, recorder, device, sockets: [name…],
//                             files: [[path, writable]…], window}
//                       status {id, stats}, log {level, own, repeats, interval}, reset {}, stop {reason},
//                       done {id, failure} (of dump), done {id, outcomes: [[action, result, detail]…]} (of actions)
//     to the daemon     running {messages}, failed {text}, status {id, counters, transfers, plugins}
//                       actions {id, handler, list, cause}: a list that the channel's options hold, by its place
//                       dump {id, all}
//
// No byte of the host CPU's, no message and no line of the log comes by here. What a process says is checked as a
// stranger's word is: it can name what its options hold, and nothing else.
import Events
import JSON
import LinuxIO

/// One end of the connection. Subclass it.
class ProcessLink: EventSource {
    /// Bumped with each change that the other side must know.
    static let version: UInt64 = 1
    /// The argument by which the program is told to serve a channel.
    static let argument = "--serve-channel"
    /// The process must serve within this time, in nanoseconds.
    static let startLimit: UInt64 = 5_000_000_000
    /// What one packet holds at most.
    private static let limit = 64 << 10
    /// Packets taken in a turn: the other end cannot keep this one from its work.
    private static let packetsPerTurn = 16

    let socket: FileDescriptor
    let loop: EventLoop

    init(owning socket: consuming FileDescriptor, _ loop: EventLoop) {
        self.socket = socket
        self.loop = loop
        super.init()
    }

    /// A packet came.
    func received(_ type: String, _ message: JSONValue) {}
    /// The other end is gone, or makes no sense.
    func ended() {}

    /// Sends a packet; false when the other end does not take it.
    @discardableResult
    final func send(_ type: String, _ members: [JSONMember] = []) -> Bool {
        var bytes: [UInt8] = []
        JSONValue.object([JSONMember("type", .string(type))] + members).write(to: &bytes)
        guard bytes.count <= Self.limit else { return false }
        let result = bytes.withUnsafeBytes { UnixSocket.send(socket.raw, $0, waiting: false) }
        if case .success = result { return true }
        return false
    }

    override func ready(_ events: Readiness, now: UInt64) { take(Self.packetsPerTurn) }

    /// Takes what has come, at most so many packets. False: there is nothing more.
    @discardableResult
    final func take(_ most: Int) -> Bool {
        var buffer = [UInt8](repeating: 0, count: Self.limit)
        for _ in 0..<most {
            switch buffer.withUnsafeMutableBytes({ UnixSocket.receive(socket.raw, into: $0, waiting: false) }) {
            case .failure(.wouldBlock): return false
            case .success(let count) where count > 0 && count <= Self.limit:
                let limits = JSONLimits(bytes: Self.limit, depth: 8, members: 300)
                guard let message = try? JSONReader.read(Array(buffer[..<count]), limits: limits),
                    let type = message["type"]?.text
                else { continue }
                received(type, message)
            default:
                ended()
                return false
            }
        }
        return true
    }
}

/// The numbers of the descriptors that a channel's process finds.
enum ProcessDescriptors {
    static let socket: Int32 = 3
    static let configuration: Int32 = 4
    static let activity: Int32 = 5
    static let recorder: Int32 = 6
    static let device: Int32 = 7
    static let firstSocket: Int32 = 8
    /// Copies to pass on have numbers above all of these.
    static let least: Int32 = 64
    /// Sockets that a channel can have passed.
    static let mostSockets = 32
}
