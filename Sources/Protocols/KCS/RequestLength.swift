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
    /// Where a request says itself how long it is; nil if it does not. One that says another length than these two allow is
    /// not of this protocol, and nothing is known of it.
    public var count: CountByte?

    /// A byte of a request that counts others: the request is as long as its value and `added` together.
    public struct CountByte: Equatable, Hashable, Sendable {
        /// Which byte, from 2 on: every legal request has it.
        public var offset: Int
        /// How many bytes it does not count.
        public var added: Int

        /// A byte at an offset.
        public init(offset: Int, added: Int) {
            self.offset = offset
            self.added = added
        }
    }

    /// Makes an entry of the table. `shortest` is at least 2 and not above `longest`.
    public init(netFn: UInt8, command: UInt8, shortest: Int, longest: Int, count: CountByte? = nil) {
        precondition(shortest >= 2 && shortest <= longest, "a request has two bytes or more, shortest first")
        precondition(count.map { $0.offset >= 2 && $0.offset < shortest } ?? true, "each has the byte that counts")
        self.netFn = netFn
        self.command = command
        self.shortest = shortest
        self.longest = longest
        self.count = count
    }

    /// What follows when `count` data bytes are on the wire of a request of this command that begins with `request`.
    fileprivate func next(after count: Int, of request: [UInt8]) -> NextByte {
        guard let byte = self.count else {
            if count < shortest - 1 { return .data }
            return count >= longest - 1 ? .writeEnd : .unknown
        }
        // Until the count is read, it may be another protocol's request with the same command, and shorter.
        guard request.count > byte.offset else { return count < byte.offset ? .data : .unknown }
        let length = Int(request[byte.offset]) + byte.added
        guard length >= shortest && length <= longest else { return .unknown }
        return count < length - 1 ? .data : .writeEnd
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
    /// NetFn and command must be in `request`; until they are, nothing is known. Nor is it where two handlers share a command
    /// and disagree.
    func next(after count: Int, of request: [UInt8]) -> NextByte {
        guard request.count >= 2 else { return .unknown }
        var found: NextByte?
        for entry in self where entry.netFn == request[0] >> 2 && entry.command == request[1] {
            let next = entry.next(after: count, of: request)
            if let found, found != next { return .unknown }
            found = next
        }
        return found ?? .unknown
    }
}
