// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Compilers and tools that a plugin's author has, found in $PATH.
public enum Tools {
    /// The path of a program; nil when there is none.
    public static func find(_ name: String) -> String? {
        for folder in (CurrentProcess.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":") {
            let path = "\(folder)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// The folder in which the build put this package's programs.
    public static var products: String { Path.parent(of: CurrentProcess.executable ?? "") }

    /// The folder of the examples.
    public static var examples: String { "\(CCompiler.root)/Plugins/Examples" }

    /// The languages in which the examples are written.
    public enum Language: String, CaseIterable, Sendable {
        /// With `cc`.
        case c
        /// With `c++`.
        case cpp
        /// With `swiftc`: Embedded, as on a BMC.
        case swift
        /// With `swiftc`: ordinary Swift, with its runtime.
        case ordinarySwift
        /// With `rustc`.
        case rust

        /// Its compiler; nil when there is none.
        public var compiler: String? {
            switch self {
            case .c: return Tools.find("cc")
            case .cpp: return Tools.find("c++")
            case .swift, .ordinarySwift: return Tools.find("swiftc")
            case .rust: return Tools.find("rustc")
            }
        }
    }

    /// Why something was not built.
    public struct Failure: Error {
        /// What the compiler said.
        public let text: String
    }

    /// Builds an example outside the package, with the command that it names, and answers the library's path.
    /// `source` stands for a file of the caller's own, in Swift or Rust.
    public static func build(
        _ example: String, _ language: Language, in folder: TestFolder, source: String? = nil
    ) throws -> String {
        let output = "\(folder.path)/libkcs-\(example)-\(language.rawValue).so"
        guard let compiler = language.compiler else { throw Failure(text: "no compiler for \(language)") }
        let include = "\(CCompiler.root)/Sources/CKCSPlugin/include"
        var arguments: [String]
        switch language {
        case .c:
            let source = "\(examples)/c/\(example).c"
            arguments = [
                "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-shared", "-fPIC", "-I", include, source,
            ]
        case .cpp:
            arguments = ["-std=c++17", "-fno-exceptions", "-Wall", "-Wextra", "-pedantic", "-Werror", "-shared"]
            arguments += ["-fPIC", "-I", include, "\(examples)/cpp/\(example).cpp"]
        case .swift, .ordinarySwift:
            let kit = "\(CCompiler.root)/Sources/Plugins/PluginKit"
            arguments = ["-parse-as-library", "-module-name", example, "-emit-library", "-I", include]
            arguments += language == .swift ? ["-wmo", "-Osize", "-enable-experimental-feature", "Embedded"] : ["-O"]
            if example == "oem" { arguments += ["-import-objc-header", "\(examples)/swift/libc.h"] }
            arguments.append(source ?? "\(examples)/swift/\(example).swift")
            arguments += try Syscalls.list(kit).filter { $0.hasSuffix(".swift") }.sorted().map { "\(kit)/\($0)" }
        case .rust:
            arguments = ["--edition", "2021", "-O", "--crate-type", "cdylib", "-D", "warnings"]
            arguments += ["--crate-name", "kcs_\(example)_rust", source ?? "\(examples)/rust/\(example).rs"]
        }
        let build = try Program(compiler, arguments + ["-o", output])
        guard build.wait(within: 300_000) == .exited(0) else { throw Failure(text: build.log) }
        return output
    }

    /// Runs one of this package's programs to its end.
    public static func run(
        _ program: String, _ arguments: [String]
    ) throws -> (ending: Program.Ending, output: String, errors: String) {
        let run = try Program("\(products)/\(program)", arguments)
        let output = run.standardOutput()
        return (run.wait(), output, run.log)
    }
}
