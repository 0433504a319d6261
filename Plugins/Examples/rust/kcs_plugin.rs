// SPDX-License-Identifier: Apache-2.0
//
// kcs_plugin.h of ABI 1.1 in Rust, written by hand: what each member means stands there. `Option` around a function is a
// pointer that may be null, as the header says. Text is NUL-terminated UTF-8: `b"…\0".as_ptr()`. The module in `kcs` makes
// something safe of it; a plugin that does without includes this file with `mod kcs_plugin;`.
#![allow(dead_code)]

use core::ffi::c_void;

pub const ABI_MAJOR: u32 = 1;
pub const ABI_MINOR: u32 = 1;
pub const ABI: u32 = ABI_MAJOR << 16 | ABI_MINOR;

pub const OK: i32 = 0;
pub const E_INVALID: i32 = -1;
pub const E_BUSY: i32 = -2;
pub const E_EMPTY: i32 = -3;
pub const E_UNAVAILABLE: i32 = -4;
pub const E_STALE: i32 = -5;
pub const E_LIMIT: i32 = -6;
pub const E_IO: i32 = -7;
pub const E_FAILED: i32 = -8;
pub const E_THREAD: i32 = -9;

pub const CAP_DATA_IN: u32 = 0x01;
pub const CAP_DATA_OUT: u32 = 0x02;
pub const CAP_STR: u32 = 0x04;
pub const CAP_MESSAGES: u32 = 0x08;
pub const CAP_ATTENTION: u32 = 0x10;
pub const CAP_EARLY_IBF: u32 = 0x20;
pub const CAP_OBE_LAGS: u32 = 0x40;
pub const CAP_WINDOW: u32 = 0x80;

pub const STR_OBF: u8 = 0x01;
pub const STR_IBF: u8 = 0x02;
pub const STR_SMS_ATN: u8 = 0x04;
pub const STR_CD: u8 = 0x08;
pub const STR_OEM1: u8 = 0x10;
pub const STR_OEM2: u8 = 0x20;
pub const STR_STATE: u8 = 0xC0;

pub const OPTION_ABSENT: u32 = 0;
pub const OPTION_OBJECT: u32 = 1;
pub const OPTION_LIST: u32 = 2;
pub const OPTION_MAP: u32 = 3;
pub const OPTION_ONE_OF: u32 = 4;
pub const OPTION_ENUMERATION: u32 = 5;
pub const OPTION_BOOL: u32 = 6;
pub const OPTION_INTEGER: u32 = 7;
pub const OPTION_DURATION: u32 = 8;
pub const OPTION_SIZE: u32 = 9;
pub const OPTION_STRING: u32 = 10;
pub const OPTION_PATH: u32 = 11;
pub const OPTION_BYTE: u32 = 12;
pub const OPTION_BYTES: u32 = 13;
pub const OPTION_ACTIONS: u32 = 14;
pub const OPTION_REQUIRED: u32 = 0x1;
pub const OPTION_BOUNDED: u32 = 0x2;
pub const VALUE_GIVEN: u32 = 0x1;

pub const REASON_BOOT: u32 = 0;
pub const REASON_RELOAD: u32 = 1;
pub const REASON_RESTART: u32 = 2;
pub const REASON_CRASH: u32 = 3;
pub const REASON_STOP: u32 = 4;

pub const INPUT_NONE: i32 = 0;
pub const INPUT_AUTO: i32 = 1;
pub const INPUT_MANUAL: i32 = 2;
pub const INPUT_MESSAGES: i32 = 3;
pub const INPUT_IDLE_FIRST: i32 = 0x100;
pub const OUTPUT_NO: u32 = 0;
pub const OUTPUT_ASK: u32 = 1;
pub const OUTPUT_HOLD: u32 = 2;

pub const fn takes(input: i32) -> u32 {
    1 << input
}

pub const DECLINED: i32 = 0;
pub const HANDLED: i32 = 1;
pub const PENDING: i32 = 2;

