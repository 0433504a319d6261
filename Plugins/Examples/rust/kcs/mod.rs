// SPDX-License-Identifier: Apache-2.0
//! What a plugin of kcsmuxd in Rust is written with: kcs_plugin.h, without `unsafe` in the plugin.
//!
//! A plugin is a type that implements [`Handler`], and `kcs::plugin!(Type);` at the root of its crate. With cargo this is
//! the crate `kcs`. Without, copy the folder `kcs` and `kcs_plugin.rs` beside the plugin's own file, which says `mod kcs;`.
//!
//! A panic does not cross into kcsmuxd. In a plugin that is built to unwind, which is what cargo and rustc do unless told
//! otherwise, it ends as [`Host::fail`]: the instance is called no more, is destroyed, and the channel's restart policy
//! decides. It costs one channel rather than the daemon, with every channel that it serves. With `panic = "abort"` it ends
//! kcsmuxd; the library is smaller by the tables for unwinding.
#![allow(dead_code, unused_imports, unsafe_code, clippy::type_complexity)] // a plugin that has a copy of this uses a part of it

mod host;
mod later;
mod often;
mod options;
mod plugin;
mod post;
/// The header as it is.
#[path = "../kcs_plugin.rs"]
pub mod raw;

pub use host::{Host, Window};
pub use later::{ActionResult, Actions};
pub use often::{Timer, Watch};
pub use options::{Opt, Report, Value};
pub use plugin::{Described, Description, Handler, Plugin, StartInfo, Stats};
pub use post::Poster;

/// Exports a [`Handler`]'s plugin: `kcs::plugin!(Echo);`, once, at the root of the crate.
#[doc(hidden)]
#[macro_export]
macro_rules! kcs_export_plugin {
    ($handler:ty) => {
        impl kcs::Described for $handler {
            fn description() -> &'static kcs::Description {
                static DESCRIPTION: kcs::Description = kcs::Description::new();
                &DESCRIPTION
            }
        }

        /// The only symbol that kcsmuxd looks for.
        #[allow(unsafe_code)]
        #[no_mangle]
        pub extern "C" fn kcs_plugin_entry() -> *const kcs::raw::Plugin {
            <$handler as kcs::Described>::description().get::<$handler>().map_or(core::ptr::null(), |plugin| plugin)
        }
    };
}
pub use crate::kcs_export_plugin as plugin;

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An argument is out of range, or the call makes no sense now.
    Invalid,
    /// OBF is set, or the same thing is under way.
    Busy,
    /// There is no byte.
    Empty,
    /// This device, channel or kcsmuxd does not have it; or the instance is gone.
    Unavailable,
    /// The token is no longer owed an answer.
    Stale,
    /// A bounded resource is used up.
    Limit,
    /// The device or the system failed.
    InputOutput,
    /// What was asked for was done, and did not succeed.
    Failed,
    /// Called on another thread than the loop's.
    WrongThread,
    /// One that ABI 1.1 does not name.
    Other(i32),
}

impl Error {
    fn new(status: i32) -> Error {
        match status {
            raw::E_INVALID => Error::Invalid,
            raw::E_BUSY => Error::Busy,
            raw::E_EMPTY => Error::Empty,
            raw::E_UNAVAILABLE => Error::Unavailable,
            raw::E_STALE => Error::Stale,
            raw::E_LIMIT => Error::Limit,
            raw::E_IO => Error::InputOutput,
            raw::E_FAILED => Error::Failed,
            raw::E_THREAD => Error::WrongThread,
            other => Error::Other(other),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Error::Invalid => "out of range, or not now",
            Error::Busy => "busy",
            Error::Empty => "there is no byte",
            Error::Unavailable => "not available",
            Error::Stale => "no longer wanted",
            Error::Limit => "too many",
            Error::InputOutput => "the device failed",
            Error::Failed => "failed",
            Error::WrongThread => "called on the wrong thread",
            Error::Other(status) => return write!(formatter, "error {status}"),
        })
    }
}

impl std::error::Error for Error {}

/// So that `?` answers in [`Handler::new`] and [`Handler::start`].
impl From<Error> for String {
    fn from(error: Error) -> String {
        format!("a call of kcsmuxd was refused: {error}")
    }
}

