// SPDX-License-Identifier: Apache-2.0
//
// A handler of messages, in one file: four commands of one NetFn, each answered in another way.
//
//     rustc --edition 2021 -O -C panic=abort --crate-type cdylib --crate-name kcs_oem_rust oem.rs -o libkcs-oem-rust.so
//
//     command  data   answer, behind NetFn/LUN and command
//     0x01     -      completion code, seconds since the start in four bytes, least significant first: at once
//     0x02     any    completion code and the same data, after the option `delay`: a timer
//     0x03     -      completion code, the sum of the file's bytes in two bytes: the worker thread reads the file
//     0x04     -      completion code, how many actions failed: kcsmuxd runs the option `alarm`

mod kcs_plugin;

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr::null;
use kcs_plugin as kcs;
use std::ffi::CStr;
use std::path::PathBuf;

const GET_UPTIME: u8 = 0x01;
const ECHO_LATER: u8 = 0x02;
const SUM_FILE: u8 = 0x03;
const RING_ALARM: u8 = 0x04;

/// Everything about one channel: one library serves any number of them.
struct Oem {
    host: &'static kcs::Host,
    channel: *mut kcs::Channel,
    net_fn: u8,
    delay: u64,
    file: Option<PathBuf>,
    /// Lives as long as the instance.
    alarm: *const kcs::Value,
    started: u64,
    requests: u64,
    timer: u32,
    /// What the timer answers.
    echo: Option<(u64, Vec<u8>)>,
    alarm_token: u64,
    /// What the worker does for us, until it is done.
    job: Option<Box<Sum>>,
}

/// Used by the worker's thread alone until `file_is_summed`, or destroy, which comes after it.
struct Sum {
    oem: *mut Oem,
    token: u64,
    file: PathBuf,
    sum: Option<u16>,
}

impl Oem {
    /// NetFn of the answer, command, completion code, data.
    fn answer(&self, token: u64, command: u8, code: u8, data: &[u8]) {
        let mut bytes = vec![(self.net_fn | 1) << 2, command, code];
        bytes.extend_from_slice(data);
        // Safety: the table and the channel live as long as this instance. E_STALE is nobody's mistake: the host CPU gave
        // up meanwhile.
        unsafe { (self.host.reply)(self.channel, token, bytes.as_ptr(), bytes.len() as u64) };
    }

    fn sum(&mut self, token: u64) -> i32 {
        let file = match &self.file {
            Some(file) if self.job.is_none() => file.clone(),
            file => {
                let code = if file.is_none() { 0xFF } else { 0xC0 };
                self.answer(token, SUM_FILE, code, &[]);
                return kcs::HANDLED;
            }
        };
        let mut job = Box::new(Sum { oem: self, token, file, sum: None });
        let context: *mut Sum = &mut *job;
        // Safety: the box stays where it is for as long as kcsmuxd has the pointer.
        let status = unsafe { (self.host.work)(self.channel, context.cast(), sum_file, Some(file_is_summed)) };
        if status != kcs::OK {
            self.answer(token, SUM_FILE, 0xC0, &[]);
            return kcs::HANDLED;
        }
        self.job = Some(job);
        kcs::PENDING
    }

    fn ring(&mut self, token: u64) -> i32 {
        let context: *mut Oem = self;
        // Safety: the option is this instance's own, and the context lives until destroy.
        let status = unsafe {
            (self.host.annotate)(
                self.channel,
                kcs::ANNOTATE_EVENT,
                kcs::DIRECTION_IN,
                0,
                null(),
                0,
                b"the alarm is rung\0".as_ptr(),
            );
            let cause = b"the host CPU rings\0".as_ptr();
            (self.host.actions_run)(self.channel, self.alarm, cause, context.cast(), Some(alarm_was_rung))
        };
        if status != kcs::OK {
            self.answer(token, RING_ALARM, 0xC0, &[]);
            return kcs::HANDLED;
        }
        self.alarm_token = token;
        kcs::PENDING
    }
}

