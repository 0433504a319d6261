// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import LinuxIO
import Testing

/// A folder that goes when the test does.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/kcsmux-test-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit { _ = Program.run(["/bin/rm", "-rf", path]) }

    func file(_ name: String, _ bytes: [UInt8]) -> String {
        let path = self.path + "/" + name
        let file = try! Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        bytes.withUnsafeBytes { _ = Syscalls.writeAll(file.raw, $0) }
        return path
    }

    func read(_ name: String) -> [UInt8] { (try? Syscalls.readFile(path + "/" + name, limit: 1 << 26)) ?? [] }
}

/// Other programs.
enum Program {
    /// The program for tests to kill, which stands beside the test executable.
    static let child = Path.parent(of: CurrentProcess.executable!) + "/capture-child"

    struct Running {
        let process: pid_t
        let output: Int32

        /// Reads until the end of its output.
        func text() -> String {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65536)
            while case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(output, into: $0) }),
                count > 0
            {
                bytes.append(contentsOf: chunk[..<count])
            }
            close(output)
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Waits for it; the status of wait(2).
        func end() -> Int32 {
            var status: Int32 = 0
            while waitpid(process, &status, 0) == -1 && Errno.current == .interrupted {}
            return status
        }
    }

    /// Starts a program with its output in a pipe; standard error is ours.
    static func start(_ arguments: [String]) -> Running {
        var pipes: [Int32] = [0, 0]
        precondition(pipe2(&pipes, O_CLOEXEC) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var process: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        let failure = posix_spawnp(&process, words[0]!, &actions, nil, words, cl_environment())
        close(pipes[1])
        precondition(failure == 0, "\(arguments[0]): \(failure)")
        return Running(process: process, output: pipes[0])
    }

    static func run(_ arguments: [String]) -> (status: Int32, output: String) {
        let running = start(arguments)
        let text = running.text()
        return (running.end(), text)
    }

    static func isInstalled(_ name: String) -> Bool {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"].contains { access($0 + "/" + name, X_OK) == 0 }
    }
}

/// The full count with KCSMUX_LONG=1, or about 1 % of it.
func repetitions(_ full: Int) -> Int {
    CurrentProcess.environment("KCSMUX_LONG") == "1" ? full : max(1, full / 100)
}

/// A generator with a seed: a failure can be seen again.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// What capture-child records under a number.
enum Script {
    static func body(_ index: UInt64) -> Event.Body {
        let low = UInt8(truncatingIfNeeded: index)
        switch index % 4 {
        case 0: return .access(.idrRead, low, low &+ 1, 2)
        case 1: return .access(.odrAndSTRWrite, low, low &+ 2, 0xC1)
        case 2:
            let bytes = (0..<UInt8(index / 4 % 21)).map { low &+ $0 }
            return .block(
                Event.Block(
                    kind: .message, direction: .fromHost, link: .ipmi, annotation: 0, bytes: bytes,
                    originalLength: bytes.count, text: ""))
        default: return .recordsLost(index)
        }
    }

    /// Records that an event takes at most.
    static let widest: UInt64 = 5

    /// Nil when a ring shows an unbroken run of the script that goes as far back as it can; otherwise what is wrong.
    static func problem(_ ring: RingSnapshot) -> String? {
        var last: UInt64?
        for event in ring.events {
            if event.body != body(event.time) { return "\(event) was never written" }
            if let last, event.time != last + 1 { return "\(event.time) follows \(last)" }
            if last == nil && event.position > ring.start + widest { return "begins at \(event.position)" }
            last = event.time
        }
        return nil
    }
}
