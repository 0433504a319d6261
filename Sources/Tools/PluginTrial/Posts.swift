// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import PluginHost

/// What other threads give to the stage: posts, and the mistakes that they make.
final class Posts: MisuseReporter {
    struct Post {
        let context: UnsafeMutableRawPointer?
        let function: HandlerInstance.PlainCallback
    }

    /// Takes mistakes of the loop's own thread, in their place among what else happens.
    var tell: ((String) -> Void)?

    private let lock = Lock()
    private let thread = cl_thread()
    private var waiting: [Post] = []
    private var mistakes: [String] = []

    func add(_ context: UnsafeMutableRawPointer?, _ function: @escaping HandlerInstance.PlainCallback) {
        lock.lock()
        waiting.append(Post(context: context, function: function))
        lock.unlock()
    }

    func take() -> Post? {
        lock.lock()
        defer { lock.unlock() }
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }

    override func report(_ text: String) {
        if cl_thread() == thread, let tell { return tell(text) }
        lock.lock()
        mistakes.append(text)
        lock.unlock()
    }

    func takeMistakes() -> [String] {
        lock.lock()
        defer { lock.unlock() }
        defer { mistakes = [] }
        return mistakes
    }
}
