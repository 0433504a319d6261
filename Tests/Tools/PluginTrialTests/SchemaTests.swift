// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

/// `kcssim schema`, by a checker that knows nothing of kcsmux.
@Suite struct SchemaTests {
    private static let schemaChecker = """
        import json, sys, yaml, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for error in validator.iter_errors(yaml.safe_load(open(sys.argv[2]))):
            print("/".join(str(part) for part in error.path), error.message)
        """
    private static let hasChecker =
        (try? Program("/usr/bin/python3", ["-c", "import jsonschema, yaml"]))?.wait() == .exited(0)

    @Test(.enabled(if: hasChecker)) func schemaTakesWhatKcsmuxdTakesAndNamesMistakes() throws {
        let folder = TestFolder()
        let schema = try Tools.run("kcssim", ["schema"])
        #expect(schema.ending == .exited(0), "\(schema.errors)")
        try folder.write("schema.json", schema.output)
        func said(of file: String) throws -> String {
            let checker = try Program(
                "/usr/bin/python3", ["-c", Self.schemaChecker, "\(folder.path)/schema.json", file])
            let output = checker.standardOutput()
            #expect(checker.wait() == .exited(0), "\(checker.log)")
            return output
        }
        for sample in ["kcsmux.yaml", "demo.yaml"] {
            #expect(try said(of: "\(CCompiler.root)/config/\(sample)") == "", "\(sample)")
        }
        let channel = "name: a, device: {type: sim, path: /d}"
        for (text, word) in [
            ("version: 1\nchannels: [{\(channel), plugin: echo}]\nchanels: []\n", "chanels"),
            ("channels: [{\(channel), plugin: echo}]\n", "version"),
            ("version: 1\nchannels: [{\(channel), plugin: mctp, options: {binding: astlcp}}]\n", "astlcp"),
            ("version: 1\nchannels: [{\(channel), plugins: [{plugin: mctp, options: {}}]}]\n", "binding"),
            ("version: 1\nhang_timeout: 5\nchannels: [{\(channel), plugin: echo}]\n", "hang_timeout"),
            (
                "version: 1\nchannels: [{\(channel), plugin: debug-trigger, options: {actions: {D: [{lag: x}]}}}]\n",
                "lag"
            ),
            // What plugin it is nobody knows: its options may be any.
            ("version: 1\nchannels: [{\(channel), plugin: oem, options: {x: 1}}]\n", ""),
        ] {
            try folder.write("wrong.yaml", text)
            let said = try said(of: "\(folder.path)/wrong.yaml")
            #expect(word.isEmpty ? said.isEmpty : said.contains(word), "\(text): \(said)")
        }
    }
}
