// SPDX-License-Identifier: Apache-2.0
//
// The ABI of Seam in Rust, without crates: the structs of seam/plugin.h, JSON, and the macro that
// makes a plugin's table. All that is unsafe is in this file. Every pointer that the host hands over
// is borrowed until the function returns, so an agent gets copies; a panic becomes an answer, since
// it may not leave the plugin. Works with Rust 1.57 and later.
#![allow(dead_code)]

use std::fmt::Write;
use std::os::raw::{c_char, c_void};

// ---- what crosses, as in seam/plugin.h ----

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    ptr: *const u8,
    len: usize,
}

#[repr(C)]
pub struct RawCall {
    size: u32,
    attempt: u32,
    id: u64,
    deadline_ns: u64,
    agent: Bytes,
    input: Bytes,
    idempotency_key: Bytes,
    feedback: Bytes,
}

#[repr(C)]
pub struct RawReply {
    size: u32,
    status: i32,
    effect: u32,
    retry_after_ms: u32,
    body: Bytes,
    code: Bytes,
}

pub type ReplyFn = unsafe extern "C" fn(*mut c_void, *const RawReply);

#[repr(C)]
pub struct RawHost {
    size: u32,
    abi_minor: u32,
    ctx: *mut c_void,
    complete: unsafe extern "C" fn(*const RawHost, u64, *const RawReply),
    emit: unsafe extern "C" fn(*const RawHost, u64, Bytes) -> i32,
    request:
        unsafe extern "C" fn(*const RawHost, u64, *const c_char, Bytes, ReplyFn, *mut c_void) -> i32,
    request_wait:
        unsafe extern "C" fn(*const RawHost, u64, *const c_char, Bytes, ReplyFn, *mut c_void) -> i32,
    cancelled: unsafe extern "C" fn(*const RawHost, u64) -> u32,
    now_ns: unsafe extern "C" fn(*const RawHost, u32) -> u64,
    log: unsafe extern "C" fn(*const RawHost, u64, u32, Bytes),
    extension: unsafe extern "C" fn(*const RawHost, *const c_char) -> *const c_void,
}

#[repr(C)]
pub struct RawAgent {
    pub size: u32,
    pub effect: u32,
    pub flags: u32,
    pub name: *const c_char,
}

#[repr(C)]
pub struct RawPlugin {
    pub size: u32,
    pub abi_minor: u32,
    pub id: *const c_char,
    pub version: *const c_char,
    pub agents: *const *const RawAgent,
    pub create: unsafe extern "C" fn(*const RawHost, Bytes, *mut *mut c_void) -> i32,
    pub start: unsafe extern "C" fn(*mut c_void, *const RawCall) -> i32,
    pub cancel: Option<unsafe extern "C" fn(*mut c_void, u64)>,
    pub quiesce: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub extension: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void>,
}

/// Something constant that holds pointers to constants.
#[repr(transparent)]
pub struct Constant<T>(pub T);
unsafe impl<T> Sync for Constant<T> {}

pub const PURE: u32 = 0;
pub const READ: u32 = 1;
pub const WRITE_IDEMPOTENT: u32 = 2;
pub const WRITE: u32 = 3;
pub const DESTRUCTIVE: u32 = 1;
pub const OPEN_WORLD: u32 = 2;

pub const OK: i32 = 0;
pub const E_INPUT: i32 = 1;
pub const E_FAILED: i32 = 2;
pub const E_UNAVAILABLE: i32 = 3;
pub const E_CANCELLED: i32 = 8;
pub const E_UNSUPPORTED: i32 = 10;
pub const E_INTERNAL: i32 = 11;

pub const EFFECT_NONE: u32 = 0;
pub const EFFECT_DONE: u32 = 1;
pub const EFFECT_UNKNOWN: u32 = 2;

const _: () = assert!(std::mem::size_of::<RawCall>() == 88);
const _: () = assert!(std::mem::size_of::<RawReply>() == 48);
const _: () = assert!(std::mem::size_of::<RawHost>() == 80);
const _: () = assert!(std::mem::size_of::<RawAgent>() == 24);
const _: () = assert!(std::mem::size_of::<RawPlugin>() == 80);

fn bytes(text: &str) -> Bytes {
    Bytes { ptr: text.as_ptr(), len: text.len() }
}

unsafe fn text_of<'a>(bytes: Bytes) -> &'a str {
    if bytes.len == 0 {
        return "";
    }
    std::str::from_utf8(std::slice::from_raw_parts(bytes.ptr, bytes.len)).unwrap_or("")
}

// ---- a call ----

/// Why an agent gave no output.
pub struct Failure {
    pub status: i32,
    pub effect: u32,
    pub code: String,
    pub message: String,
}

impl Failure {
    pub fn new(status: i32, effect: u32, message: impl Into<String>) -> Failure {
        Failure { status, effect, code: String::new(), message: message.into() }
    }
}