unsafe extern "C" fn echo_is_due(context: *mut c_void, _now: u64) {
    let oem = &mut *context.cast::<Oem>();
    if let Some((token, data)) = oem.echo.take() {
        oem.answer(token, ECHO_LATER, 0, &data);
    }
}

/// On the worker's thread: files may block here, and no host call but post is legal.
unsafe extern "C" fn sum_file(context: *mut c_void) {
    let job = &mut *context.cast::<Sum>();
    if let Ok(bytes) = std::fs::read(&job.file) {
        job.sum = Some(bytes.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte))));
    }
}

unsafe extern "C" fn file_is_summed(context: *mut c_void) {
    let oem = &mut *(*context.cast::<Sum>()).oem;
    if let Some(job) = oem.job.take() {
        match job.sum {
            Some(sum) => oem.answer(job.token, SUM_FILE, 0, &sum.to_le_bytes()),
            None => oem.answer(job.token, SUM_FILE, 0xFF, &[]),
        }
    }
}

unsafe extern "C" fn alarm_was_rung(context: *mut c_void, results: *const *const kcs::ActionResult, count: u64) {
    let oem = &mut *context.cast::<Oem>();
    let failed = (0..count as usize).filter(|&index| (**results.add(index)).outcome != kcs::OUTCOME_OK).count();
    oem.answer(oem.alarm_token, RING_ALARM, 0, &[failed as u8]);
}

/// Pure: says what the declaration cannot. kcsmuxd adds file, line and column.
unsafe extern "C" fn check(options: *const kcs::Value, report: *const kcs::Report) {
    let net_fn = (*options).member(&OPTIONS, "net_fn");
    if net_fn.integer % 2 != 0 {
        let text = b"net_fn must be even: the odd ones are for answers\0";
        ((*report).error)((*report).ctx, net_fn, text.as_ptr());
    }
}

unsafe extern "C" fn create(
    host: *const kcs::Host,
    channel: *mut kcs::Channel,
    options: *const kcs::Value,
    instance: *mut *mut c_void,
) -> i32 {
    // Every declared option is there, checked, under its name.
    let option = |name| (*options).member(&OPTIONS, name);
    let file = match option("file") {
        value if value.kind == kcs::OPTION_ABSENT => None,
        value => CStr::from_ptr(value.text.cast()).to_str().ok().map(PathBuf::from),
    };
    let oem = Oem {
        host: &*host,
        channel,
        net_fn: option("net_fn").number(kcs::OPTION_INTEGER) as u8,
        delay: option("delay").number(kcs::OPTION_DURATION) as u64,
        file,
        alarm: option("alarm"),
        started: 0,
        requests: 0,
        timer: 0,
        echo: None,
        alarm_token: 0,
        job: None,
    };
    *instance = Box::into_raw(Box::new(oem)).cast();
    kcs::OK
}

unsafe extern "C" fn start(instance: *mut c_void, _info: *const kcs::Start) -> i32 {
    let oem = &mut *instance.cast::<Oem>();
    oem.started = (oem.host.now)(oem.channel);
    match (oem.host.timer_open)(oem.channel, instance, echo_is_due, &mut oem.timer) {
        kcs::OK => kcs::INPUT_MESSAGES,
        error => error,
    }
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<Oem>()));
}

unsafe extern "C" fn message(instance: *mut c_void, token: u64, bytes: *const u8, count: u64, now: u64) -> i32 {
    let oem = &mut *instance.cast::<Oem>();
    let bytes = core::slice::from_raw_parts(bytes, count as usize);
    if bytes[0] >> 2 != oem.net_fn {
        return kcs::DECLINED; // the next handler on the channel is asked
    }
    oem.requests += 1;
    match bytes[1] {
        GET_UPTIME => {
            let seconds = ((now - oem.started) / 1_000_000_000) as u32;
            oem.answer(token, GET_UPTIME, 0, &seconds.to_le_bytes());
            kcs::HANDLED
        }
        ECHO_LATER => {
            oem.echo = Some((token, bytes[2..].to_vec()));
            (oem.host.timer_set)(oem.channel, oem.timer, now + oem.delay);
            kcs::PENDING
        }
        SUM_FILE => oem.sum(token),
        RING_ALARM => oem.ring(token),
        command => {
            oem.answer(token, command, 0xC1, &[]);
            kcs::HANDLED
        }
    }
}