/// A set of bits, and those of them that have names.
macro_rules! bits {
    ($(#[$about:meta])* $name:ident: $number:ty { $($(#[$what:meta])* $bit:ident = $value:expr,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(pub $number);

        impl $name {
            $($(#[$what])* pub const $bit: $name = $name($value);)*

            /// Are all of these set?
            pub const fn contains(self, others: $name) -> bool {
                self.0 & others.0 == others.0
            }
        }

        impl core::ops::BitOr for $name {
            type Output = $name;
            fn bitor(self, others: $name) -> $name {
                $name(self.0 | others.0)
            }
        }
    };
}

bits! {
    /// STR.
    Str: u8 {
        /// The host CPU has not read ODR.
        OBF = raw::STR_OBF,
        /// There is a byte in IDR.
        IBF = raw::STR_IBF,
        /// The host CPU is to come and ask.
        SMS_ATN = raw::STR_SMS_ATN,
        /// C/D: the last byte went to the command port.
        COMMAND = raw::STR_CD,
        OEM1 = raw::STR_OEM1,
        OEM2 = raw::STR_OEM2,
        STATE = raw::STR_STATE,
    }
}

bits! {
    /// What a channel's device gives.
    Capabilities: u32 {
        DATA_IN = raw::CAP_DATA_IN,
        DATA_OUT = raw::CAP_DATA_OUT,
        STR = raw::CAP_STR,
        MESSAGES = raw::CAP_MESSAGES,
        ATTENTION = raw::CAP_ATTENTION,
        EARLY_IBF = raw::CAP_EARLY_IBF,
        OBE_LAGS = raw::CAP_OBE_LAGS,
        WINDOW = raw::CAP_WINDOW,
    }
}

bits! {
    /// What a descriptor is watched for, and what happened to it.
    Events: u32 {
        READ = raw::WATCH_READ,
        WRITE = raw::WATCH_WRITE,
        /// Error or hang-up: always told.
        HANGUP = raw::WATCH_HANGUP,
    }
}

/// The kind of input that an instance wants from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// None: the device is left alone.
    None = 0,
    /// kcsmuxd reads IDR at once and calls `data`.
    Automatic = 1,
    /// kcsmuxd calls `input_ready`, and the handler reads IDR when it likes.
    Manual = 2,
    /// kcsmuxd runs KCS transfers and calls `message`.
    Messages = 3,
    /// `Messages`, of hosts that look for IDLE before they begin. In [`Plugin::takes`] it is the same as `Messages`.
    MessagesFromIdle = 0x103,
}

/// What a handler says to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Not mine: the next handler is asked.
    Declined = 0,
    /// Mine; the reply was given during the call, or there is none.
    Handled = 1,
    /// Mine; the reply comes later.
    Pending = 2,
}

/// What [`Host::want_output`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing: withdraws what was asked for before.
    No = 0,
    /// `output_ready`, once.
    Ask = 1,
    /// `output_ready`, once, and no `data` until then: bytes stay in IDR.
    Hold = 2,
}

/// Whom a line of the log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error = 0,
    Warning = 1,
    Notice = 2,
    Info = 3,
    Debug = 4,
}

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    None = 0,
    /// From the host CPU.
    In = 1,
    /// To the host CPU.
    Out = 2,
}

/// Whose debug capture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Channel = 0,
    All = 1,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Failed,
    TimedOut,
}

impl Outcome {
    fn new(number: u32) -> Outcome {
        match number {
            raw::OUTCOME_OK => Outcome::Ok,
            raw::OUTCOME_TIMED_OUT => Outcome::TimedOut,
            _ => Outcome::Failed, // as the header says of those that have no name yet
        }
    }
}

/// Why an instance starts or stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Boot,
    Reload,
    Restart,
    Crash,
    Stop,
}

impl Reason {
    fn new(number: u32) -> Reason {
        match number {
            raw::REASON_BOOT => Reason::Boot,
            raw::REASON_RELOAD => Reason::Reload,
            raw::REASON_CRASH => Reason::Crash,
            raw::REASON_STOP => Reason::Stop,
            _ => Reason::Restart, // as the header says of those that have no name yet
        }
    }
}

/// A request that is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(u64);
