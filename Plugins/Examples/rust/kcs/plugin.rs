// SPDX-License-Identifier: Apache-2.0
//
// What a plugin says about itself, and the boundary: each C function that kcsmuxd calls. None of them lets a panic out.
use super::host::{with_text, words, Host, Life, Seat};
use super::options::{build, table, text, Opt, Report, Value};
use super::{raw, Capabilities, Disposition, Input, Level, Reason, Str, Token};
use std::ffi::CStr;
use std::mem::size_of;
use std::ops::RangeInclusive;
use std::os::raw::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Once;

/// A protocol handler: one value for each place in kcsmuxd's file that names the plugin, which all live on one thread. No
/// method may block, or take longer than `call_budget`.
pub trait Handler: Sized + 'static {
    /// What the plugin is. Asked once.
    fn plugin() -> Plugin;

    /// Pure: says what the declaration of the options cannot. No instance exists.
    fn check(_options: Value<'_>, _report: &Report<'_>) {}

    /// Makes an instance. The device is not open yet. What is wrong goes into kcsmuxd's log.
    fn new(host: Host<Self>, options: Value<'_>) -> Result<Self, String>;

    /// The device is open: answers the kind of input that the instance wants from here on.
    fn start(&mut self, info: &StartInfo) -> Result<Input, String>;

    /// The device is about to close. Nothing is called after this; then the handler is dropped.
    fn stop(&mut self, _reason: Reason) {}

    /// Input `Automatic`: a byte of the host CPU. `Str::COMMAND` tells its port.
    fn data(&mut self, _value: u8, _str: Str, _now: u64) {}

    /// Input `Manual`: there is a byte to read; not told again until it was.
    fn input_ready(&mut self, _str: Str, _now: u64) {}

    /// OBF is clear, after [`Host::want_output`].
    fn output_ready(&mut self, _str: Str, _now: u64) {}

    /// Input `Messages`: a whole request, NetFn/LUN, command, data; at least two bytes.
    fn message(&mut self, _token: Token, _bytes: &[u8], _now: u64) -> Disposition {
        Disposition::Declined
    }

    /// The operator reset the channel, or the host CPU was reset: forget what was under way with it.
    fn reset(&mut self, _now: u64) {}

    /// Tells figures for the status display.
    fn stats(&self, _stats: &Stats<'_>) {}
}

/// What [`Handler::start`] is told.
#[derive(Clone, Debug)]
pub struct StartInfo {
    /// What the channel's device gives.
    pub capabilities: Capabilities,
    pub reason: Reason,
    /// Bytes that were there at open and were thrown away.
    pub stale_bytes: u32,
    /// The channel's name.
    pub channel: String,
    /// A folder for files of this channel; make it, and its parents, when first needed.
    pub state_folder: String,
}

/// Takes figures for the status display. Names are [a-z0-9_]+.
pub struct Stats<'a> {
    raw: &'a raw::Stats,
}

impl Stats<'_> {
    /// A figure of which nothing more is known.
    pub fn number(&self, name: &str, value: u64) {
        with_text(&name, |name| unsafe { (self.raw.number)(self.raw.ctx, name, value) });
    }

    /// A figure that counts up, from 0 when the handler was created.
    pub fn count(&self, name: &str, value: u64) {
        self.figure(name, 1, "", value);
    }

    /// A figure that goes up and down, in a unit such as "bytes", or in none.
    pub fn gauge(&self, name: &str, unit: &str, value: u64) {
        self.figure(name, 2, unit, value);
    }

    fn figure(&self, name: &str, kind: u32, unit: &str, value: u64) {
        // kcsmuxd may be one of ABI 1.0, which does not ask.
        if (self.raw.size as usize) < core::mem::size_of::<raw::Stats>() {
            return self.number(name, value);
        }
        with_text(&name, |name| {
            with_text(&unit, |unit| unsafe { (self.raw.figure)(self.raw.ctx, name, kind, unit, value) })
        });
    }

    pub fn text(&self, name: &str, value: &str) {
        with_text(&name, |name| with_text(&value, |value| unsafe { (self.raw.text)(self.raw.ctx, name, value) }));
    }
}

/// What a plugin says about itself.
pub struct Plugin {
    name: &'static str,
    version: &'static str,
    summary: &'static str,
    abi_needed: u32,
    inputs: u32,
    needs: Capabilities,
    options: Vec<Opt>,
    requests: Vec<raw::RequestLength>,
    commands: Vec<raw::Command>,
}