/// One call of an agent, while start() runs.
pub struct Call<'a> {
    host: &'a RawHost,
    raw: &'a RawCall,
}

impl<'a> Call<'a> {
    pub fn input(&self) -> Result<Json, Failure> {
        Json::parse(unsafe { text_of(self.raw.input) })
            .ok_or_else(|| Failure::new(E_INTERNAL, EFFECT_NONE, "the input is no JSON"))
    }
    /// 1, 2, …; above 1 it is a retry, or a replay after a crash.
    pub fn attempt(&self) -> u32 {
        self.raw.attempt
    }
    /// The same for every attempt of this step of this run.
    pub fn idempotency_key(&self) -> &str {
        unsafe { text_of(self.raw.idempotency_key) }
    }
    /// Why the previous attempt's output was refused; empty on the first.
    pub fn feedback(&self) -> &str {
        unsafe { text_of(self.raw.feedback) }
    }
    /// Whether it should stop soon.
    pub fn cancelled(&self) -> bool {
        unsafe { (self.host.cancelled)(self.host, self.raw.id) != 0 }
    }
    /// A line for the operator; 0 debug, 1 info, 2 warning, 3 error.
    pub fn log(&self, level: u32, text: &str) {
        unsafe { (self.host.log)(self.host, self.raw.id, level, bytes(text)) }
    }
    /// Asks the host for a service, "http.send/1", and waits: the body of its answer.
    pub fn ask(&self, op: &str, body: &Json) -> Result<Json, Failure> {
        unsafe extern "C" fn keep(user: *mut c_void, reply: *const RawReply) {
            let kept = &mut *(user as *mut Option<(i32, u32, String, String)>);
            let reply = &*reply;
            let texts = (text_of(reply.body).to_string(), text_of(reply.code).to_string());
            *kept = Some((reply.status, reply.effect, texts.0, texts.1));
        }
        let name = std::ffi::CString::new(op)
            .map_err(|_| Failure::new(E_UNSUPPORTED, EFFECT_NONE, "a NUL in the name of a service"))?;
        let body = body.to_string();
        let mut kept: Option<(i32, u32, String, String)> = None;
        unsafe {
            let user = &mut kept as *mut _ as *mut c_void;
            (self.host.request_wait)(self.host, self.raw.id, name.as_ptr(), bytes(&body), keep, user);
        }
        let (status, effect, body, code) =
            kept.ok_or_else(|| Failure::new(E_INTERNAL, EFFECT_UNKNOWN, "no answer came"))?;
        let answer = Json::parse(&body).unwrap_or(Json::Null);
        if status == OK {
            return Ok(answer);
        }
        let message = answer.text("message").unwrap_or_else(|_| String::from(op));
        Err(Failure { status, effect, code, message })
    }

    fn complete(&self, status: i32, effect: u32, body: &str, code: &str) {
        let reply = RawReply {
            size: std::mem::size_of::<RawReply>() as u32,
            status,
            effect,
            retry_after_ms: 0,
            body: bytes(body),
            code: bytes(code),
        };
        unsafe { (self.host.complete)(self.host, self.raw.id, &reply) }
    }
}

pub type Agent = fn(&Call) -> Result<Json, Failure>;

pub unsafe extern "C" fn create(host: *const RawHost, _: Bytes, ret_self: *mut *mut c_void) -> i32 {
    *ret_self = host as *mut c_void;
    OK
}

/// What start() of every plugin does: finds the agent, runs it, completes the call, once.
///
/// # Safety
/// For the host to call.
pub unsafe fn start(host: *mut c_void, raw: *const RawCall, agents: &[(&str, Agent)]) -> i32 {
    let call = Call { host: &*(host as *const RawHost), raw: &*raw };
    let name = text_of(call.raw.agent);
    let agent = match agents.iter().find(|(known, _)| *known == name) {
        Some((_, agent)) => *agent,
        None => return E_UNSUPPORTED,
    };
    let came = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| agent(&call)))
        .unwrap_or_else(|_| Err(Failure::new(E_INTERNAL, EFFECT_UNKNOWN, "the agent panicked")));
    match came {
        Ok(output) => call.complete(OK, EFFECT_NONE, &output.to_string(), ""),
        Err(failure) => {
            let body = Json::object([("message", Json::Text(failure.message))]).to_string();
            call.complete(failure.status, failure.effect, &body, &failure.code)
        }
    }
    OK
}

