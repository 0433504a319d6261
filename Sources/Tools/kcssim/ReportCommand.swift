// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import LinuxIO
import Reports
import Simulator

/// `kcssim report CAPTURE… -o report.html`
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Makes one page of captures, to attach to a ticket: a time line, failures, latencies.",
        discussion: """
            The page needs no network and nothing beside it. It opens at the host CPU's last access, or at the last one \
            before the host CPU left a byte of the BMC lie; it says the same as a table where scripts are off. Exit status: \
            0 written, 1 not written, or a capture is damaged (the page has the rest), 64 wrong usage.
            """)

    @Argument(help: "Captures: pcapng, crash dumps or recorders' files.")
    var captures: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("The page.", valueName: "file"))
    var output: String

    @Option(help: "The page's title. (default: the captures' names)")
    var title: String?

    func run() throws {
        let files = try captures.map { path in
            (path, try reporting { () throws(SystemError) in try Syscalls.readFile(path, limit: 1 << 30) })
        }
        let data = ReportData(files)
        guard data.count > 0 else {
            throw HostFailure(data.notes.first ?? "\(captures[0]): there are no events in it")
        }
        let page = ReportPage(data, title: title ?? captures.map { Path.name(of: $0) }.joined(separator: ", "))
        try ReplayCommand.write(page.html, to: output)
        say("\(output): \(data.count) events, \(data.errors) failures")
        guard data.notes.isEmpty else { throw HostFailure(data.notes.joined(separator: "\n")) }
    }
}