impl Plugin {
    /// The name is [a-z][a-z0-9-]*, as in libkcs-NAME.so; the version is its own; the summary has one line.
    pub fn new(name: &'static str, version: &'static str, summary: &'static str) -> Plugin {
        let (options, requests, commands) = (Vec::new(), Vec::new(), Vec::new());
        let needs = Capabilities::default();
        Plugin { name, version, summary, abi_needed: 0, inputs: 0, needs, options, requests, commands }
    }

    /// A kind of input that `start` may answer. Call it for each.
    pub fn takes(self, input: Input) -> Plugin {
        Plugin { inputs: self.inputs | raw::takes(input as i32 & 0xFF), ..self }
    }

    /// Without these no configuration of it can work.
    pub fn needs(self, needs: Capabilities) -> Plugin {
        Plugin { needs, ..self }
    }

    /// The lowest minor of the ABI that it works with, unless any will do.
    pub fn needs_abi(self, minor: u32) -> Plugin {
        Plugin { abi_needed: raw::ABI_MAJOR << 16 | minor, ..self }
    }

    pub fn option(mut self, option: Opt) -> Plugin {
        self.options.push(option);
        self
    }

    /// How long a request is, NetFn/LUN and command counted: lets kcsmuxd see its end before the host CPU says so.
    pub fn request(mut self, net_fn: u8, command: u8, length: RangeInclusive<u16>) -> Plugin {
        let (shortest, longest) = length.into_inner();
        self.requests.push(raw::RequestLength { net_fn, command, shortest, longest, reserved: 0 });
        self
    }

    /// The same, of a request that is as long as its byte `at` and `added` together.
    pub fn counted_request(self, net_fn: u8, command: u8, length: RangeInclusive<u16>, at: u8, added: u8) -> Plugin {
        let mut plugin = self.request(net_fn, command, length);
        if let Some(request) = plugin.requests.last_mut() {
            request.reserved = raw::counted(at, added);
        }
        plugin
    }

    /// A command that `message` answers, for people: with the completion codes, twelve at most, that it may answer beside 00.
    pub fn command(mut self, net_fn: u8, command: u8, name: &'static str, codes: &[u8]) -> Plugin {
        let mut all = [0; 12];
        all[..codes.len()].copy_from_slice(codes);
        let (body, code_count) = (0, codes.len() as u8);
        self.commands.push(raw::Command { net_fn, command, body, code_count, codes: all, name: text(name) });
        self
    }

    fn describe<H: Handler + Described>(self) -> raw::Plugin {
        raw::Plugin {
            size: size_of::<raw::Plugin>() as u32,
            abi: raw::ABI,
            abi_needed: self.abi_needed,
            inputs: self.inputs,
            needs: self.needs.0,
            option_size: size_of::<raw::Opt>() as u32,
            name: text(self.name),
            version: text(self.version),
            summary: text(self.summary),
            option_count: self.options.len() as u64,
            options: build(self.options),
            request_count: self.requests.len() as u64,
            requests: table(self.requests),
            check: Some(check::<H>),
            create: create::<H>,
            start: start::<H>,
            stop: Some(stop::<H>),
            destroy: destroy::<H>,
            data: Some(data::<H>),
            input_ready: Some(input_ready::<H>),
            output_ready: Some(output_ready::<H>),
            message: Some(message::<H>),
            reset: Some(reset::<H>),
            stats: Some(stats::<H>),
            command_count: self.commands.len() as u64,
            commands: table(self.commands),
        }
    }
}

/// A handler whose plugin `kcs::plugin!` exports; that implements it.
pub trait Described {
    fn description() -> &'static Description;
}

/// A plugin's descriptor, made once and kept for the life of the process. What is in it is made here alone, so that the
/// pointers are what they seem.
pub struct Description {
    once: Once,
    made: AtomicPtr<raw::Plugin>,
}

