// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: kcsmuxd's table and channel are C pointers that live until destroy has returned. `Life` knows when that is; every
// call goes through it.
use super::later::Held;
use super::post::Inbox;
use super::{raw, Capabilities, Direction, Error, Level, Output, Str, Token};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::os::raw::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

/// An instance's place on its channel, for as long as it has one.
pub(super) struct Life {
    table: *const raw::Host,
    /// Null once the instance was destroyed: whoever kept a `Host` in a variable of the thread's reaches nothing.
    channel: Cell<*mut raw::Channel>,
}

impl Life {
    pub(super) fn call(&self, body: impl FnOnce(&raw::Host, *mut raw::Channel) -> i32) -> Result<i32, Error> {
        if self.channel.get().is_null() {
            return Err(Error::Unavailable);
        }
        // Safety: the table lives as long as the channel. `Life` is neither Send nor Sync: this is the loop's thread.
        let status = body(unsafe { &*self.table }, self.channel.get());
        if status < 0 {
            Err(Error::new(status))
        } else {
            Ok(status)
        }
    }

    pub(super) fn log(&self, level: Level, text: &dyn Display) {
        let _ = self.call(|host, channel| {
            with_text(text, |text| unsafe { (host.log)(channel, level as u32, text) });
            raw::OK
        });
    }

    pub(super) fn fail(&self, text: &dyn Display) {
        let _ = self.call(|host, channel| {
            with_text(text, |text| unsafe { (host.fail)(channel, text) });
            raw::OK
        });
    }
}

/// Text as C has it. A NUL inside would end it: it is shown as what cannot be shown.
pub(super) fn with_text<T>(text: &dyn Display, body: impl FnOnce(*const u8) -> T) -> T {
    let mut text = text.to_string();
    if text.contains('\0') {
        text = text.replace('\0', "\u{FFFD}");
    }
    text.push('\0');
    body(text.as_ptr())
}

/// A panic in words. Where it was has been printed on standard error already.
pub(super) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the plugin panicked: {}", text.unwrap_or("without a word"))
}

/// Where a handler sits: what kcsmuxd has as the instance.
pub(super) struct Seat<H> {
    pub(super) life: Rc<Life>,
    handler: RefCell<Option<H>>,
    has_panicked: Cell<bool>,
    /// What kcsmuxd was given to call once, and has not called yet.
    pub(super) held: RefCell<Vec<Held>>,
    pub(super) inbox: Arc<Inbox<H>>,
}

impl<H: 'static> Seat<H> {
    pub(super) fn new(table: *const raw::Host, channel: *mut raw::Channel) -> Rc<Seat<H>> {
        let seat = Rc::new(Seat {
            life: Rc::new(Life { table, channel: Cell::new(channel) }),
            handler: RefCell::new(None),
            has_panicked: Cell::new(false),
            held: RefCell::new(Vec::new()),
            inbox: Arc::new(Inbox::new(table)),
        });
        seat.inbox.open(channel, Rc::as_ptr(&seat));
        seat
    }

    pub(super) fn sit(&self, handler: H) {
        *self.handler.borrow_mut() = Some(handler);
    }

    /// Calls `body` with the handler. None when it panicked, now or before: what it holds may contradict itself then.
    pub(super) fn lend<T>(&self, body: impl FnOnce(&mut H) -> T) -> Option<T> {
        self.lend_or(body, |life, text| life.fail(&text))
    }

    /// The same; `report` says what becomes of a panic.
    pub(super) fn lend_or<T>(&self, body: impl FnOnce(&mut H) -> T, report: impl FnOnce(&Life, String)) -> Option<T> {
        if self.has_panicked.get() {
            return None;
        }
        // Borrowed once at a time: kcsmuxd makes no callback from inside a call.
        match catch_unwind(AssertUnwindSafe(|| self.handler.borrow_mut().as_mut().map(body))) {
            Ok(answer) => answer,
            Err(panic) => {
                self.panicked(panic, report);
                None
            }
        }
    }

    pub(super) fn panicked(&self, panic: Box<dyn Any + Send>, report: impl FnOnce(&Life, String)) {
        self.has_panicked.set(true);
        report(&self.life, words(&*panic));
        // What it carries may panic once more when it is dropped.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(another);
        }
    }

    /// Drops the handler, and what kcsmuxd calls no more. A handler's `drop` may still call its host.
    pub(super) fn end(&self) {
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            let handler = self.handler.borrow_mut().take();
            drop(handler);
            let held = std::mem::take(&mut *self.held.borrow_mut());
            drop(held);
            self.inbox.close();
        }));
        if let Err(panic) = dropped {
            self.panicked(panic, |life, text| life.log(Level::Error, &text));
            self.inbox.close();
        }
        self.life.channel.set(std::ptr::null_mut());
    }
}

/// What kcsmuxd offers to one instance. A handler keeps it, and any copies of it. Not for other threads: see
/// [`Host::poster`].
pub struct Host<H> {
    pub(super) seat: Rc<Seat<H>>,
}

impl<H> Clone for Host<H> {
    fn clone(&self) -> Self {
        Host { seat: self.seat.clone() }
    }
}

/// Memory shared with the host CPU: each byte of it may change at any time, so that it is no slice. Mapped until the handler
/// is dropped.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub base: *mut u8,
    pub length: usize,
}

