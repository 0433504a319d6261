// SPDX-License-Identifier: Apache-2.0

/// One event that a recorder holds.
public struct Event: Sendable, Equatable {
    /// Nanoseconds of CLOCK_BOOTTIME.
    public let time: UInt64
    /// The position of its first record in the ring.
    public let position: UInt64
    /// What happened.
    public let body: Body

    /// What happened.
    public enum Body: Sendable, Equatable {
        /// An access to a register, or to the channel: three values as `RecordKind` lists them.
        case access(RecordKind, UInt8, UInt8, UInt8)
        /// A whole message, an annotation or a handler's failure.
        case block(Block)
        /// The wall clock was set: the offset to CLOCK_BOOTTIME before and after, nanoseconds.
        case clockStep(from: Int64, to: Int64)
        /// Capture records were lost.
        case recordsLost(UInt64)
        /// A process took the ring over.
        case lifeBegan(process: Int32, reason: UInt8)
    }

    /// Bytes and text of variable length.
    public struct Block: Sendable, Equatable {
        /// `message`, `annotation` or `handlerFailed`.
        public let kind: RecordKind
        /// Which way.
        public let direction: Direction
        /// What the bytes are.
        public let link: LinkType
        /// The handler's own number for the kind of annotation.
        public let annotation: UInt16
        /// The bytes that were kept.
        public let bytes: [UInt8]
        /// How many there were, at most 65535.
        public let originalLength: Int
        /// The text, or nothing.
        public let text: String

        /// A block as a recorder would give it.
        public init(
            kind: RecordKind, direction: Direction, link: LinkType, annotation: UInt16, bytes: [UInt8],
            originalLength: Int, text: String
        ) {
            self.kind = kind
            self.direction = direction
            self.link = link
            self.annotation = annotation
            self.bytes = bytes
            self.originalLength = originalLength
            self.text = text
        }
    }
}
