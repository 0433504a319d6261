// SPDX-License-Identifier: Apache-2.0
import Foundation
import IPMI
import Testing

@Suite struct CommandTableTests {
    @Test func everyOperationHasOneEntryAtItsPlace() {
        #expect(CommandTable.all.count == Operation.allCases.count)
        for (index, definition) in CommandTable.all.enumerated() {
            #expect(Int(definition.operation.rawValue) == index, "\(definition.name)")
        }
    }

    @Test func numbersAreUniqueAndLegal() {
        var seen: Set<String> = []
        for definition in CommandTable.all {
            #expect(seen.insert(definition.number).inserted, "\(definition.number) twice")
            #expect(definition.netFn.isRequest)
            #expect(definition.length.upperBound <= 250)
            #expect(!definition.request.contains("|") && !definition.response.contains("|"))
        }
    }

    @Test func findKnowsTheTableAndNothingElse() {
        var found = 0
        for netFn in stride(from: UInt8(0), to: 0x40, by: 2) {
            for command in UInt8.min...UInt8.max {
                if CommandTable.find(NetFn(rawValue: netFn), Command(rawValue: command)) != nil { found += 1 }
            }
        }
        #expect(found == CommandTable.all.count)
    }

    @Test func requestLengthsIncludeTheHeader() {
        let lengths = CommandTable.requestLengths
        #expect(lengths.count == CommandTable.all.count)
        #expect(lengths.contains { $0.netFn == 0x06 && $0.command == 0x01 && $0.shortest == 2 && $0.longest == 2 })
        #expect(lengths.contains { $0.netFn == 0x0A && $0.command == 0x44 && $0.shortest == 18 && $0.longest == 18 })
    }

    /// `swift test` with KCSMUX_UPDATE=1 writes the page anew.
    @Test func commandPageIsWhatTheTableSays() throws {
        let root = (0..<4).reduce(URL(filePath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        let page = root.appending(path: "Sources/Protocols/IPMI/IPMI.docc/Commands.md")
        if ProcessInfo.processInfo.environment["KCSMUX_UPDATE"] != nil {
            try CommandTable.page.write(to: page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: page, encoding: .utf8) == CommandTable.page)
    }
}