/// Registers: for instances whose input is automatic or manual.
impl<H: 'static> Host<H> {
    pub(super) fn call(&self, body: impl FnOnce(&raw::Host, *mut raw::Channel) -> i32) -> Result<(), Error> {
        self.seat.life.call(body).map(|_| ())
    }

    /// Input `Manual`: takes the byte out of IDR, with STR at that moment. `Empty` if there is none.
    pub fn read_idr(&self) -> Result<(u8, Str), Error> {
        let (mut value, mut str) = (0, 0);
        self.call(|host, channel| unsafe { (host.read_idr)(channel, &mut value, &mut str) })?;
        Ok((value, Str(str)))
    }

    /// STR as it is, without consuming IDR.
    pub fn read_str(&self) -> Result<Str, Error> {
        self.seat.life.call(|host, channel| unsafe { (host.read_str)(channel) }).map(|str| Str(str as u8))
    }

    /// Writes ODR, which interrupts the host CPU. `Busy` while OBF is set: ask for `output_ready`.
    pub fn write_odr(&self, value: u8) -> Result<(), Error> {
        self.call(|host, channel| unsafe { (host.write_odr)(channel, value) })
    }

    /// Changes the bits of STR in `mask`; the hardware's own (OBF, IBF, C/D) may not be among them.
    pub fn write_str(&self, mask: Str, value: Str) -> Result<(), Error> {
        self.call(|host, channel| unsafe { (host.write_str)(channel, mask.0, value.0) })
    }

    /// Writes STR's bits and ODR in one step. `Busy`, and nothing done, while OBF is set.
    pub fn write_both(&self, odr: u8, mask: Str, value: Str) -> Result<(), Error> {
        self.call(|host, channel| unsafe { (host.write_both)(channel, odr, mask.0, value.0) })
    }

    /// As `write_both`, and discards the byte that the host CPU has not read.
    pub fn replace(&self, odr: u8, mask: Str, value: Str) -> Result<(), Error> {
        self.call(|host, channel| unsafe { (host.replace)(channel, odr, mask.0, value.0) })
    }

    /// Asks for one `output_ready` when OBF is clear, or withdraws that.
    pub fn want_output(&self, wish: Output) -> Result<(), Error> {
        self.call(|host, channel| unsafe { (host.want_output)(channel, wish as u32) })
    }
}

/// Messages: for instances whose input is messages.
impl<H: 'static> Host<H> {
    /// Answers a request once, now or later: NetFn/LUN, command, completion code, data. `Stale` when it is no longer
    /// wanted, which is nobody's mistake.
    pub fn reply(&self, token: Token, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Err(Error::Invalid); // `withhold` says that
        }
        self.call(|host, channel| unsafe { (host.reply)(channel, token.0, bytes.as_ptr(), bytes.len() as u64) })
    }

    /// Says that a request has no answer: the host CPU is left waiting in READ until it begins anew.
    pub fn withhold(&self, token: Token) -> Result<(), Error> {
        self.call(|host, channel| unsafe { (host.reply)(channel, token.0, std::ptr::null(), 0) })
    }

    /// Sets or clears this instance's wish for SMS_ATN.
    pub fn set_attention(&self, on: bool) -> Result<(), Error> {
        self.call(|host, channel| unsafe { (host.set_attention)(channel, u32::from(on)) })
    }
}

/// Time, records, resources.
impl<H: 'static> Host<H> {
    /// CLOCK_MONOTONIC in nanoseconds; 0 once the instance is gone.
    pub fn now(&self) -> u64 {
        let mut now = 0;
        let _ = self.call(|host, channel| {
            now = unsafe { (host.now)(channel) };
            raw::OK
        });
        now
    }

    /// A line in kcsmuxd's log: `"words"`, or `format_args!("code {code:02x}")`.
    pub fn log(&self, level: Level, text: impl Display) {
        self.seat.life.log(level, &text);
    }

    /// Says that this instance cannot go on: the channel restarts as its policy says.
    pub fn fail(&self, text: impl Display) {
        self.seat.life.fail(&text);
    }

    /// Adds an event, in words, to the channel's debug capture.
    pub fn annotate(&self, direction: Direction, text: impl Display) -> Result<(), Error> {
        let (kind, none) = (raw::ANNOTATE_EVENT, std::ptr::null());
        self.call(|host, channel| {
            with_text(&text, |text| unsafe { (host.annotate)(channel, kind, direction as u32, 0, none, 0, text) })
        })
    }

    /// Adds a packet of a registered link type to the channel's debug capture.
    pub fn annotate_packet(&self, link_type: u32, direction: Direction, bytes: &[u8]) -> Result<(), Error> {
        let (kind, direction, count) = (raw::ANNOTATE_PACKET, direction as u32, bytes.len() as u64);
        let (bytes, none) = (bytes.as_ptr(), std::ptr::null());
        self.call(|host, channel| unsafe { (host.annotate)(channel, kind, direction, link_type, bytes, count, none) })
    }

    /// A descriptor that the service manager passed to kcsmuxd as CHANNEL.NAME; not to be closed.
    pub fn socket(&self, name: &str) -> Result<i32, Error> {
        let mut descriptor = -1;
        self.call(|host, channel| with_text(&name, |name| unsafe { (host.socket)(channel, name, &mut descriptor) }))?;
        Ok(descriptor)
    }

    /// The memory that is shared with the host CPU.
    pub fn window(&self) -> Result<Window, Error> {
        let size = std::mem::size_of::<raw::Window>() as u32;
        let mut window = raw::Window { size, reserved: 0, base: std::ptr::null_mut::<c_void>(), length: 0 };
        self.call(|host, channel| unsafe { (host.map_window)(channel, &mut window) })?;
        Ok(Window { base: window.base.cast(), length: window.length as usize })
    }
}
