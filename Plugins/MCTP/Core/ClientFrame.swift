// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// A message on a client's socket: who is at its other end, its tag where the socket carries tags, and the message.
struct ClientFrame {
    let address: EID
    /// nil on a socket that carries none.
    let tag: MessageTag?
    /// The message, its type byte first.
    let body: UnsafeRawBufferPointer

    /// The second byte of a first packet that asks for tags, which is answered with that packet.
    static let asksForTags: UInt8 = 1

    /// What a client sent: [EID][message], or [EID][TO in bit 3, tag in bits 2 to 0][message]. Nil if it is too short, or says
    /// something else with the tag.
    init?(_ bytes: UnsafeRawBufferPointer, isTagged: Bool) {
        let header = isTagged ? 2 : 1
        guard bytes.count > header else { return nil }
        address = EID(bytes[0])
        body = UnsafeRawBufferPointer(rebasing: bytes[header...])
        guard isTagged else {
            tag = nil
            return
        }
        guard bytes[1] < 0x10 else { return nil }
        tag = MessageTag(bytes[1] & 7, owner: bytes[1] & 8 != 0)
    }

    /// The same for a socket that carries tags, of a frame for one that does not.
    static func tagged(_ frame: UnsafeRawBufferPointer, _ tag: MessageTag) -> [UInt8] {
        var bytes = [frame[0], tag.value | (tag.isOwner ? 8 : 0)]
        bytes.append(contentsOf: frame[1...])
        return bytes
    }
}
