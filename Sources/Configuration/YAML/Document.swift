// SPDX-License-Identifier: Apache-2.0
import Common
import Schema

/// How much a document may ask of the machine.
public struct Limits: Sendable {
    /// Bytes of the file.
    public var bytes = 1 << 20
    /// Levels of lists and mappings in each other, aliases followed. libyaml's time grows with the square of it.
    public var depth = 32
    /// Scalars, lists and mappings, each alias counted as all that it stands for.
    public var nodes = 50_000

    /// 1 MiB, 32 levels, 50,000 nodes.
    public init() {}
}

/// Reads one YAML document into nodes.
public enum Document {
    /// The document in `bytes`, or nil when there is none that makes sense. What is wrong with it is added to
    /// `diagnostics`, which was made with the same bytes. A document with mistakes that leave its structure intact (a
    /// tag, a duplicate key, a merge key, an unknown alias, a second document) is still returned, so that the rest can
    /// be checked; a syntax error or a limit is reported alone. `number` is that of the file in `diagnostics`.
    public static func parse(
        _ bytes: [UInt8], _ diagnostics: Diagnostics, source number: Int = 0, limits: Limits = Limits()
    ) -> Node? {
        guard bytes.count <= limits.bytes else {
            diagnostics.error("larger than \(Quantity.size(UInt64(limits.bytes)))", at: nil)
            return nil
        }
        let source = SourceText(bytes)
        if let fault = source.firstFault() {
            diagnostics.error(fault.message, at: fault.mark.placed(in: number))
            return nil
        }
        guard let events = EventSource(source.bytes, source: number) else {
            diagnostics.error("out of memory", at: nil)
            return nil
        }
        let found = Diagnostics(file: diagnostics.file)
        var builder = TreeBuilder(events, limits, found)
        do {
            let root = try builder.document()
            diagnostics.append(found)
            return root
        } catch {
            // libyaml says that a text without a last line feed ends on the line after it.
            let place = min(error.mark.placed(in: 0), source.mark(at: source.bytes.count))
            diagnostics.error(error.message, at: place.placed(in: number))
            return nil
        }
    }
}
