// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO
import PluginHost

/// What other threads hand to the loop's: posts, and the mistakes that they make.
final class PostQueue: MisuseReporter {
    struct Post {
        let context: UnsafeMutableRawPointer?
        let function: HandlerInstance.PlainCallback
    }

    /// Takes mistakes of the loop's own thread, in order with what else it does.
    private let record: TrialRecord
    private let lock = Lock()
    private let thread = CurrentThread.key
    private var posts: [Post] = []
    private var mistakes: [String] = []

    init(_ record: TrialRecord) { self.record = record }

    func add(_ post: Post) {
        lock.lock()
        posts.append(post)
        lock.unlock()
    }

    func take() -> Post? {
        lock.lock()
        defer { lock.unlock() }
        return posts.isEmpty ? nil : posts.removeFirst()
    }

    override func report(_ text: String) {
        if CurrentThread.key == thread { return record.add("misuse: \(text)") }
        lock.lock()
        mistakes.append(text)
        lock.unlock()
    }

    /// Adds the mistakes of other threads to the record.
    func recordMistakes() {
        lock.lock()
        let found = mistakes
        mistakes = []
        lock.unlock()
        for text in found { record.add("misuse: \(text)") }
    }
}