unsafe extern "C" fn reset(instance: *mut c_void, _now: u64) {
    let oem = &mut *instance.cast::<Oem>();
    oem.echo = None;
    (oem.host.timer_set)(oem.channel, oem.timer, 0);
}

unsafe extern "C" fn stats(instance: *mut c_void, stats: *const kcs::Stats) {
    let oem = &*instance.cast::<Oem>();
    ((*stats).number)((*stats).ctx, b"requests\0".as_ptr(), oem.requests);
}

const fn option(key: &'static [u8], help: &'static [u8], default: *const u8, kind: u32) -> kcs::Opt {
    kcs::Opt {
        key: key.as_ptr(),
        help: help.as_ptr(),
        default_yaml: default,
        kind,
        flags: 0,
        minimum: 0,
        maximum: 0,
        choices: null(),
        children: null(),
        child_count: 0,
    }
}

static OPTIONS: [kcs::Opt; 4] = [
    kcs::Opt {
        flags: kcs::OPTION_BOUNDED,
        minimum: 0x2E,
        maximum: 0x3F,
        ..option(b"net_fn\0", b"the NetFn that is answered\0", b"0x30\0".as_ptr(), kcs::OPTION_INTEGER)
    },
    kcs::Opt {
        flags: kcs::OPTION_BOUNDED,
        minimum: 0,
        maximum: 3_000_000_000,
        ..option(b"delay\0", b"how long command 0x02 takes\0", b"100ms\0".as_ptr(), kcs::OPTION_DURATION)
    },
    option(b"file\0", b"what command 0x03 reads\0", null(), kcs::OPTION_PATH),
    option(
        b"alarm\0",
        b"what command 0x04 does\0",
        b"[{log: \"the alarm of the host CPU\"}]\0".as_ptr(),
        kcs::OPTION_ACTIONS,
    ),
];

const fn length(command: u8, longest: u16) -> kcs::RequestLength {
    kcs::RequestLength { net_fn: 0x30, command, shortest: 2, longest, reserved: 0 }
}

/// Lets kcsmuxd see where these requests end before the host CPU says so.
static REQUESTS: [kcs::RequestLength; 4] =
    [length(GET_UPTIME, 2), length(ECHO_LATER, 66), length(SUM_FILE, 2), length(RING_ALARM, 2)];

static PLUGIN: kcs::Plugin = kcs::Plugin {
    size: size_of::<kcs::Plugin>() as u32,
    abi: kcs::ABI,
    abi_needed: 0,
    inputs: kcs::takes(kcs::INPUT_MESSAGES),
    needs: kcs::CAP_MESSAGES,
    option_size: size_of::<kcs::Opt>() as u32,
    name: b"oem-rust\0".as_ptr(),
    version: b"0.1.0\0".as_ptr(),
    summary: b"four commands of one NetFn\0".as_ptr(),
    options: OPTIONS.as_ptr(),
    option_count: OPTIONS.len() as u64,
    requests: REQUESTS.as_ptr(),
    request_count: REQUESTS.len() as u64,
    check: Some(check),
    create,
    start,
    stop: None,
    destroy,
    data: None,
    input_ready: None,
    output_ready: None,
    message: Some(message),
    reset: Some(reset),
    stats: Some(stats),
};

/// The only symbol that kcsmuxd looks for.
#[no_mangle]
pub extern "C" fn kcs_plugin_entry() -> *const kcs::Plugin {
    &PLUGIN
}
