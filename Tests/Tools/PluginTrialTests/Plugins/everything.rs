// SPDX-License-Identifier: Apache-2.0
//
// A plugin that uses all of the module `kcs`: each byte of the host CPU is another call.
#![deny(unsafe_code)]

mod kcs;

use kcs::*;
use std::cell::RefCell;
use std::time::Duration;

// What safe code can do, and should not: a host that outlives its instance.
thread_local!(static KEPT: RefCell<Option<Host<Everything>>> = RefCell::new(None));

struct Everything {
    host: Host<Everything>,
    pipe: Option<(std::os::unix::net::UnixStream, std::os::unix::net::UnixStream)>,
    timer: Option<Timer>,
    watch: Option<Watch>,
    ticks: u64,
}

kcs::plugin!(Everything);

impl Handler for Everything {
    fn plugin() -> Plugin {
        let limits = vec![Opt::integer("burst").range(1..=9).default("3"), Opt::size("room").default("1KiB")];
        Plugin::new("everything", "1", "uses all that there is")
            .takes(Input::Automatic)
            .option(Opt::enumeration("mode", &["fast", "slow"]).default("slow"))
            .option(Opt::object("limits", limits))
            .option(Opt::list("names", Opt::string("")).default("[a, b]"))
            .option(Opt::map("codes", Opt::string(""), Opt::byte("")).default("{x: 1}"))
            .option(Opt::one_of("either", vec![Opt::integer(""), Opt::string("")]).default("word"))
            .option(Opt::bytes("magic").default("[1, 2]"))
            .option(Opt::bool("on").default("true"))
            .option(Opt::path("file"))
    }

    fn check(options: Value<'_>, report: &Report<'_>) {
        if options.get("mode").choice() == "fast" {
            report.error(options.get("mode"), format_args!("not {}", options.get("mode").choice()));
        }
    }

    fn new(host: Host<Everything>, options: Value<'_>) -> Result<Everything, String> {
        let kept = KEPT.with(|kept| kept.borrow_mut().replace(host.clone()));
        if let Some(kept) = kept {
            host.log(Level::Notice, format_args!("the one before: {:?}", kept.write_odr(1)));
        }
        let limits = options.get("limits");
        let names: Vec<&str> = options.get("names").elements().iter().map(|name| name.string()).collect();
        let codes: Vec<_> = options.get("codes").pairs().iter().map(|(key, code)| (key.string(), code.byte())).collect();
        host.log(
            Level::Info,
            format_args!(
                "{} {} {} {names:?} {codes:?} {} {:?} {} {}",
                options.get("mode").choice(), limits.get("burst").integer(), limits.get("room").size(),
                options.get("either").string(), options.get("magic").bytes(), options.get("on").bool(),
                options.get("file").if_present().is_some()
            ),
        );
        if options.get("on").is_given() {
            host.log(Level::Info, options.get("onn").bool());
        }
        Ok(Everything { host, pipe: None, timer: None, watch: None, ticks: 0 })
    }

    fn start(&mut self, info: &StartInfo) -> Result<Input, String> {
        if info.reason == Reason::Crash {
            return Err("it crashed before".into());
        }
        Ok(Input::Automatic)
    }

    fn data(&mut self, value: u8, _str: Str, now: u64) {
        let host = &self.host;
        let done = match value {
            1 => host.run(&["/bin/true", "x"], Duration::from_secs(1), |all, ended| all.host.log(Level::Info, format_args!("{ended:?}"))),
            2 => host.dump(Scope::All, |all, outcome| all.host.log(Level::Info, format_args!("{outcome:?}"))),
            3 => {
                let poster = host.poster();
                host.work(
                    move || std::thread::spawn(move || poster.post(|all: &mut Everything| all.host.log(Level::Info, "posted"))).join().unwrap(),
                    |all, answer| all.host.log(Level::Info, format_args!("done: {answer:?}")),
                )
            }
            4 => host
                .timer(|all, _now| {
                    all.ticks += 1;
                    all.timer = None; // a timer may let go of itself
                })
                .map(|timer| {
                    timer.set(now + 5);
                    self.timer = Some(timer);
                }),
            5 => {
                let pipe = std::os::unix::net::UnixStream::pair().unwrap();
                std::io::Write::write_all(&mut &pipe.0, b"x").unwrap();
                let watch = host.watch(&pipe.1, Events::READ, |all, (events, _now)| {
                    all.host.log(Level::Info, format_args!("{events:?}"));
                    all.watch = None;
                });
                self.pipe = Some(pipe);
                watch.map(|watch| self.watch = Some(watch))
            }
            6 => host.write_both(6, Str::OEM1 | Str::OEM2, Str::OEM1),
            7 => host.work(|| panic!("on the worker's thread"), |_all, _answer: ()| {}),
            8 => host.annotate_packet(276, Direction::Out, &[1, 2]),
            _ => panic!("value {value}"),
        };
        if let Err(error) = done {
            self.host.log(Level::Warning, format_args!("cut\0here: {error}"));
        }
    }

    fn stats(&self, stats: &Stats<'_>) {
        stats.number("ticks", self.ticks);
        stats.text("words", "are here");
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        self.host.log(Level::Info, "dropped");
    }
}
