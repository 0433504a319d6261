import CLinux
// SPDX-License-Identifier: Apache-2.0
//
// The page of `kcssim report`: its structure always, and what a browser makes of it where there is one.
import Capture
import LinuxIO
import Reports
import TestKit
import Testing

@Suite(.serialized) struct ReportTests {
    private let folder = TestFolder()

    private static let hostile = "a<img src=x onerror=alert(1)>\"'&</script><b>"

    private func file(_ channel: String, hanging: Bool = false) -> CaptureFile {
        var file = CaptureFile(channel: channel)
        file.started()
        file.event(10, "</script><script>document.title = 'owned'</script>")
        file.request(1_000, [0x18, 0x01])
        file.answer(1_250, [0x1C, 0x01, 0xC1])
        for index in 0..<40 {
            file.byte(2_000 + UInt64(index) * 10, UInt8(index))
            file.access(2_004 + UInt64(index) * 10, .odrWrite, UInt8(index))
        }
        if hanging {
            file.access(1_002_400, .obfStallBegan, 0x01)
            file.event(9_000_000, "device closed")
        }
        return file
    }

    private func page(_ files: CaptureFile...) -> String {
        let data = ReportData(files.enumerated().map { ("f\($0.offset)<i>.pcapng", $0.element.bytes) })
        return ReportPage(data, title: "t<u>", nonce: 0x1234).html
    }

    @Test func pageIsOneFileThatNothingOfACaptureCanChange() throws {
        let html = page(file(Self.hostile))
        #expect(html.contains("default-src 'none'; script-src 'nonce-"))
        for text in ["<img", "onerror=alert(1)>\"", "<b>", "<u>", "<i>", "http:", "https:", "src="] where text != "src="
        {
            #expect(!html.contains(text), "\(text)")
        }
        // One script of data, one of ours, and one end for each.
        #expect(html.components(of: "<script").count == 3)
        #expect(html.components(of: "</script").count == 3)
        #expect(html.components(of: " nonce=\"").count == 4)
        #expect(html.contains("a&lt;img src=x onerror=alert(1)&gt;"))
    }

    @Test func tableSaysTheSameWithoutScripts() throws {
        let html = page(file("ipmi", hanging: true))
        let table = try #require(html.components(of: "<noscript>").last?.components(of: "</noscript>").first)
        #expect(table.contains("<h2>2 failures</h2>"), "\(table)")
        #expect(table.contains("completion code C1"))
        #expect(table.contains("<td>2026-11-22 00:00:00.002390000<td>ipmi<td>host to BMC<td>IDR 27"))
        #expect(table.components(of: "<tr class=\"bad\">").count == 5, "each failure stands among both")
    }

    @Test func commandWritesThePageAndSaysWhatIsDamaged() throws {
        let whole = try folder.write("a.pcapng", bytes: file("ipmi").bytes)
        let page = "\(folder.path)/r.html"
        let run = try Tools.run("kcssim", ["report", whole, "-o", page])
        #expect(run.ending == .exited(0), "\(run)")
        #expect(run.output == "\(page): 85 events, 1 failures\n")
        let cut = try folder.write("b.pcapng", bytes: Array(file("ipmi").bytes.dropLast(5)))
        let damaged = try Tools.run("kcssim", ["report", cut, "-o", page])
        #expect(damaged.ending == .exited(1))
        #expect(damaged.errors.contains("cut at byte"))
        #expect(folder.read("r.html")?.contains("cut at byte") == true)
        #expect(try Tools.run("kcssim", ["report", whole]).ending == .exited(64))
    }

    // MARK: In a browser

    private static var browser: String? { Tools.find("chromium") }

    private func shown(_ html: String) throws -> String {
        let path = try folder.write("page.html", html)
        let arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom",
            "--user-data-dir=\(folder.path)/user", "file://\(path)",
        ]
        // What it prints is more than a pipe holds.
        let output = "\(folder.path)/dom"
        let run = try Program("/bin/sh", ["-c", "exec \"$@\" >\(output)", "sh", Self.browser ?? ""] + arguments)
        #expect(run.wait(within: 120_000) == .exited(0), "\(run.log)")
        return folder.read("dom") ?? ""
    }

    @Test(.enabled(if: Self.browser != nil, "chromium is not installed"))
    func browserShowsTheLastAccessBeforeTheHostHung() throws {
        let page = try shown(page(file(Self.hostile, hanging: true)))
        #expect(page.contains("data-ready=\"87\""), "\(page.suffix(600))")
        #expect(page.contains("<title>t&lt;u&gt;</title>"), "no script of the capture ran")
        // The host's 40th byte, and not what came of the device when it was closed.
        #expect(page.contains("IDR 27  data"), "\(page)")
        #expect(page.contains("event 84 of 87"), "\(page)")
        #expect(page.contains("(the host CPU’s last access, or the last one before it hung)"))
        #expect(!page.contains("<img"))
        #expect(page.contains("median 250 us"))
    }

    @Test(.enabled(if: Self.browser != nil, "chromium is not installed"))
    func manyEventsStayUsable() throws {
        var file = CaptureFile(channel: "busy")
        file.started()
        let count = 50 * repetitions(20_000)
        for index in 0..<count { file.byte(UInt64(index) * 3, UInt8(truncatingIfNeeded: index)) }
        let began = Clock.monotonic
        let page = try shown(page(file))
        #expect(page.contains("data-ready=\"\(count + 2)\""))
        #expect(page.utf8.count < 120 * count + 1_000_000)
        #expect(Clock.monotonic - began < 100_000_000_000)
    }
}

extension String {
    /// What stands between such texts.
    fileprivate func components(of separator: String) -> [String] {
        var parts = [""]
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts[parts.count - 1] = String(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
            parts.append(String(rest))
        }
        return parts
    }
}
