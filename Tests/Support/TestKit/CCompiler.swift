// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// The system's C compiler, with which tests build plugins outside the package, as a plugin's author does.
public enum CCompiler {
    /// Its program. $KCSMUX_CC names another, for plugins of a kcsmuxd that was built for another processor.
    public static var program: String { CurrentProcess.environment("KCSMUX_CC") ?? "/usr/bin/cc" }

    /// Is there one? Suites that need it say that they were skipped.
    public static var isThere: Bool { access(program, X_OK) == 0 }

    /// The package's folder.
    public static var root: String { Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath)))) }

    /// Why a source does not compile.
    public struct Failure: Error {
        /// What the compiler said.
        public let text: String
    }

    /// Builds a shared library with the command of the README, and answers its path.
    @discardableResult
    public static func library(_ source: String, to output: String, _ flags: [String] = []) throws -> String {
        try run(
            ["-shared", "-fPIC", "-I", "\(root)/Sources/CKCSPlugin/include"] + flags + [source, "-o", output])
        return output
    }

    /// Runs the compiler.
    public static func run(_ arguments: [String]) throws {
        let compiler = try Program(program, arguments)
        guard compiler.wait() == .exited(0) else { throw Failure(text: compiler.log) }
    }
}