impl Description {
    #[allow(clippy::new_without_default)] // for a static
    pub const fn new() -> Description {
        Description { once: Once::new(), made: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// None if it cannot be made, which kcsmuxd reports as a plugin without a descriptor.
    pub fn get<H: Handler + Described>(&self) -> Option<&'static raw::Plugin> {
        self.once.call_once(|| {
            if let Ok(plugin) = catch_unwind(|| H::plugin().describe::<H>()) {
                self.made.store(Box::into_raw(Box::new(plugin)), Ordering::Release);
            }
        });
        // Safety: it is never freed, nor changed.
        unsafe { self.made.load(Ordering::Acquire).as_ref() }
    }
}

// ---- The boundary
// Safety of all: kcs_plugin.h says what the pointers are, and that calls come one at a time, on one thread, until destroy.

unsafe fn seat<'a, H>(instance: *mut c_void) -> &'a Seat<H> {
    &*instance.cast::<Seat<H>>()
}

unsafe extern "C" fn check<H: Handler + Described>(options: *const raw::Value, report: *const raw::Report) {
    let (options, report) = (&*options, &*report);
    let checked = catch_unwind(AssertUnwindSafe(|| {
        if let Some(plugin) = H::description().get::<H>() {
            H::check(Value::root(options, plugin, None), &Report { raw: report });
        }
    }));
    if let Err(panic) = checked {
        with_text(&words(&*panic), |text| (report.error)(report.ctx, options, text));
    }
}

unsafe extern "C" fn create<H: Handler + Described>(
    host: *const raw::Host,
    channel: *mut raw::Channel,
    options: *const raw::Value,
    instance: *mut *mut c_void,
) -> i32 {
    let seat = Seat::<H>::new(host, channel);
    let made = catch_unwind(AssertUnwindSafe(|| {
        let plugin = H::description().get::<H>().ok_or_else(String::new)?;
        H::new(Host { seat: seat.clone() }, Value::root(&*options, plugin, Some(&seat.life)))
    }));
    let why = match made {
        Ok(Ok(handler)) => {
            seat.sit(handler);
            *instance = Rc::into_raw(seat) as *mut c_void;
            return raw::OK;
        }
        Ok(Err(why)) => why,
        Err(panic) => words(&*panic),
    };
    seat.life.log(Level::Error, &why);
    seat.end();
    raw::E_FAILED
}

/// For what fails by its result, or cannot fail any more.
fn log(life: &Life, text: String) {
    life.log(Level::Error, &text);
}

unsafe extern "C" fn start<H: Handler>(instance: *mut c_void, info: *const raw::Start) -> i32 {
    let text = |text: *const u8| CStr::from_ptr(text.cast()).to_string_lossy().into_owned();
    let info = StartInfo {
        capabilities: Capabilities((*info).capabilities),
        reason: Reason::new((*info).reason),
        stale_bytes: (*info).stale_bytes,
        channel: text((*info).channel),
        state_folder: text((*info).state_folder),
    };
    let seat = seat::<H>(instance);
    match seat.lend_or(|handler| handler.start(&info), log) {
        Some(Ok(input)) => input as i32,
        Some(Err(why)) => {
            log(&seat.life, why);
            raw::E_FAILED
        }
        None => raw::E_FAILED,
    }
}

unsafe extern "C" fn stop<H: Handler>(instance: *mut c_void, reason: u32) {
    seat::<H>(instance).lend_or(|handler| handler.stop(Reason::new(reason)), log);
}

unsafe extern "C" fn destroy<H: Handler>(instance: *mut c_void) {
    Rc::from_raw(instance.cast::<Seat<H>>() as *const Seat<H>).end();
}

unsafe extern "C" fn data<H: Handler>(instance: *mut c_void, value: u8, str: u8, now: u64) {
    seat::<H>(instance).lend(|handler| handler.data(value, Str(str), now));
}

unsafe extern "C" fn input_ready<H: Handler>(instance: *mut c_void, str: u8, now: u64) {
    seat::<H>(instance).lend(|handler| handler.input_ready(Str(str), now));
}

unsafe extern "C" fn output_ready<H: Handler>(instance: *mut c_void, str: u8, now: u64) {
    seat::<H>(instance).lend(|handler| handler.output_ready(Str(str), now));
}

unsafe extern "C" fn message<H: Handler>(
    instance: *mut c_void,
    token: u64,
    bytes: *const u8,
    count: u64,
    now: u64,
) -> i32 {
    let bytes = std::slice::from_raw_parts(bytes, count as usize);
    // After a panic the request stays without an answer: the channel restarts.
    let answer = seat::<H>(instance).lend(|handler| handler.message(Token(token), bytes, now));
    answer.unwrap_or(Disposition::Handled) as i32
}

unsafe extern "C" fn reset<H: Handler>(instance: *mut c_void, now: u64) {
    seat::<H>(instance).lend(|handler| handler.reset(now));
}

unsafe extern "C" fn stats<H: Handler>(instance: *mut c_void, stats: *const raw::Stats) {
    let stats = Stats { raw: &*stats };
    seat::<H>(instance).lend(|handler| handler.stats(&stats));
}
