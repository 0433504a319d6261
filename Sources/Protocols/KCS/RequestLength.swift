// SPDX-License-Identifier: Apache-2.0

/// How long a request with a given NetFn and command is, NetFn/LUN and command byte included.
///
/// The strict handshake has to know whether WRITE_END or one more data byte follows, before it has seen either;
/// whoever serves a command knows that beforehand.
public struct RequestLength: Equatable, Hashable, Sendable {
    /// The network function, 0 to 63, without the LUN.
    public var netFn: UInt8
    /// The command.
    public var command: UInt8
    /// The length in bytes of the shortest legal request, at least 2.
    public var shortest: Int
    /// The length in bytes of the longest legal request.
    public var longest: Int

    /// Makes an entry of the table. `shortest` is at least 2 and not above `longest`.
    public init(netFn: UInt8, command: UInt8, shortest: Int, longest: Int) {
        precondition(shortest >= 2 && shortest <= longest, "a request has two bytes or more, shortest first")
        self.netFn = netFn
        self.command = command
        self.shortest = shortest
        self.longest = longest
    }
}

/// What follows a byte of a request.
enum NextByte: Hashable {
    case data
    case writeEnd
    case unknown
}

extension [RequestLength] {
    /// What follows when `count` data bytes of the request that begins with `request` are on the wire.
    ///
    /// NetFn and command must be in `request`; until they are, nothing is known.
    func next(after count: Int, of request: [UInt8]) -> NextByte {
        guard request.count >= 2 else { return .unknown }
        for entry in self where entry.netFn == request[0] >> 2 && entry.command == request[1] {
            if count < entry.shortest - 1 { return .data }
            return count >= entry.longest - 1 ? .writeEnd : .unknown
        }
        return .unknown
    }
}
