// SPDX-License-Identifier: Apache-2.0
//
// The smallest useful handler of bytes: answers each data byte of the host CPU through ODR, exclusive-ored with an option.
//
//     rustc --edition 2021 -O --crate-type cdylib --crate-name kcs_echo_rust echo.rs -o libkcs-echo-rust.so
//     cargo build --release --examples       in a checkout: target/release/examples/libecho.so
#![deny(unsafe_code)]

mod kcs;

// Not the crate of that name, which cargo builds beside the examples: `use kcs::…` in a crate of your own.
use self::kcs::{Capabilities, Error, Handler, Host, Input, Opt, Output, Plugin, StartInfo, Stats, Str, Value};

/// Everything about one channel: one library serves any number of them.
struct Echo {
    host: Host<Echo>,
    mask: u8,
    /// The answer that waits for ODR.
    waiting: u8,
    echoed: u64,
    commands: u64,
}

kcs::plugin!(Echo);

impl Handler for Echo {
    fn plugin() -> Plugin {
        Plugin::new("echo-rust", "0.1.0", "answers each data byte through ODR, exclusive-ored")
            .takes(Input::Automatic)
            .needs(Capabilities::DATA_IN | Capabilities::DATA_OUT)
            .option(Opt::byte("xor").default("0").help("what each byte is exclusive-ored with"))
    }

    fn new(host: Host<Echo>, options: Value<'_>) -> Result<Echo, String> {
        // kcsmuxd has checked the options against those above: they are all there, and within range.
        Ok(Echo { host, mask: options.get("xor").byte(), waiting: 0, echoed: 0, commands: 0 })
    }

    fn start(&mut self, _info: &StartInfo) -> Result<Input, String> {
        Ok(Input::Automatic)
    }

    fn data(&mut self, value: u8, str: Str, _now: u64) {
        if str.contains(Str::COMMAND) {
            self.commands += 1;
        } else {
            self.answer(value ^ self.mask);
        }
    }

    fn output_ready(&mut self, _str: Str, _now: u64) {
        self.answer(self.waiting);
    }

    fn stats(&self, stats: &Stats<'_>) {
        stats.number("echoed", self.echoed);
        stats.number("commands_ignored", self.commands);
    }
}

impl Echo {
    fn answer(&mut self, value: u8) {
        match self.host.write_odr(value) {
            Ok(()) => self.echoed += 1,
            Err(Error::Busy) => {
                // The host CPU has not read the answer before. Until it does, further bytes stay in IDR: one is all to keep.
                self.waiting = value;
                if let Err(error) = self.host.want_output(Output::Hold) {
                    self.host.fail(error);
                }
            }
            Err(error) => self.host.fail(format_args!("ODR could not be written: {error}")),
        }
    }
}
