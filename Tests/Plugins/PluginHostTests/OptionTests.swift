// SPDX-License-Identifier: Apache-2.0
//
// Options all the way: C declarations become shapes, YAML is checked against them, and the plugin gets C values.
import CKCSPlugin
import CLinux
import DaemonConfiguration
import LinuxIO
import PluginHost
import Schema
import TestKit
import Testing
import YAML

@Suite(.serialized, .enabled(if: CCompiler.isThere)) struct OptionTests {
    private let folder = TestFolder()
    private let plugin: LoadedPlugin

    init() throws {
        let source = "\(CCompiler.root)/Tests/Plugins/PluginHostTests/Plugins/tree.c"
        let path = try CCompiler.library(source, to: "\(folder.path)/libkcs-tree.so")
        plugin = try PluginLoader(folders: [], trust: .strict).load(path).get()
    }

    /// Checks options that stand in a file as `options: …`, and answers what the plugin saw, and the errors.
    private func check(_ options: String) -> (seen: String?, place: Mark?, errors: [String], value: Value?) {
        let text = """
            version: 1
            channels:
              - {name: a, device: {type: sim, path: /tmp/a}, plugin: tree, options: \(options)}
            """
        let devices = [DeviceType(name: "sim", hasRegisters: true, hasMessages: true, isSimulated: true)]
        let outcome = ConfigurationFile.parse(Array(text.utf8), file: "f", devices: devices)
        guard let handler = outcome.configuration?.channels.first?.handlers.first else {
            return (nil, nil, outcome.diagnostics.all.map { $0.message }, nil)
        }
        let diagnostics = Diagnostics(file: "f", text: Array(text.utf8))
        let value = handler.check(plugin.options, diagnostics)
        guard !diagnostics.hasErrors else { return (nil, nil, diagnostics.all.map { $0.message }, value) }
        var seen: String?
        var place: Mark?
        plugin.check(value) { (place, seen) = ($0, $1) }
        return (seen, place, [], value)
    }

    @Test func declarationsBecomeShapes() {
        #expect(ShapeReview.faults(plugin.options) == [])
        #expect(plugin.options.children.map { $0.key }.prefix(3) == ["object", "list", "map"])
        let must = plugin.options.children[0].children[1]
        #expect((must.required, must.minimum, must.maximum) == (true, -5, 5))
        #expect(plugin.options.children[4].choices == ["red", "green", "blue"])
        #expect(plugin.options.children[9].defaultText == nil)
    }

    @Test func defaultsReachThePlugin() {
        let (seen, place, errors, _) = check("{}")
        #expect(errors == [])
        #expect(
            seen == "(- (1 2) - \"seven\" green=1 0 3 10000000 65536 - \"/tmp/x\" 68 00ff \"log, capture all\")")
        // A default stands nowhere.
        #expect(place?.line == 0)
    }

    @Test func givenValuesReachThePluginWithTheirPlace() {
        let (seen, place, errors, _) = check(
            "{object: {must: -5}, list: [X, 255], map: {a: 1, \"2\": 2}, one: 12, colour: blue, on: true, count: 10, "
                + "pause: 2m, room: 1MiB, text: \"1\", file: /a/b, letter: 0xFF, magic: \"AB\", "
                + "todo: [{exec: [/bin/true, x], timeout: 1s}, {wait: 5s}]}")
        #expect(errors == [])
        #expect(
            seen == "((1 -5) (88 255) (\"a\" 1 \"2\" 2) 12 blue=2 1 10 120000000000 1048576 \"1\" \"/a/b\" 255 4142"
                + " \"exec /bin/true, wait 5s\")")
        #expect(place?.line == 3)
        #expect((place?.column ?? 0) > 60)
    }

    @Test(arguments: [
        ("{colour: purple}", "purple"), ("{count: 11}", "11"), ("{conut: 1}", "count"), ("{object: {}}", "must"),
        ("{list: [256]}", "256"), ("{on: yes}", "yes"), ("{pause: 10}", "10"),
        ("{todo: [{sysreq: b}]}", "sysreq"), ("{object: {must: 6}}", "6"),
    ])
    func wrongValuesAreTheHostsToReport(options: String, word: String) {
        let (_, _, errors, _) = check(options)
        #expect(errors.count == 1)
        #expect(errors.first?.contains(word) == true, "\(errors)")
    }

    @Test func refusalsOfCreateAndStartAreAnswers() throws {
        let refused = HandlerInstance(plugin: plugin, options: try #require(check("{count: 9}").value))
        #expect(!refused.create())
        refused.destroy()
        let reluctant = HandlerInstance(plugin: plugin, options: try #require(check("{count: 8}").value))
        #expect(reluctant.create())
        #expect(
            reluctant.start(capabilities: 0, reason: 0, staleBytes: 0, channel: "a", stateFolder: "/x")
                == KCS_E_UNAVAILABLE)
        #expect(!reluctant.isStarted)
        reluctant.destroy()
        reluctant.destroy()
    }
}
