// SPDX-License-Identifier: Apache-2.0
//
// What kcsmuxd does outside of its loop: its results come once, with the handler as the first argument, and not after `stop`.
//
// Unsafe: closures travel through C as pointers, which the seat holds until they were called or the instance is destroyed. The
// pointer to the seat is good in each call: kcsmuxd makes none once destroy began.
use super::host::{with_text, Host, Life, Seat};
use super::{raw, Error, Outcome, Scope};
use std::ffi::{CStr, CString};
use std::os::raw::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::time::Duration;

/// A context that kcsmuxd has, and how to free it.
pub(super) struct Held {
    context: *mut c_void,
    free: unsafe fn(*mut c_void),
}

impl Drop for Held {
    fn drop(&mut self) {
        // Safety: whoever takes the context away forgets the holder.
        unsafe { (self.free)(self.context) }
    }
}

unsafe fn free<C>(context: *mut c_void) {
    drop(Box::from_raw(context.cast::<C>()));
}

impl<H: 'static> Seat<H> {
    /// Holds a context for as long as kcsmuxd has it; lets it go at once if `begin` is refused.
    fn begin<C>(
        &self,
        context: C,
        begin: impl FnOnce(&raw::Host, *mut raw::Channel, *mut c_void) -> i32,
    ) -> Result<(), Error> {
        let context: *mut c_void = Box::into_raw(Box::new(context)).cast();
        self.held.borrow_mut().push(Held { context, free: free::<C> });
        let begun = self.life.call(|host, channel| begin(host, channel, context));
        if begun.is_err() {
            // Safety: kcsmuxd did not take it.
            drop(unsafe { self.take::<C>(context) });
        }
        begun.map(|_| ())
    }

    /// Safety: `context` is of `begin`, and was not taken.
    unsafe fn take<C>(&self, context: *mut c_void) -> Box<C> {
        let mut held = self.held.borrow_mut();
        if let Some(index) = held.iter().position(|held| held.context == context) {
            std::mem::forget(held.swap_remove(index));
        }
        Box::from_raw(context.cast())
    }
}

/// A closure for one result.
struct Call<H, A> {
    seat: *const Seat<H>,
    body: Box<dyn FnOnce(&mut H, A)>,
}

impl<H: 'static, A> Call<H, A> {
    unsafe fn finish(context: *mut c_void, answer: A) {
        let seat = &*(*context.cast::<Self>()).seat;
        let call = seat.take::<Self>(context);
        seat.lend(move |handler| (call.body)(handler, answer));
    }
}

unsafe extern "C" fn program_ended<H: 'static>(context: *mut c_void, outcome: u32, code: i32) {
    Call::<H, (Outcome, i32)>::finish(context, (Outcome::new(outcome), code));
}

unsafe extern "C" fn capture_written<H: 'static>(context: *mut c_void, outcome: u32) {
    Call::<H, Outcome>::finish(context, Outcome::new(outcome));
}

unsafe extern "C" fn actions_ended<H: 'static>(
    context: *mut c_void,
    results: *const *const raw::ActionResult,
    count: u64,
) {
    let text = |text: *const u8| CStr::from_ptr(text.cast()).to_string_lossy().into_owned();
    let one = |index| {
        let result: &raw::ActionResult = &**results.add(index);
        let outcome = Outcome::new(result.outcome);
        ActionResult { action: text(result.action), outcome, detail: text(result.detail) }
    };
    Call::<H, Vec<ActionResult>>::finish(context, (0..count as usize).map(one).collect());
}

/// How one action of a list ended.
#[derive(Clone, Debug)]
pub struct ActionResult {
    /// The action in words, "exec /usr/bin/x".
    pub action: String,
    pub outcome: Outcome,
    /// What there is to say about it; may be empty.
    pub detail: String,
}

/// An option of type actions, of this instance.
#[derive(Clone)]
pub struct Actions {
    pub(super) pointer: *const raw::Value,
    /// Whose it is: another instance's may be gone.
    pub(super) life: Option<Rc<Life>>,
}

