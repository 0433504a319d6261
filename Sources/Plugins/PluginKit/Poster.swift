// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: closures pass from any thread to the loop's on a list that both change with atomic operations, each closure by
// one that takes it whole; the handler holds the list.
import CKCSPlugin
import Synchronization

/// The way from any thread to the loop's. Made by `Host.poster`; the thread keeps it.
///
/// Sendable because kcsmuxd's `post` may be called on any thread, and what it holds never changes.
public struct Poster<Owner: Handler>: @unchecked Sendable {
    private let queue: PostQueue
    private let owner: Borrowed<Owner>

    fileprivate init(_ queue: PostQueue, _ owner: Borrowed<Owner>) {
        self.queue = queue
        self.owner = owner
    }

    /// Calls `body` with the handler on the loop's thread in a later turn, in the order of the posts of one thread. Legal
    /// until the handler's `deinit` begins: a handler with threads ends them in `stop`. What is still waiting when the
    /// handler stops is never called.
    @discardableResult
    public func post(_ body: @escaping @Sendable (Owner) -> Void) -> Host.Status {
        queue.post { [owner] in owner.lend { body($0) } }
    }
}

extension Host {
    /// What other threads of this plugin give back to the loop's. Made on the loop's thread.
    public func poster<Owner: Handler>(for owner: Owner) -> Poster<Owner> {
        let borrowed = borrow(owner)
        let queue = PostQueue(self, owner.calls)
        _ = owner.calls.hold(queue)
        return Poster(queue, borrowed)
    }
}

/// Closures that wait for the loop's thread: the newest first.
private final class PostQueue: HeldCall {
    private final class Post {
        let body: () -> Void
        /// Who sets it may call `body`, or see to it that nobody does.
        let isTaken = Atomic(false)
        var next: UnsafeMutableRawPointer?

        init(_ body: @escaping () -> Void) { self.body = body }

        func take() -> Bool {
            isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
        }
    }

    private let host: Host
    private let newest = Atomic<UnsafeMutableRawPointer?>(nil)
    private let isOpen = Atomic(true)

    init(_ host: Host, _ owner: HeldCalls) {
        self.host = host
        super.init(owner)
    }

    deinit { _ = takeAll() }

    override func forget() {
        isOpen.store(false, ordering: .releasing)
        _ = takeAll()
        super.forget()
    }

    func post(_ body: @escaping () -> Void) -> Host.Status {
        guard isOpen.load(ordering: .acquiring) else { return .unavailable }
        let post = Post(body)
        let pointer = Unmanaged.passRetained(post).toOpaque()
        var latest = newest.load(ordering: .relaxed)
        while true {
            post.next = latest
            let (isDone, found) = newest.compareExchange(expected: latest, desired: pointer, ordering: .releasing)
            if isDone { break }
            latest = found
        }
        let status = Host.Status(
            rawValue: host.table.pointee.post(
                host.channel, Borrowed(self).context, { Borrowed<PostQueue>(context: $0).object.callAll() }))
        // Refused; but a call for another one may have taken it along.
        return status == .ok || !post.take() ? .ok : status
    }

    /// On the loop's thread.
    private func callAll() { for post in takeAll().reversed() where post.take() { post.body() } }

    private func takeAll() -> [Post] {
        var posts: [Post] = []
        var pointer = newest.exchange(nil, ordering: .acquiring)
        while let taken = pointer {
            let post = Unmanaged<Post>.fromOpaque(taken).takeRetainedValue()
            pointer = post.next
            posts.append(post)
        }
        return posts
    }
}
