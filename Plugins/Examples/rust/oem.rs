// SPDX-License-Identifier: Apache-2.0
//
// A handler of messages, in one file: four commands of one NetFn, each answered in another way.
//
//     rustc --edition 2021 -O --crate-type cdylib --crate-name kcs_oem_rust oem.rs -o libkcs-oem-rust.so
//     cargo build --release --examples       in a checkout: target/release/examples/liboem.so
//
//     command  data   answer, behind NetFn/LUN and command
//     0x01     -      completion code, seconds since the start in four bytes, least significant first: at once
//     0x02     any    completion code and the same data, after the option `delay`: a timer
//     0x03     -      completion code, the sum of the file's bytes in two bytes: the worker thread reads the file
//     0x04     -      completion code, how many actions failed: kcsmuxd runs the option `alarm`
#![deny(unsafe_code)]

mod kcs;

// Not the crate of that name, which cargo builds beside the examples: `use kcs::…` in a crate of your own.
use self::kcs::{
    Actions, Capabilities, Direction, Disposition, Handler, Host, Input, Opt, Outcome, Plugin, Report, StartInfo,
    Stats, Timer, Token, Value,
};
use std::path::PathBuf;
use std::time::Duration;

const GET_UPTIME: u8 = 0x01;
const ECHO_LATER: u8 = 0x02;
const SUM_FILE: u8 = 0x03;
const RING_ALARM: u8 = 0x04;

const COMPLETED: u8 = 0x00;
const NODE_BUSY: u8 = 0xC0;
const INVALID_COMMAND: u8 = 0xC1;
const UNSPECIFIED: u8 = 0xFF;

/// Everything about one channel: one library serves any number of them.
struct Oem {
    host: Host<Oem>,
    net_fn: u8,
    delay: Duration,
    file: Option<PathBuf>,
    alarm: Actions,
    started: u64,
    requests: u64,
    timer: Option<Timer>,
    /// What the timer answers.
    echo: Option<(Token, Vec<u8>)>,
    is_summing: bool,
}

kcs::plugin!(Oem);

impl Handler for Oem {
    fn plugin() -> Plugin {
        Plugin::new("oem-rust", "0.1.0", "four commands of one NetFn")
            .takes(Input::Messages)
            .needs(Capabilities::MESSAGES)
            .option(Opt::integer("net_fn").range(0x2E..=0x3F).default("0x30").help("the NetFn that is answered"))
            .option(
                Opt::duration("delay").range(0..=3_000_000_000).default("100ms").help("how long command 0x02 takes"),
            )
            .option(Opt::path("file").help("what command 0x03 reads"))
            .option(
                Opt::actions("alarm").default("[{log: \"the alarm of the host CPU\"}]").help("what command 0x04 does"),
            )
            // Lets kcsmuxd see where these requests end before the host CPU says so.
            .request(0x30, GET_UPTIME, 2..=2)
            .request(0x30, ECHO_LATER, 2..=66)
            .request(0x30, SUM_FILE, 2..=2)
            .request(0x30, RING_ALARM, 2..=2)
    }

    /// Says what the declaration cannot. kcsmuxd adds file, line and column.
    fn check(options: Value<'_>, report: &Report<'_>) {
        let net_fn = options.get("net_fn");
        if net_fn.integer() % 2 != 0 {
            report.error(net_fn, "net_fn must be even: the odd ones are for answers");
        }
    }

    fn new(host: Host<Oem>, options: Value<'_>) -> Result<Oem, String> {
        // Every declared option is there, checked, under its name.
        Ok(Oem {
            host,
            net_fn: options.get("net_fn").integer() as u8,
            delay: options.get("delay").duration(),
            file: options.get("file").if_present().map(|file| file.path().to_path_buf()),
            alarm: options.get("alarm").actions(),
            started: 0,
            requests: 0,
            timer: None,
            echo: None,
            is_summing: false,
        })
    }

    fn start(&mut self, _info: &StartInfo) -> Result<Input, String> {
        self.started = self.host.now();
        self.timer = Some(self.host.timer(|oem, _now| oem.answer_echo())?);
        Ok(Input::Messages)
    }

    fn message(&mut self, token: Token, bytes: &[u8], now: u64) -> Disposition {
        if bytes[0] >> 2 != self.net_fn {
            return Disposition::Declined; // the next handler on the channel is asked
        }
        self.requests += 1;
        match bytes[1] {
            GET_UPTIME => {
                let seconds = ((now - self.started) / 1_000_000_000) as u32;
                self.answer(token, GET_UPTIME, COMPLETED, &seconds.to_le_bytes())
            }
            ECHO_LATER => {
                self.echo = Some((token, bytes[2..].to_vec()));
                if let Some(timer) = &self.timer {
                    timer.set_after(self.delay);
                }
                Disposition::Pending
            }
            SUM_FILE => self.sum(token),
            RING_ALARM => self.ring(token),
            command => self.answer(token, command, INVALID_COMMAND, &[]),
        }
    }

    fn reset(&mut self, _now: u64) {
        self.echo = None;
        if let Some(timer) = &self.timer {
            timer.cancel();
        }
    }

    fn stats(&self, stats: &Stats<'_>) {
        stats.number("requests", self.requests);
    }
}

impl Oem {
    /// NetFn of the answer, command, completion code, data.
    fn answer(&self, token: Token, command: u8, code: u8, data: &[u8]) -> Disposition {
        let mut bytes = vec![(self.net_fn | 1) << 2, command, code];
        bytes.extend_from_slice(data);
        let _ = self.host.reply(token, &bytes); // `Stale` is nobody's mistake: the host CPU gave up meanwhile
        Disposition::Handled
    }

    fn answer_echo(&mut self) {
        if let Some((token, data)) = self.echo.take() {
            self.answer(token, ECHO_LATER, COMPLETED, &data);
        }
    }

    fn sum(&mut self, token: Token) -> Disposition {
        let file = match &self.file {
            None => return self.answer(token, SUM_FILE, UNSPECIFIED, &[]),
            Some(_) if self.is_summing => return self.answer(token, SUM_FILE, NODE_BUSY, &[]),
            Some(file) => file.clone(),
        };
        // The first on the worker's thread, where files may block; the second on the loop's.
        let read = move || {
            std::fs::read(file)
                .ok()
                .map(|bytes| bytes.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte))))
        };
        let begun = self.host.work(read, move |oem, sum| {
            oem.is_summing = false;
            match sum {
                Some(sum) => oem.answer(token, SUM_FILE, COMPLETED, &sum.to_le_bytes()),
                None => oem.answer(token, SUM_FILE, UNSPECIFIED, &[]),
            };
        });
        if begun.is_err() {
            return self.answer(token, SUM_FILE, NODE_BUSY, &[]);
        }
        self.is_summing = true;
        Disposition::Pending
    }

    fn ring(&mut self, token: Token) -> Disposition {
        let _ = self.host.annotate(Direction::In, "the alarm is rung"); // only the capture would miss it
        let begun = self.host.run_actions(&self.alarm, "the host CPU rings", move |oem, results| {
            let failed = results.iter().filter(|result| result.outcome != Outcome::Ok).count();
            oem.answer(token, RING_ALARM, COMPLETED, &[failed as u8]);
        });
        match begun {
            Ok(()) => Disposition::Pending,
            Err(_) => self.answer(token, RING_ALARM, NODE_BUSY, &[]),
        }
    }
}
