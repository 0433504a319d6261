// SPDX-License-Identifier: Apache-2.0
//
// The smallest useful handler of bytes: answers each data byte of the host CPU through ODR, exclusive-ored with an option.
//
//     rustc --edition 2021 -O -C panic=abort --crate-type cdylib --crate-name kcs_echo_rust echo.rs -o libkcs-echo-rust.so

mod kcs_plugin;

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr::null;
use kcs_plugin as kcs;

/// Everything about one channel: one library serves any number of them.
struct Echo {
    host: &'static kcs::Host,
    channel: *mut kcs::Channel,
    mask: u8,
    /// The answer that waits for ODR.
    waiting: u8,
    echoed: u64,
    commands: u64,
}

impl Echo {
    fn answer(&mut self, value: u8) {
        // Safety: the table and the channel are kcsmuxd's, and live as long as this instance.
        unsafe {
            match (self.host.write_odr)(self.channel, value) {
                kcs::OK => self.echoed += 1,
                kcs::E_BUSY => {
                    // The host CPU has not read the answer before. Until it does, further bytes stay in IDR.
                    self.waiting = value;
                    (self.host.want_output)(self.channel, kcs::OUTPUT_HOLD);
                }
                _ => (self.host.fail)(self.channel, b"ODR could not be written\0".as_ptr()),
            }
        }
    }
}

unsafe extern "C" fn create(
    host: *const kcs::Host,
    channel: *mut kcs::Channel,
    options: *const kcs::Value,
    instance: *mut *mut c_void,
) -> i32 {
    // kcsmuxd has checked the options against the table below: they are all there, and within range.
    let mask = (*options).member(&OPTIONS, "xor").number(kcs::OPTION_BYTE) as u8;
    let echo = Echo { host: &*host, channel, mask, waiting: 0, echoed: 0, commands: 0 };
    *instance = Box::into_raw(Box::new(echo)).cast();
    kcs::OK
}

unsafe extern "C" fn start(_instance: *mut c_void, _info: *const kcs::Start) -> i32 {
    kcs::INPUT_AUTO
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<Echo>()));
}

unsafe extern "C" fn data(instance: *mut c_void, value: u8, str: u8, _now: u64) {
    let echo = &mut *instance.cast::<Echo>();
    if str & kcs::STR_CD != 0 {
        echo.commands += 1;
    } else {
        echo.answer(value ^ echo.mask);
    }
}

unsafe extern "C" fn output_ready(instance: *mut c_void, _str: u8, _now: u64) {
    let echo = &mut *instance.cast::<Echo>();
    echo.answer(echo.waiting);
}

unsafe extern "C" fn stats(instance: *mut c_void, stats: *const kcs::Stats) {
    let echo = &*instance.cast::<Echo>();
    let stats = &*stats;
    (stats.number)(stats.ctx, b"echoed\0".as_ptr(), echo.echoed);
    (stats.number)(stats.ctx, b"commands_ignored\0".as_ptr(), echo.commands);
}

static OPTIONS: [kcs::Opt; 1] = [kcs::Opt {
    key: b"xor\0".as_ptr(),
    help: b"what each byte is exclusive-ored with\0".as_ptr(),
    default_yaml: b"0\0".as_ptr(),
    kind: kcs::OPTION_BYTE,
    flags: 0,
    minimum: 0,
    maximum: 0,
    choices: null(),
    children: null(),
    child_count: 0,
}];

static PLUGIN: kcs::Plugin = kcs::Plugin {
    size: size_of::<kcs::Plugin>() as u32,
    abi: kcs::ABI,
    abi_needed: 0,
    inputs: kcs::takes(kcs::INPUT_AUTO),
    needs: kcs::CAP_DATA_IN | kcs::CAP_DATA_OUT,
    option_size: size_of::<kcs::Opt>() as u32,
    name: b"echo-rust\0".as_ptr(),
    version: b"0.1.0\0".as_ptr(),
    summary: b"answers each data byte through ODR, exclusive-ored\0".as_ptr(),
    options: OPTIONS.as_ptr(),
    option_count: OPTIONS.len() as u64,
    requests: null(),
    request_count: 0,
    check: None,
    create,
    start,
    stop: None,
    destroy,
    data: Some(data),
    input_ready: None,
    output_ready: Some(output_ready),
    message: None,
    reset: None,
    stats: Some(stats),
};

/// The only symbol that kcsmuxd looks for.
#[no_mangle]
pub extern "C" fn kcs_plugin_entry() -> *const kcs::Plugin {
    &PLUGIN
}