/// A closure for the worker's thread, what it answered, and a closure for that. The worker touches `work` and `answer` alone,
/// and the loop nothing until it is done.
struct Job<H, T> {
    seat: *const Seat<H>,
    work: Option<Box<dyn FnOnce() -> T + Send>>,
    answer: Option<std::thread::Result<T>>,
    done: Box<dyn FnOnce(&mut H, T)>,
}

unsafe extern "C" fn work<H: 'static, T: Send + 'static>(context: *mut c_void) {
    let job = context.cast::<Job<H, T>>();
    if let Some(work) = (*std::ptr::addr_of_mut!((*job).work)).take() {
        *std::ptr::addr_of_mut!((*job).answer) = Some(catch_unwind(AssertUnwindSafe(work)));
    }
}

unsafe extern "C" fn work_is_done<H: 'static, T: Send + 'static>(context: *mut c_void) {
    let seat = &*(*context.cast::<Job<H, T>>()).seat;
    let job = *seat.take::<Job<H, T>>(context);
    match job.answer {
        Some(Ok(answer)) => {
            let done = job.done;
            seat.lend(move |handler| done(handler, answer));
        }
        Some(Err(panic)) => seat.panicked(panic, |life, text| life.fail(&text)),
        None => {}
    }
}

/// What kcsmuxd does outside of its loop. A result comes in a later turn, unless the instance was stopped meanwhile or the
/// call was refused.
impl<H: 'static> Host<H> {
    fn once<A>(&self, body: impl FnOnce(&mut H, A) + 'static) -> Call<H, A> {
        Call { seat: Rc::as_ptr(&self.seat), body: Box::new(body) }
    }

    /// Calls `function` on the worker's thread, then `done` with what it answered. For files: nothing else may touch a disk.
    pub fn work<T: Send + 'static>(
        &self,
        function: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(&mut H, T) + 'static,
    ) -> Result<(), Error> {
        let seat = Rc::as_ptr(&self.seat);
        let job = Job::<H, T> { seat, work: Some(Box::new(function)), answer: None, done: Box::new(done) };
        self.seat.begin(job, |host, channel, context| unsafe {
            (host.work)(channel, context, work::<H, T>, Some(work_is_done::<H, T>))
        })
    }

    /// Runs a program without a shell, for at most `timeout`. The first of the words is an absolute path. `done` gets the
    /// exit status, or minus the number of the signal that ended it.
    pub fn run(
        &self,
        words: &[&str],
        timeout: Duration,
        done: impl FnOnce(&mut H, (Outcome, i32)) + 'static,
    ) -> Result<(), Error> {
        let words: Result<Vec<CString>, _> = words.iter().map(|word| CString::new(*word)).collect();
        let words = words.map_err(|_| Error::Invalid)?;
        let mut argv: Vec<*const u8> = words.iter().map(|word| word.as_ptr().cast()).collect();
        argv.push(std::ptr::null());
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        self.seat.begin(self.once(done), |host, channel, context| unsafe {
            (host.run)(channel, argv.as_ptr(), timeout, context, Some(program_ended::<H>))
        })
    }

    /// Runs an option of type actions, one after the other. `cause` stands in kcsmuxd's audit line. `Busy` while this
    /// instance's actions are running already.
    pub fn run_actions(
        &self,
        actions: &Actions,
        cause: &str,
        done: impl FnOnce(&mut H, Vec<ActionResult>) + 'static,
    ) -> Result<(), Error> {
        match &actions.life {
            Some(life) if Rc::ptr_eq(life, &self.seat.life) => {}
            _ => return Err(Error::Invalid),
        }
        self.seat.begin(self.once(done), |host, channel, context| {
            let done = Some(actions_ended::<H> as _);
            with_text(&cause, |cause| unsafe { (host.actions_run)(channel, actions.pointer, cause, context, done) })
        })
    }

    /// Writes debug captures to disk.
    pub fn dump(&self, scope: Scope, done: impl FnOnce(&mut H, Outcome) + 'static) -> Result<(), Error> {
        self.seat.begin(self.once(done), |host, channel, context| unsafe {
            (host.dump)(channel, scope as u32, context, Some(capture_written::<H>))
        })
    }
}
