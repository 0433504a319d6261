// SPDX-License-Identifier: Apache-2.0
//
// Timers and watched descriptors: what kcsmuxd calls any number of times, until `stop`.
//
// Unsafe: closures travel through C as pointers. The `Timer` or `Watch` holds one, and the call does while it runs. The
// pointer to the seat is good in each call: kcsmuxd makes none once destroy began.
use super::host::{Host, Life, Seat};
use super::{raw, Error, Events};
use std::any::Any;
use std::os::raw::c_void;
use std::os::unix::io::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

struct Repeat<H, A> {
    seat: *const Seat<H>,
    body: Box<dyn Fn(&mut H, A)>,
}

impl<H: 'static, A> Repeat<H, A> {
    unsafe fn call(context: *mut c_void, answer: A) {
        // The closure may let go of the timer that holds it.
        let context: *const Self = context.cast();
        Rc::increment_strong_count(context);
        let repeat = Rc::from_raw(context);
        let seat = &*repeat.seat;
        seat.lend(move |handler| (repeat.body)(handler, answer));
    }
}

unsafe extern "C" fn fire<H: 'static>(context: *mut c_void, now: u64) {
    Repeat::<H, u64>::call(context, now);
}

unsafe extern "C" fn ready<H: 'static>(context: *mut c_void, events: u32, now: u64) {
    Repeat::<H, (Events, u64)>::call(context, (Events(events), now));
}

/// A timer of an instance. Let go of, it is closed.
pub struct Timer {
    life: Rc<Life>,
    number: u32,
    _body: Rc<dyn Any>,
}

impl Timer {
    /// Fires once, at a time of [`Host::now`]; one in the past: in the next turn.
    pub fn set(&self, deadline: u64) {
        let _ = self.life.call(|host, channel| unsafe { (host.timer_set)(channel, self.number, deadline.max(1)) });
    }

    /// Fires once, when this time has passed.
    pub fn set_after(&self, delay: Duration) {
        let _ = self.life.call(|host, channel| unsafe {
            let delay = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
            (host.timer_set)(channel, self.number, (host.now)(channel).saturating_add(delay).max(1))
        });
    }

    /// Does not fire.
    pub fn cancel(&self) {
        let _ = self.life.call(|host, channel| unsafe { (host.timer_set)(channel, self.number, 0) });
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let _ = self.life.call(|host, channel| unsafe { (host.timer_close)(channel, self.number) });
    }
}

/// A watched descriptor. Let go of, it is watched no more; close the descriptor after that.
pub struct Watch {
    life: Rc<Life>,
    number: u32,
    _body: Rc<dyn Any>,
}

impl Watch {
    /// Changes what is waited for; no events pause the watch.
    pub fn set(&self, events: Events) -> Result<(), Error> {
        self.life.call(|host, channel| unsafe { (host.watch_set)(channel, self.number, events.0) }).map(|_| ())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.life.call(|host, channel| unsafe { (host.watch_close)(channel, self.number) });
    }
}

impl<H: 'static> Host<H> {
    fn often<A: 'static>(&self, body: impl Fn(&mut H, A) + 'static) -> Rc<Repeat<H, A>> {
        Rc::new(Repeat { seat: Rc::as_ptr(&self.seat), body: Box::new(body) })
    }

    /// A timer, not yet running, that calls `fire` with the handler and the time. Made in `start`, kept by the handler.
    pub fn timer(&self, body: impl Fn(&mut H, u64) + 'static) -> Result<Timer, Error> {
        let body = self.often(body);
        let (context, mut number) = (Rc::as_ptr(&body) as *mut c_void, 0);
        self.call(|host, channel| unsafe { (host.timer_open)(channel, context, fire::<H>, &mut number) })?;
        Ok(Timer { life: self.seat.life.clone(), number, _body: body })
    }

    /// Watches a descriptor, level-triggered: calls `body` with the handler, what happened, and the time.
    pub fn watch(
        &self,
        descriptor: &impl AsRawFd,
        events: Events,
        body: impl Fn(&mut H, (Events, u64)) + 'static,
    ) -> Result<Watch, Error> {
        let body = self.often(body);
        let (context, mut number) = (Rc::as_ptr(&body) as *mut c_void, 0);
        let descriptor = descriptor.as_raw_fd();
        self.call(|host, channel| unsafe {
            (host.watch_open)(channel, descriptor, events.0, context, ready::<H>, &mut number)
        })?;
        Ok(Watch { life: self.seat.life.clone(), number, _body: body })
    }
}
