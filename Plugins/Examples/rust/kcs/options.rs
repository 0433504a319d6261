// SPDX-License-Identifier: Apache-2.0
//
// Options: how they are declared, and how they are read.
//
// Unsafe: a view of kcsmuxd's immutable values; kcs_plugin.h says that they live as long as the instance, and they are lent for
// the call of `new` or `check` alone. What was declared lives as long as the process.
use super::host::{with_text, Life};
use super::later::Actions;
use super::raw;
use std::ffi::{CStr, CString, OsStr};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null;
use std::rc::Rc;
use std::time::Duration;

/// One option, as it is declared: `Opt::byte("xor").default("0").help("what each byte is exclusive-ored with")`. What is an
/// element, a map's key or an alternative is declared with the name "".
#[derive(Clone, Debug)]
pub struct Opt {
    key: &'static str,
    help: &'static str,
    default: Option<&'static str>,
    kind: u32,
    flags: u32,
    bounds: (i64, i64),
    choices: &'static [&'static str],
    children: Vec<Opt>,
}

macro_rules! kinds {
    ($($(#[$about:meta])* $name:ident = $kind:expr,)*) => {
        $($(#[$about])*
        pub fn $name(key: &'static str) -> Opt {
            Opt::new(key, $kind)
        })*
    };
}

impl Opt {
    fn new(key: &'static str, kind: u32) -> Opt {
        Opt { key, help: "", default: None, kind, flags: 0, bounds: (0, 0), choices: &[], children: Vec::new() }
    }

    fn with(self, children: Vec<Opt>) -> Opt {
        Opt { children, ..self }
    }

    kinds! {
        /// `true` or `false`.
        bool = raw::OPTION_BOOL,
        /// Decimal or 0x.
        integer = raw::OPTION_INTEGER,
        /// `500us`, `10s`.
        duration = raw::OPTION_DURATION,
        /// `512`, `64KiB`: bytes.
        size = raw::OPTION_SIZE,
        /// Text, its length in bytes bounded by `range`.
        string = raw::OPTION_STRING,
        /// A file's name.
        path = raw::OPTION_PATH,
        /// 0 to 255, or one character.
        byte = raw::OPTION_BYTE,
        /// A list of bytes, or a string's.
        bytes = raw::OPTION_BYTES,
        /// What [`super::Host::run_actions`] runs.
        actions = raw::OPTION_ACTIONS,
    }

    /// One of some names.
    pub fn enumeration(key: &'static str, choices: &'static [&'static str]) -> Opt {
        Opt { choices, ..Opt::new(key, raw::OPTION_ENUMERATION) }
    }

    /// Named members.
    pub fn object(key: &'static str, members: Vec<Opt>) -> Opt {
        Opt::new(key, raw::OPTION_OBJECT).with(members)
    }

    /// Elements of one kind, their number bounded by `range`.
    pub fn list(key: &'static str, element: Opt) -> Opt {
        Opt::new(key, raw::OPTION_LIST).with(vec![element])
    }

    /// Keys to values.
    pub fn map(key: &'static str, from: Opt, to: Opt) -> Opt {
        Opt::new(key, raw::OPTION_MAP).with(vec![from, to])
    }

    /// The first of them that fits.
    pub fn one_of(key: &'static str, alternatives: Vec<Opt>) -> Opt {
        Opt::new(key, raw::OPTION_ONE_OF).with(alternatives)
    }

    /// One line about it.
    pub fn help(self, help: &'static str) -> Opt {
        Opt { help, ..self }
    }

    /// The default as it would stand in the file.
    pub fn default(self, yaml: &'static str) -> Opt {
        Opt { default: Some(yaml), ..self }
    }

    /// It must be given.
    pub fn required(self) -> Opt {
        Opt { flags: self.flags | raw::OPTION_REQUIRED, ..self }
    }

    /// The smallest and the largest: of a duration in nanoseconds, of a size in bytes, of text and lists their length.
    pub fn range(self, range: RangeInclusive<i64>) -> Opt {
        Opt { flags: self.flags | raw::OPTION_BOUNDED, bounds: range.into_inner(), ..self }
    }

    fn build(self) -> raw::Opt {
        let choices = match self.choices {
            [] => null(),
            names => table(names.iter().map(|name| text(name)).chain([null()]).collect()),
        };
        raw::Opt {
            key: if self.key.is_empty() { null() } else { text(self.key) },
            help: if self.help.is_empty() { null() } else { text(self.help) },
            default_yaml: self.default.map_or(null(), text),
            kind: self.kind,
            flags: self.flags,
            minimum: self.bounds.0,
            maximum: self.bounds.1,
            choices,
            child_count: self.children.len() as u64,
            children: build(self.children),
        }
    }
}

/// What kcsmuxd gets of a list of options, for the life of the process.
pub(super) fn build(options: Vec<Opt>) -> *const raw::Opt {
    table(options.into_iter().map(Opt::build).collect())
}

/// Text for the life of the process. One with a NUL in it is the plugin's mistake.
pub(super) fn text(text: &str) -> *const u8 {
    CString::new(text).expect("a text has a NUL in it").into_raw() as *const u8
}

pub(super) fn table<T>(elements: Vec<T>) -> *const T {
    if elements.is_empty() {
        null()
    } else {
        Box::leak(elements.into_boxed_slice()).as_ptr()
    }
}

/// A checked option, read by the name and as the type that it was declared with. Another name or type is the plugin's
/// mistake, which the first instance meets: it panics, in words.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    raw: &'a raw::Value,
    declared: Declared<'a>,
    life: Option<&'a Rc<Life>>,
}

/// How a value was declared: all options together have no declaration of their own.
#[derive(Clone, Copy)]
enum Declared<'a> {
    Root(&'a [raw::Opt]),
    One(&'a raw::Opt),
}

impl<'a> Declared<'a> {
    fn children(self) -> &'a [raw::Opt] {
        match self {
            Declared::Root(options) => options,
            Declared::One(option) if option.children.is_null() => &[],
            // Safety: both are of `Opt::build`.
            Declared::One(option) => unsafe {
                std::slice::from_raw_parts(option.children, option.child_count as usize)
            },
        }
    }

    fn name(self) -> &'a str {
        match self {
            Declared::One(option) if !option.key.is_null() => name(option),
            Declared::One(_) => "an element",
            Declared::Root(_) => "the object of options",
        }
    }
}

fn name(option: &raw::Opt) -> &str {
    // Safety: it is of `text`, which made it of a str.
    unsafe { CStr::from_ptr(option.key.cast()) }.to_str().unwrap_or("")
}

impl<'a> Value<'a> {
    /// All options together.
    pub(super) fn root(raw: &'a raw::Value, plugin: &'static raw::Plugin, life: Option<&'a Rc<Life>>) -> Value<'a> {
        let options = match plugin.option_count as usize {
            0 => &[][..],
            // Safety: both are of `build`.
            count => unsafe { std::slice::from_raw_parts(plugin.options, count) },
        };
        Value { raw, declared: Declared::Root(options), life }
    }

    fn item(&self, index: usize, declared: &'a raw::Opt) -> Value<'a> {
        assert!((index as u64) < self.raw.item_count, "{} is shorter than it was declared", self.declared.name());
        // Safety: there are as many, and each lives as long as what it is a part of.
        let raw = unsafe { self.raw.item(index) };
        let mut declared = declared;
        if declared.kind == raw::OPTION_ONE_OF && raw.kind != raw::OPTION_ABSENT {
            declared = &Declared::One(declared).children()[raw.choice as usize];
        }
        Value { raw, declared: Declared::One(declared), life: self.life }
    }

    fn require(&self, kind: u32) {
        let is = self.raw.kind;
        assert!(is == kind, "the option {} is of type {is} (OPTION_…), not {kind}", self.declared.name());
    }

    fn number(&self, kind: u32) -> i64 {
        self.require(kind);
        self.raw.integer
    }

    fn contents(&self, kind: u32) -> &'a [u8] {
        self.require(kind);
        match self.raw.text.is_null() {
            true => &[],
            // Safety: kcs_plugin.h says so.
            false => unsafe { std::slice::from_raw_parts(self.raw.text, self.raw.length as usize) },
        }
    }

    fn words(&self, kind: u32) -> &'a str {
        std::str::from_utf8(self.contents(kind)).expect("kcsmuxd checks that text is UTF-8")
    }

    /// The value; None if it has no default and was not given.
    pub fn if_present(self) -> Option<Value<'a>> {
        if self.raw.kind == raw::OPTION_ABSENT {
            None
        } else {
            Some(self)
        }
    }

    /// It stands in the file, rather than being a default.
    pub fn is_given(&self) -> bool {
        self.raw.flags & raw::VALUE_GIVEN != 0
    }

    /// `OPTION_*`; for a one-of, that of the alternative that fits.
    pub fn kind(&self) -> u32 {
        self.raw.kind
    }

    pub fn bool(&self) -> bool {
        self.number(raw::OPTION_BOOL) != 0
    }

    pub fn integer(&self) -> i64 {
        self.number(raw::OPTION_INTEGER)
    }

    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.number(raw::OPTION_DURATION) as u64)
    }

    pub fn size(&self) -> u64 {
        self.number(raw::OPTION_SIZE) as u64
    }

    pub fn byte(&self) -> u8 {
        self.number(raw::OPTION_BYTE) as u8
    }

    pub fn string(&self) -> &'a str {
        self.words(raw::OPTION_STRING)
    }

    pub fn path(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.contents(raw::OPTION_PATH)))
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.contents(raw::OPTION_BYTES)
    }

    /// An enumeration's name.
    pub fn choice(&self) -> &'a str {
        self.words(raw::OPTION_ENUMERATION)
    }

    /// For the instance to keep.
    pub fn actions(&self) -> Actions {
        self.require(raw::OPTION_ACTIONS);
        Actions { pointer: self.raw, life: self.life.cloned() }
    }

    /// The member of an object, or of all options, by its name.
    pub fn get(&self, key: &str) -> Value<'a> {
        self.require(raw::OPTION_OBJECT);
        let members = self.declared.children();
        match members.iter().position(|member| !member.key.is_null() && name(member) == key) {
            Some(index) => self.item(index, &members[index]),
            None => panic!("{} has no member {key:?}", self.declared.name()),
        }
    }

    /// A list's elements.
    pub fn elements(&self) -> Vec<Value<'a>> {
        self.require(raw::OPTION_LIST);
        (0..self.raw.item_count as usize).map(|index| self.item(index, &self.declared.children()[0])).collect()
    }

    /// A map's entries, in the file's order.
    pub fn pairs(&self) -> Vec<(Value<'a>, Value<'a>)> {
        self.require(raw::OPTION_MAP);
        let [key, value] = match self.declared.children() {
            [key, value] => [key, value],
            _ => return Vec::new(),
        };
        (0..self.raw.item_count as usize / 2)
            .map(|index| (self.item(2 * index, key), self.item(2 * index + 1, value)))
            .collect()
    }
}

/// Takes what a plugin's own check finds wrong.
pub struct Report<'a> {
    pub(super) raw: &'a raw::Report,
}

impl Report<'_> {
    /// Rejects a value. kcsmuxd adds file, line and column.
    pub fn error(&self, value: Value<'_>, text: impl Display) {
        with_text(&text, |text| unsafe { (self.raw.error)(self.raw.ctx, value.raw, text) });
    }
}
