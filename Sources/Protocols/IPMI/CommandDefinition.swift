// SPDX-License-Identifier: Apache-2.0
import Common

/// What a command does to the controller, which decides about permission, rate and durability.
public enum CommandEffect: UInt8, Sendable {
    /// Reads only.
    case query
    /// Changes state that a restart forgets.
    case volatile
    /// Changes what survives a restart: answered once it is on storage, limited in rate.
    case persistent
    /// Acts on power or resets something.
    case power

    /// The word that the command page uses.
    public var word: String {
        switch self {
        case .query: "reads"
        case .volatile: "changes"
        case .persistent: "stores"
        case .power: "acts"
        }
    }
}

/// One command: the single place that says its number, its lengths and its fields. Dispatch, length checks, the
/// transfer machine's list of lengths, the command page and the tests all read it.
public struct CommandDefinition: Sendable {
    /// What is to be done; dispatch switches over it exhaustively.
    public let operation: Operation
    /// Network function of the request.
    public let netFn: NetFn
    /// Command number.
    public let command: Command
    /// Fewest and most data bytes of a legal request.
    public let shortest: UInt8, longest: UInt8
    /// What the command changes.
    public let effect: CommandEffect
    // A number's bytes, from the first that is not zero: a constant, where an array would be an object for each command.
    private let packedCodes: UInt64
    #if !hasFeature(Embedded)
        // Words are for the page, for tests and for tools: on a BMC nobody reads them.

        /// Data bytes of the request, in order; in square brackets what may be left out.
        public let request: String
        /// Data bytes of the response after completion code 00, in order.
        public let response: String
    #endif

    init(
        _ operation: Operation, _ netFn: NetFn, _ command: UInt8, _ length: ClosedRange<Int>,
        _ effect: CommandEffect, _ request: String, _ response: String, _ codes: UInt64 = 0
    ) {
        self.operation = operation
        self.netFn = netFn
        self.command = Command(rawValue: command)
        shortest = UInt8(length.lowerBound)
        longest = UInt8(length.upperBound)
        self.effect = effect
        packedCodes = codes
        #if !hasFeature(Embedded)
            self.request = request
            self.response = response
        #endif
    }

    /// Completion codes beside 00, C1, C2, C7 and D4 that the command gives.
    public var codes: [UInt8] {
        var codes: [UInt8] = []
        for shift in stride(from: UInt64(56), through: 0, by: -8) where packedCodes >> shift != 0 {
            codes.append(UInt8(truncatingIfNeeded: packedCodes >> shift))
        }
        return codes
    }

    /// Fewest and most data bytes of a legal request.
    public var length: ClosedRange<Int> { Int(shortest)...Int(longest) }

    /// The standard's name of the command.
    public var name: String { command.name(in: netFn) ?? number }

    /// NetFn and command as `06/01`.
    public var number: String { Hex.byte(netFn.rawValue) + "/" + Hex.byte(command.rawValue) }
}

/// A command's request lengths as they cross the interface, NetFn and command byte included: what a transfer machine
/// needs to know which byte is the last.
public struct RequestLength: Equatable, Sendable {
    /// Network function of the request.
    public let netFn: UInt8
    /// Command number.
    public let command: UInt8
    /// Fewest bytes of the whole message.
    public let shortest: Int
    /// Most bytes of the whole message.
    public let longest: Int
}