pub const LOG_ERROR: u32 = 0;
pub const LOG_WARNING: u32 = 1;
pub const LOG_NOTICE: u32 = 2;
pub const LOG_INFO: u32 = 3;
pub const LOG_DEBUG: u32 = 4;
pub const WATCH_READ: u32 = 0x1;
pub const WATCH_WRITE: u32 = 0x2;
pub const WATCH_HANGUP: u32 = 0x4;
pub const ANNOTATE_EVENT: u32 = 0;
pub const ANNOTATE_PACKET: u32 = 1;
pub const DIRECTION_NONE: u32 = 0;
pub const DIRECTION_IN: u32 = 1;
pub const DIRECTION_OUT: u32 = 2;
pub const DUMP_CHANNEL: u32 = 0;
pub const DUMP_ALL: u32 = 1;
pub const OUTCOME_OK: u32 = 0;
pub const OUTCOME_FAILED: u32 = 1;
pub const OUTCOME_TIMED_OUT: u32 = 2;

#[repr(C)]
pub struct Opt {
    pub key: *const u8,
    pub help: *const u8,
    pub default_yaml: *const u8,
    pub kind: u32,
    pub flags: u32,
    pub minimum: i64,
    pub maximum: i64,
    pub choices: *const *const u8,
    pub children: *const Opt,
    pub child_count: u64,
}

#[repr(C)]
pub struct Value {
    pub size: u32,
    pub kind: u32,
    pub flags: u32,
    pub line: u32,
    pub column: u32,
    pub choice: u32,
    pub integer: i64,
    pub text: *const u8,
    pub length: u64,
    pub items: *const *const Value,
    pub item_count: u64,
}

impl Value {
    /// A member of an object, an element of a list, or a map's key or value in turn.
    ///
    /// # Safety
    /// `index` is below `item_count`.
    pub unsafe fn item(&self, index: usize) -> &Value {
        &**self.items.add(index)
    }

    /// The member of an object that `declared`, what the object was declared with, names `key` (without NUL).
    ///
    /// # Panics
    /// If none has that name, which is the plugin's mistake and ends the process at its first `create`.
    ///
    /// # Safety
    /// The object is one that the host made from `declared`.
    pub unsafe fn member(&self, declared: &[Opt], key: &str) -> &Value {
        assert_eq!(self.item_count, declared.len() as u64, "this object was declared in another way");
        match declared.iter().position(|option| option.is_named(key)) {
            Some(index) => self.item(index),
            None => panic!("no option is declared as {key:?}"),
        }
    }

    /// The number of a value that was declared as `kind`.
    ///
    /// # Panics
    /// If it was declared as something else.
    pub fn number(&self, kind: u32) -> i64 {
        assert_eq!(self.kind, kind, "an option was declared with another type");
        self.integer
    }
}

impl Opt {
    /// # Safety
    /// `key` is null or NUL-terminated.
    unsafe fn is_named(&self, key: &str) -> bool {
        !self.key.is_null() && std::ffi::CStr::from_ptr(self.key.cast()).to_bytes() == key.as_bytes()
    }
}

#[repr(C)]
pub struct Report {
    pub size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub error: unsafe extern "C" fn(ctx: *mut c_void, value: *const Value, text: *const u8),
}

#[repr(C)]
pub struct Start {
    pub size: u32,
    pub capabilities: u32,
    pub reason: u32,
    pub stale_bytes: u32,
    pub channel: *const u8,
    pub state_folder: *const u8,
}

#[repr(C)]
pub struct RequestLength {
    pub net_fn: u8,
    pub command: u8,
    pub shortest: u16,
    pub longest: u16,
    pub reserved: u16,
}

/// Since 1.1, for `reserved`: the request is as long as its byte `at` and `added` together.
pub const fn counted(at: u8, added: u8) -> u16 {
    (added as u16) << 8 | at as u16
}

