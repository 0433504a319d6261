// SPDX-License-Identifier: Apache-2.0
import Common

/// What became of bytes that were to go to a client.
public enum ClientDelivery: Sendable {
    /// The socket has them.
    case sent
    /// The socket is full: tell when it can be written again.
    case full
    /// The client takes nothing any more.
    case failed
}

/// Whose packets are to be read.
public enum ClientReading: Sendable {
    /// Everybody's.
    case all
    /// Root's: what is left of the queue's room is kept for them.
    case root
    /// Nobody's: there is no room to queue them.
    case none
}

/// The local sockets' side of the world, as the endpoint needs it. No method calls back.
public protocol ClientSockets: AnyObject {
    /// Sends one packet on a client's socket, without waiting.
    func send(_ frame: UnsafeRawBufferPointer, to client: Int) -> ClientDelivery
    /// Whether `clientWritable` is to be called when the client's socket can be written.
    func watchWritable(_ client: Int, _ on: Bool)
    /// Closes a client's socket. Nothing is called with this number until a new client gets it.
    func close(_ client: Int)
    /// Whose packets are to be read from now on.
    func setReading(_ reading: ClientReading)
}

/// Figures of the local sockets.
public struct ClientCounters: Sendable {
    /// Clients that came.
    public internal(set) var connected: UInt64 = 0
    /// Clients that were sent away for who they are or what they sent, or because there were too many.
    public internal(set) var refused: UInt64 = 0
    /// Clients that were sent away because they did not read.
    public internal(set) var slow: UInt64 = 0
    /// Packets of clients that were too short or of a type that they may not send.
    public internal(set) var malformed: UInt64 = 0
    /// Answers to requests that are not open any more, or never were.
    public internal(set) var lateAnswers: UInt64 = 0
    /// Requests that came while there was no channel.
    public internal(set) var refusedRequests: UInt64 = 0
}
