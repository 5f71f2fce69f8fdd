//! Where C ends and Rust begins: pointers, panics, codes.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::{CStr, CString, c_char},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::OnceLock,
};

use pintle_core::Code;
use rustls_pki_types::CertificateDer;

thread_local! {
    static LAST_MESSAGE: RefCell<CString> = RefCell::default();
}

/// A code, and a sentence for people.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, error: &impl fmt::Display) -> Self {
        Self { code, message: error.to_string() }
    }

    pub(crate) fn setup(error: &impl fmt::Display) -> Self {
        Self::new(Code::SetupInvalid, error)
    }

    pub(crate) fn internal(error: &impl fmt::Display) -> Self {
        Self::new(Code::InternalError, error)
    }

    pub(crate) fn null(argument: &str) -> Self {
        Self::setup(&format_args!("`{argument}` is NULL"))
    }
}

/// Runs the inside of a function; a panic becomes `internal_error`.
pub(crate) fn guard<T>(inside: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(inside)).unwrap_or_else(|_| Err(Failure::internal(&"a panic in the library")))
}

/// NULL for success, else the code; the sentence is kept for [`pintle_last_message`].
pub(crate) fn say_code(outcome: Result<(), Failure>) -> *const c_char {
    match outcome {
        Ok(()) => ptr::null(),
        Err(Failure { code, message }) => {
            LAST_MESSAGE.with_borrow_mut(|last| *last = to_c_string(&message));
            c_code(code).as_ptr()
        }
    }
}

/// What the last function that returned a code on this thread has to say about it: valid until the next one.
#[unsafe(no_mangle)]
pub extern "C" fn pintle_last_message() -> *const c_char {
    LAST_MESSAGE.with_borrow(|last| last.as_ptr())
}

/// The stable codes (P-8.1), counted from 0: NULL beyond the last. Valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pintle_code(index: usize) -> *const c_char {
    Code::ALL.get(index).map_or(ptr::null(), |code| c_code(*code).as_ptr())
}

/// The static string of a code.
pub(crate) fn c_code(code: Code) -> &'static CStr {
    static CODES: OnceLock<BTreeMap<Code, CString>> = OnceLock::new();
    let codes = CODES.get_or_init(|| Code::ALL.iter().map(|code| (*code, to_c_string(code.as_str()))).collect());
    codes.get(&code).map_or(c"internal_error", CString::as_c_str)
}

/// Without what a C string cannot hold.
pub(crate) fn to_c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

/// Bytes that belong to whoever made this. Zeroed: none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PintleBytes {
    /// The first; NULL: none.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

impl PintleBytes {
    /// None.
    pub const NONE: Self = Self { data: ptr::null(), len: 0 };

    /// # Safety
    /// NULL, or valid for `len` bytes as long as the result lives.
    pub(crate) unsafe fn read<'a>(self) -> Option<&'a [u8]> {
        if self.data.is_null() || isize::try_from(self.len).is_err() {
            return None;
        }
        // SAFETY: not null, no longer than memory is, and valid as the caller says; bytes have no alignment.
        Some(unsafe { std::slice::from_raw_parts(self.data, self.len) })
    }
}

/// # Safety
/// NULL, or a C string that is valid as long as the result lives.
pub(crate) unsafe fn read_text<'a>(text: *const c_char, argument: &str) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, and terminated as the caller says.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| Failure::setup(&format_args!("`{argument}` is not UTF-8")))
}

/// Certificates one after the other, each after its length in three bytes, big-endian; as in a TLS Certificate message.
/// `None` if that is not what they are.
pub(crate) fn split_chain(mut bytes: &[u8]) -> Option<Vec<CertificateDer<'_>>> {
    let mut certificates = Vec::new();
    while let Some(([high, middle, low], rest)) = bytes.split_first_chunk::<3>() {
        let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        let (certificate, rest) = rest.split_at_checked(length)?;
        certificates.push(certificate.into());
        bytes = rest;
    }
    bytes.is_empty().then_some(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_split_or_refused_as_a_whole() {
        assert_eq!(split_chain(&[]).unwrap(), []);
        assert_eq!(split_chain(&[0, 0, 1, 7, 0, 0, 2, 8, 9]).unwrap(), [vec![7].into(), vec![8, 9].into()]);
        for broken in [&[0][..], &[0, 0, 2, 7], &[0, 0, 1, 7, 0], &[1, 0, 0, 7]] {
            assert_eq!(split_chain(broken), None);
        }
    }

    #[test]
    fn a_panic_becomes_internal_error() {
        let code = say_code(guard(|| -> Result<(), Failure> { panic!("inside") }));
        assert_eq!(code, c_code(Code::InternalError).as_ptr());
    }
}