/// Since 1.1.
#[repr(C)]
pub struct Command {
    pub net_fn: u8,
    pub command: u8,
    pub body: u8,
    pub code_count: u8,
    pub codes: [u8; 12],
    pub name: *const u8,
}

#[repr(C)]
pub struct ActionResult {
    pub size: u32,
    pub outcome: u32,
    pub action: *const u8,
    pub detail: *const u8,
}

#[repr(C)]
pub struct Window {
    pub size: u32,
    pub reserved: u32,
    pub base: *mut c_void,
    pub length: u64,
}

#[repr(C)]
pub struct Stats {
    pub size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub number: unsafe extern "C" fn(ctx: *mut c_void, name: *const u8, value: u64),
    pub text: unsafe extern "C" fn(ctx: *mut c_void, name: *const u8, value: *const u8),
    pub figure: unsafe extern "C" fn(ctx: *mut c_void, name: *const u8, kind: u32, unit: *const u8, value: u64),
}

#[repr(C)]
pub struct Channel {
    private: [u8; 0],
}

pub type Plain = unsafe extern "C" fn(ctx: *mut c_void);

#[repr(C)]
pub struct Host {
    pub size: u32,
    pub abi: u32,
    pub version: *const u8,
    pub read_idr: unsafe extern "C" fn(*mut Channel, value: *mut u8, str: *mut u8) -> i32,
    pub read_str: unsafe extern "C" fn(*mut Channel) -> i32,
    pub write_odr: unsafe extern "C" fn(*mut Channel, value: u8) -> i32,
    pub write_str: unsafe extern "C" fn(*mut Channel, mask: u8, value: u8) -> i32,
    pub write_both: unsafe extern "C" fn(*mut Channel, odr: u8, mask: u8, value: u8) -> i32,
    pub replace: unsafe extern "C" fn(*mut Channel, odr: u8, mask: u8, value: u8) -> i32,
    pub want_output: unsafe extern "C" fn(*mut Channel, wish: u32) -> i32,
    pub reply: unsafe extern "C" fn(*mut Channel, token: u64, bytes: *const u8, count: u64) -> i32,
    pub set_attention: unsafe extern "C" fn(*mut Channel, on: u32) -> i32,
    pub now: unsafe extern "C" fn(*mut Channel) -> u64,
    pub timer_open: unsafe extern "C" fn(
        *mut Channel,
        ctx: *mut c_void,
        fire: unsafe extern "C" fn(ctx: *mut c_void, now: u64),
        timer: *mut u32,
    ) -> i32,
    pub timer_set: unsafe extern "C" fn(*mut Channel, timer: u32, deadline: u64) -> i32,
    pub timer_close: unsafe extern "C" fn(*mut Channel, timer: u32) -> i32,
    pub watch_open: unsafe extern "C" fn(
        *mut Channel,
        descriptor: i32,
        events: u32,
        ctx: *mut c_void,
        ready: unsafe extern "C" fn(ctx: *mut c_void, events: u32, now: u64),
        watch: *mut u32,
    ) -> i32,
    pub watch_set: unsafe extern "C" fn(*mut Channel, watch: u32, events: u32) -> i32,
    pub watch_close: unsafe extern "C" fn(*mut Channel, watch: u32) -> i32,
    pub socket: unsafe extern "C" fn(*mut Channel, name: *const u8, descriptor: *mut i32) -> i32,
    pub map_window: unsafe extern "C" fn(*mut Channel, window: *mut Window) -> i32,
    pub run: unsafe extern "C" fn(
        *mut Channel,
        argv: *const *const u8,
        timeout: u64,
        ctx: *mut c_void,
        done: Option<unsafe extern "C" fn(ctx: *mut c_void, outcome: u32, code: i32)>,
    ) -> i32,
    pub work: unsafe extern "C" fn(*mut Channel, ctx: *mut c_void, function: Plain, done: Option<Plain>) -> i32,
    pub post: unsafe extern "C" fn(*mut Channel, ctx: *mut c_void, function: Plain) -> i32,
    pub actions_run: unsafe extern "C" fn(
        *mut Channel,
        actions: *const Value,
        cause: *const u8,
        ctx: *mut c_void,
        done: Option<unsafe extern "C" fn(ctx: *mut c_void, results: *const *const ActionResult, count: u64)>,
    ) -> i32,
    pub annotate: unsafe extern "C" fn(
        *mut Channel,
        kind: u32,
        direction: u32,
        link_type: u32,
        bytes: *const u8,
        count: u64,
        text: *const u8,
    ) -> i32,
    pub dump: unsafe extern "C" fn(
        *mut Channel,
        scope: u32,
        ctx: *mut c_void,
        done: Option<unsafe extern "C" fn(ctx: *mut c_void, outcome: u32)>,
    ) -> i32,
    pub log: unsafe extern "C" fn(*mut Channel, level: u32, text: *const u8),
    pub fail: unsafe extern "C" fn(*mut Channel, text: *const u8),
}

