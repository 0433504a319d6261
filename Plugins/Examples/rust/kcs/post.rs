// SPDX-License-Identifier: Apache-2.0
//
// From any thread to the loop's.
//
// Unsafe: kcsmuxd gets the seat as a pointer. It lives until destroy, which closes the inbox first.
use super::host::{Host, Seat};
use super::{raw, Error};
use std::collections::VecDeque;
use std::os::raw::c_void;
use std::sync::{Arc, Mutex, MutexGuard};

type Post<H> = Box<dyn FnOnce(&mut H) + Send>;

/// Closures on their way to the loop's thread.
pub(super) struct Inbox<H> {
    posts: Mutex<Posts<H>>,
}

struct Posts<H> {
    table: *const raw::Host,
    /// Null once the instance was destroyed.
    channel: *mut raw::Channel,
    seat: *const Seat<H>,
    waiting: VecDeque<Post<H>>,
}

// Safety: the pointers are only passed to `post`, which any thread may call; the closures are Send.
unsafe impl<H> Send for Posts<H> {}

impl<H: 'static> Inbox<H> {
    pub(super) fn new(table: *const raw::Host) -> Inbox<H> {
        let (channel, seat) = (std::ptr::null_mut(), std::ptr::null());
        Inbox { posts: Mutex::new(Posts { table, channel, seat, waiting: VecDeque::new() }) }
    }

    /// No panic happens while it is locked: a closure is neither called nor dropped then.
    fn lock(&self) -> MutexGuard<'_, Posts<H>> {
        self.posts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn open(&self, channel: *mut raw::Channel, seat: *const Seat<H>) {
        let mut posts = self.lock();
        posts.channel = channel;
        posts.seat = seat;
    }

    pub(super) fn close(&self) {
        let mut posts = self.lock();
        posts.channel = std::ptr::null_mut();
        let waiting = std::mem::take(&mut posts.waiting);
        drop(posts);
        drop(waiting);
    }
}

/// The way from any thread to the loop's.
pub struct Poster<H> {
    inbox: Arc<Inbox<H>>,
}

impl<H> Clone for Poster<H> {
    fn clone(&self) -> Self {
        Poster { inbox: self.inbox.clone() }
    }
}

impl<H: 'static> Poster<H> {
    /// Calls `body` with the handler on the loop's thread, in a later turn; never if the handler stops before that.
    pub fn post(&self, body: impl FnOnce(&mut H) + Send + 'static) -> Result<(), Error> {
        let mut posts = self.inbox.lock();
        if posts.channel.is_null() {
            return Err(Error::Unavailable);
        }
        posts.waiting.push_back(Box::new(body));
        // Safety: destroy, which ends table, channel and seat, waits for this lock to close the inbox.
        let status = unsafe { ((*posts.table).post)(posts.channel, posts.seat as *mut c_void, posted::<H>) };
        let refused = if status < 0 { posts.waiting.pop_back() } else { None };
        drop(posts);
        refused.map_or(Ok(()), |_| Err(Error::new(status)))
    }
}

unsafe extern "C" fn posted<H: 'static>(context: *mut c_void) {
    let seat = &*context.cast::<Seat<H>>();
    // Those that these post are for a later turn.
    let waiting = std::mem::take(&mut seat.inbox.lock().waiting);
    for body in waiting {
        seat.lend(body);
    }
}

impl<H: 'static> Host<H> {
    /// What a plugin's other threads give back to the loop's. A handler with threads ends them in `stop`.
    pub fn poster(&self) -> Poster<H> {
        Poster { inbox: self.seat.inbox.clone() }
    }
}
