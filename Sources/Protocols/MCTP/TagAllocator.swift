// SPDX-License-Identifier: Apache-2.0

/// Chooses tags for requests: eight for each peer, given out in turn, back when the answer came or after a time.
///
/// When all eight are in use the oldest is given out again, since a peer that never answers must not stop us.
struct TagAllocator {
    private struct Peer {
        var eid: EID = .null
        var used: UInt64 = 0
        var next: UInt8 = 0
        var deadlines = InlineArray<8, UInt64>(repeating: 0)
    }

    private var peers = InlineArray<16, Peer>(repeating: Peer())
    private let lifetime: UInt64

    /// `lifetime`: nanoseconds until an answer is not expected any more.
    init(lifetime: UInt64 = 6_000_000_000) { self.lifetime = lifetime }

    /// A tag for a request to `eid`.
    mutating func allocate(for eid: EID, now: UInt64) -> MessageTag {
        let index = peer(eid, now: now)
        var chosen = peers[index].next
        var candidate = chosen
        for _ in 0..<8 {
            if peers[index].deadlines[Int(candidate)] <= now {
                chosen = candidate
                break
            }
            if peers[index].deadlines[Int(candidate)] < peers[index].deadlines[Int(chosen)] { chosen = candidate }
            candidate = (candidate + 1) & 7
        }
        peers[index].deadlines[Int(chosen)] = now &+ lifetime
        peers[index].next = (chosen + 1) & 7
        return MessageTag(chosen, owner: true)
    }

    /// Somebody else chose a tag for a request to `eid`: it is not given out until its answer came.
    mutating func occupy(_ tag: MessageTag, for eid: EID, now: UInt64) {
        peers[peer(eid, now: now)].deadlines[Int(tag.value)] = now &+ lifetime
    }

    /// An answer with this tag came: the tag is free again. True if it was in use.
    mutating func release(_ tag: MessageTag, of eid: EID, now: UInt64) -> Bool {
        for index in peers.indices where peers[index].used != 0 && peers[index].eid == eid {
            let wasInUse = peers[index].deadlines[Int(tag.value)] > now
            peers[index].deadlines[Int(tag.value)] = 0
            return wasInUse
        }
        return false
    }

    /// Nobody will be answered any more.
    mutating func removeAll() {
        for index in peers.indices { peers[index] = Peer() }
    }

    private mutating func peer(_ eid: EID, now: UInt64) -> Int {
        var oldest = 0
        for index in peers.indices {
            if peers[index].used != 0 && peers[index].eid == eid {
                peers[index].used = now | 1
                return index
            }
            if peers[index].used < peers[oldest].used { oldest = index }
        }
        peers[oldest] = Peer()
        peers[oldest].eid = eid
        peers[oldest].used = now | 1
        return oldest
    }
}