/// The table and the one exported function of a plugin without state.
macro_rules! seam_plugin {
    (id: $id:literal, version: $version:literal,
     agents: [$(($name:literal, $effect:expr, $flags:expr, $agent:path)),+ $(,)?] $(,)?) => {
        const _: () = {
            use std::os::raw::{c_char, c_void};
            use $crate::seam::{Constant, RawAgent, RawCall, RawPlugin};

            const COUNT: usize = [$($name),+].len();
            static LIST: Constant<[*const RawAgent; COUNT + 1]> = Constant([
                $({
                    static AGENT: Constant<RawAgent> = Constant(RawAgent {
                        size: std::mem::size_of::<RawAgent>() as u32,
                        effect: $effect,
                        flags: $flags,
                        name: concat!($name, "\0").as_ptr() as *const c_char,
                    });
                    &AGENT.0 as *const RawAgent
                },)+
                std::ptr::null(),
            ]);

            unsafe extern "C" fn start(host: *mut c_void, call: *const RawCall) -> i32 {
                $crate::seam::start(host, call, &[$(($name, $agent)),+])
            }

            static TABLE: Constant<RawPlugin> = Constant(RawPlugin {
                size: std::mem::size_of::<RawPlugin>() as u32,
                abi_minor: 0,
                id: concat!($id, "\0").as_ptr() as *const c_char,
                version: concat!($version, "\0").as_ptr() as *const c_char,
                agents: &LIST.0 as *const _ as *const *const RawAgent,
                create: $crate::seam::create,
                start,
                cancel: None,
                quiesce: None,
                destroy: None,
                extension: None,
            });

            #[no_mangle]
            pub extern "C" fn seam_plugin_v1(_host_minor: u32) -> *const RawPlugin {
                &TABLE.0
            }
        };
    };
}
pub(crate) use seam_plugin as plugin;

// ---- JSON ----

const DEPTH_MAX: usize = 128;

/// A JSON value. A number keeps its text, so that none is rounded.
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
        let owned = |(key, value): (&str, Json)| (key.to_string(), value);
        Json::Object(IntoIterator::into_iter(members).map(owned).collect())
    }

    pub fn parse(text: &str) -> Option<Json> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.space();
        if reader.at == text.len() { Some(value) } else { None }
    }

    /// A member of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// A member that is a string.
    pub fn text(&self, key: &str) -> Result<String, Failure> {
        match self.get(key) {
            Some(Json::Text(text)) => Ok(text.clone()),
            _ => Err(Failure::new(E_INPUT, EFFECT_NONE, format!("`{}` is no text", key))),
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Json::Null => out.write_str("null"),
            Json::Bool(value) => write!(out, "{}", value),
            Json::Number(text) => out.write_str(text),
            Json::Text(text) => quote(text, out),
            Json::List(items) => {
                out.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    write!(out, "{}{}", if i > 0 { "," } else { "" }, item)?;
                }
                out.write_char(']')
            }
            Json::Object(members) => {
                out.write_char('{')?;
                for (i, (key, value)) in members.iter().enumerate() {
                    out.write_str(if i > 0 { "," } else { "" })?;
                    quote(key, out)?;
                    write!(out, ":{}", value)?;
                }
                out.write_char('}')
            }
        }
    }
}

fn quote(text: &str, out: &mut std::fmt::Formatter) -> std::fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{}", c)?,
            c if (c as u32) < 0x20 => write!(out, "\\u{:04x}", c as u32)?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(&[' ', '\t', '\r', '\n'][..]).len();
    }
    /// Passes over a token, after white space.
    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let there = self.rest().starts_with(token);
        self.at += if there { token.len() } else { 0 };
        there
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.space();
        match self.rest().bytes().next()? {
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'"' => self.string().map(Json::Text),
            b'n' if self.eat("null") => Some(Json::Null),
            b't' if self.eat("true") => Some(Json::Bool(true)),
            b'f' if self.eat("false") => Some(Json::Bool(false)),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        let mut members = Vec::new();
        self.eat("{");
        if self.eat("}") {
            return Some(Json::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            if !self.eat(":") {
                return None;
            }
            members.push((key, self.value(depth + 1)?));
            if self.eat("}") {
                return Some(Json::Object(members));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        let mut items = Vec::new();
        self.eat("[");
        if self.eat("]") {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.eat("]") {
                return Some(Json::List(items));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<Json> {
        let other = |c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let length = self.rest().find(other).unwrap_or_else(|| self.rest().len());
        let text = &self.rest()[..length];
        text.parse::<f64>().ok()?;
        self.at += length;
        Some(Json::Number(text.to_string()))
    }

    fn string(&mut self) -> Option<String> {
        if !self.rest().starts_with('"') {
            return None;
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.rest().chars().next()?;
            self.at += c.len_utf8();
            match c {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                c if (c as u32) < 0x20 => return None,
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        match c {
            '"' | '\\' | '/' => Some(c),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let high = self.hex()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return char::from_u32(high);
                }
                if !self.rest().starts_with("\\u") {
                    return None;
                }
                self.at += 2;
                let low = self.hex()?;
                if !(0xdc00..0xe000).contains(&low) {
                    return None;
                }
                char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            }
            _ => None,
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}
