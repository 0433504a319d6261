// SPDX-License-Identifier: Apache-2.0

/// What a file at a journal's place turns out to be. Decided before anything is written to it: nothing that is not a
/// journal of the controller's may be replaced by one.
public enum StateFile: Equatable, Sendable {
    /// A journal, or the beginning of one, or an empty file.
    case whole
    /// A journal with records, or a header, that are not whole; `rest` is the journal of those that are.
    case damaged(rest: [UInt8], kept: Int, lost: Int)
    /// Somebody else's.
    case foreign
    /// A journal of a format that a later controller writes: to be left as it is.
    case newer(format: UInt8)

    /// The format that this controller writes. It reads all before it, of which there are none.
    public static let format = Journal.format

    /// Judges the bytes of a file at the place of `store`.
    public init(_ bytes: [UInt8], of store: Store) {
        let kind = store == .sel ? EventLog.journalKind : Settings.journalKind
        let contents = Journal.read(bytes, kind: kind)
        let mark = Journal.header(kind: kind, first: 0)
        let marked = min(bytes.count, 6)
        if let format = Journal.newerFormat(bytes) {
            self = .newer(format: format)
            return
        }
        if Journal.isWhole(bytes), bytes[5] != kind {
            // The journal of another store is as foreign as any file.
            self = .foreign
            return
        }
        if bytes[0..<marked] != mark[0..<marked] && contents.records.isEmpty {
            // A file system may give a crash's file its size and not its bytes.
            self = bytes.contains { $0 != 0 } ? .foreign : .damaged(rest: mark, kept: 0, lost: 1)
        } else if contents.damaged > 0 {
            let rest = Journal.file(kind: kind, first: contents.next, contents.records)
            self = .damaged(rest: rest, kept: contents.records.count, lost: contents.damaged)
        } else {
            self = .whole
        }
    }
}