#[repr(C)]
pub struct Plugin {
    pub size: u32,
    pub abi: u32,
    pub abi_needed: u32,
    pub inputs: u32,
    pub needs: u32,
    pub option_size: u32,
    pub name: *const u8,
    pub version: *const u8,
    pub summary: *const u8,
    pub options: *const Opt,
    pub option_count: u64,
    pub requests: *const RequestLength,
    pub request_count: u64,
    pub check: Option<unsafe extern "C" fn(options: *const Value, report: *const Report)>,
    pub create: unsafe extern "C" fn(
        host: *const Host,
        channel: *mut Channel,
        options: *const Value,
        instance: *mut *mut c_void,
    ) -> i32,
    pub start: unsafe extern "C" fn(instance: *mut c_void, info: *const Start) -> i32,
    pub stop: Option<unsafe extern "C" fn(instance: *mut c_void, reason: u32)>,
    pub destroy: unsafe extern "C" fn(instance: *mut c_void),
    pub data: Option<unsafe extern "C" fn(instance: *mut c_void, value: u8, str: u8, now: u64)>,
    pub input_ready: Option<unsafe extern "C" fn(instance: *mut c_void, str: u8, now: u64)>,
    pub output_ready: Option<unsafe extern "C" fn(instance: *mut c_void, str: u8, now: u64)>,
    pub message:
        Option<unsafe extern "C" fn(instance: *mut c_void, token: u64, bytes: *const u8, count: u64, now: u64) -> i32>,
    pub reset: Option<unsafe extern "C" fn(instance: *mut c_void, now: u64)>,
    pub stats: Option<unsafe extern "C" fn(instance: *mut c_void, stats: *const Stats)>,
    pub commands: *const Command,
    pub command_count: u64,
}

// Constants of a plugin: nobody writes them, and their pointers are to constants.
unsafe impl Sync for Plugin {}
unsafe impl Sync for Opt {}

/// A structure's size on machines with pointers of 64 and 32 bits (of which those count that align 64-bit integers).
const fn is(size: usize, wide: usize, narrow: usize) {
    assert!(size == if cfg!(target_pointer_width = "64") { wide } else { narrow });
}

const _: () = {
    is(core::mem::size_of::<Plugin>(), 184, 120);
    is(core::mem::size_of::<Command>(), 24, 20);
    is(core::mem::size_of::<Host>(), 224, 116);
    is(core::mem::size_of::<Opt>(), 72, 56);
    is(core::mem::size_of::<Value>(), 64, 64);
    is(core::mem::size_of::<Report>(), 24, 16);
    is(core::mem::size_of::<Start>(), 32, 24);
    is(core::mem::size_of::<RequestLength>(), 8, 8);
    is(core::mem::size_of::<ActionResult>(), 24, 16);
    is(core::mem::size_of::<Window>(), 24, 24);
    is(core::mem::size_of::<Stats>(), 40, 24);
};
