// SPDX-License-Identifier: Apache-2.0
import Capture
import Common

/// One page with everything in it: no network, nothing from elsewhere.
public struct ReportPage {
    private let data: ReportData
    private let title: String
    private let nonce: String

    /// Rows of the table for readers without scripts, beside all failures up to as many.
    private static let rows = 1000

    /// A page; `nonce` is what nobody who wrote a capture could know.
    public init(_ data: ReportData, title: String, nonce: UInt64 = .random(in: 1...UInt64.max)) {
        (self.data, self.title) = (data, title)
        self.nonce = String(nonce, radix: 36)
    }

    /// The page, as UTF-8.
    public var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-\(nonce)'; \
        style-src 'nonce-\(nonce)'; base-uri 'none'; form-action 'none'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(Escaped.html(title))</title>
        <style nonce="\(nonce)">\(ReportStyle.css)</style></head><body>
        <header><h1>\(Escaped.html(title))</h1><p>\(Escaped.html(summary))</p>\(notes)</header>
        <noscript>\(table)</noscript>
        <main id="main" hidden>\(ReportStyle.body)</main>
        <script type="application/json" id="data" nonce="\(nonce)">\(columns)</script>
        <script nonce="\(nonce)">\(ReportScript.source)\(ReportScript.drawing)</script>
        </body></html>

        """
    }

    private var summary: String {
        guard data.count > 0 else { return "No events." }
        let end = data.begin &+ UInt64(data.times.max() ?? 0)
        return "\(data.count) events of \(data.channels.count) channels, \(data.exchanges.count) requests, "
            + "\(data.errors) failures; \(UTCTime.text(data.begin)) to \(UTCTime.text(end)) UTC"
    }

    private var notes: String {
        data.notes.isEmpty ? "" : "<ul>" + data.notes.map { "<li>\(Escaped.html($0))</li>" }.joined() + "</ul>"
    }

    // MARK: For scripts

    private var columns: String {
        let exchanges = data.exchanges
        let fields = [
            ("channels", Escaped.json(data.channels)), ("texts", Escaped.json(data.texts)),
            ("begin", "\"\(data.begin)\""), ("focus", "\(data.focus)"), ("count", "\(data.count)"),
            ("times", column(data.times.map { $0.bitPattern })), ("lanes", column(data.lanes)),
            ("kinds", column(data.kinds)), ("words", column(data.words)),
            ("askedAt", column(exchanges.map { $0.time.bitPattern })), ("askedOn", column(exchanges.map { $0.lane })),
            ("took", column(exchanges.map { $0.latency.bitPattern })), ("asked", column(exchanges.map { $0.word })),
            ("failed", column(exchanges.map { UInt8($0.isError ? 1 : 0) })),
        ]
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private func column<Number: FixedWidthInteger>(_ numbers: [Number]) -> String { "\"\(Escaped.base64(numbers))\"" }

    // MARK: Without scripts

    private var table: String {
        let failures = data.kinds.indices.filter { data.kinds[$0] & 0x80 != 0 }
        let end = min(data.count, data.focus + Self.rows / 10)
        let around = Array(max(0, end - Self.rows)..<end)
        var html = "<p>Scripts are off: failures first, then what came before the host CPU's last access.</p>"
        html += "<h2>\(failures.count) failures</h2>" + rows(Array(failures.prefix(Self.rows)))
        if failures.count > Self.rows { html += "<p>and \(failures.count - Self.rows) more</p>" }
        html += "<h2>Events \(around.first.map { "\($0 + 1)" } ?? "0") to \(end) of \(data.count)</h2>" + rows(around)
        return html
    }

    private func rows(_ indices: [Int]) -> String {
        let names = ["host to BMC", "BMC to host", "request", "answer", ""]
        var html = "<table><thead><tr><th>Time, UTC<th>Channel<th>Way<th>What</thead><tbody>"
        for index in indices {
            let kind = Int(data.kinds[index] & 0x7F)
            html += data.kinds[index] & 0x80 != 0 ? "<tr class=\"bad\">" : "<tr>"
            html += "<td>\(UTCTime.text(data.begin &+ UInt64(data.times[index])))"
            html += "<td>\(Escaped.html(data.channels[Int(data.lanes[index])]))<td>\(names[min(kind, 4)])"
            html += "<td>\(Escaped.html(data.texts[Int(data.words[index])]))\n"
        }
        return html + "</tbody></table>"
    }
}
