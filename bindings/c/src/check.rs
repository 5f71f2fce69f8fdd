//! Deciding a connection.

use std::{ffi::c_char, ptr};

use pintle_core::{
    Code, Decision,
    decide::{PlatformVerdict, Verdict},
};
use pintle_sdk::Evidence;

use crate::{
    Pintle,
    edge::{Failure, PintleBytes, c_code, guard, read_text, split_chain},
};

/// Room for the longest name of an entry and its end.
pub const PINTLE_ENTRY_BYTES: usize = 256;

/// What is known of a connection. Zero it, then fill in.
///
/// Chains are certificates in DER one after the other, leaf first, each after its length in three bytes, big-endian.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PintleEvidence {
    /// The host the app wants to reach: a DNS name or an IP address.
    pub host: *const c_char,
    /// What the server presented.
    pub presented: PintleBytes,
    /// The path that the TLS library **verified**, up to a trust anchor; NULL if it says none. Never what was presented.
    pub verified_path: PintleBytes,
    /// Whether the TLS library accepts chain, name and dates.
    pub platform_accepts: bool,
    /// The OCSP response that was stapled, or NULL.
    pub ocsp_response: PintleBytes,
    /// The SignedCertificateTimestampList of the TLS extension, or NULL.
    pub sct_list: PintleBytes,
    /// Whether to refuse with `retry_after_refresh` rather than to wait for news (six seconds at most, once a minute).
    pub cannot_wait: bool,
}

/// How a connection was decided.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PintleVerdict {
    /// Refused: `code` says why.
    Refused,
    /// Allowed: a pin matched.
    Pinned,
    /// Allowed by the platform alone: permissive, and no entry.
    NotCovered,
    /// Allowed although `code` holds: the entry only reports.
    Reported,
}

/// What was decided.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PintleDecision {
    /// How.
    pub verdict: PintleVerdict,
    /// The code of a refusal or of a reported violation; else NULL. Valid for ever.
    pub code: *const c_char,
    /// When `pintle_generation` differs from it, the connection must be decided again before it carries a request.
    pub generation: u64,
    /// Name of the entry; empty if none was reached.
    pub entry: [c_char; PINTLE_ENTRY_BYTES],
    /// Of a match: position of the pin in the entry.
    pub pin: usize,
    /// Of a match: position in the path, 0 being the leaf.
    pub position: usize,
    /// The log list is older than 70 days, so that Certificate Transparency only reports.
    pub ct_list_stale: bool,
}

impl PintleDecision {
    fn refused(code: Code) -> Self {
        Self {
            verdict: PintleVerdict::Refused,
            code: c_code(code).as_ptr(),
            generation: 0,
            entry: [0; PINTLE_ENTRY_BYTES],
            pin: 0,
            position: 0,
            ct_list_stale: false,
        }
    }

    fn of(decision: &Decision) -> Self {
        let (verdict, entry, place) = match &decision.verdict {
            Verdict::Pinned { domain, pin, position } => (PintleVerdict::Pinned, Some(domain), (*pin, *position)),
            Verdict::NotCovered => (PintleVerdict::NotCovered, None, (0, 0)),
            Verdict::Reported { domain, .. } => (PintleVerdict::Reported, Some(domain), (0, 0)),
            Verdict::Refused { domain, .. } => (PintleVerdict::Refused, domain.as_ref(), (0, 0)),
        };
        let mut name = [0; PINTLE_ENTRY_BYTES];
        if let Some(entry) = entry {
            // The last byte stays 0.
            let bytes = entry.to_string();
            for (slot, byte) in name.iter_mut().take(PINTLE_ENTRY_BYTES - 1).zip(bytes.bytes()) {
                *slot = c_char::from_ne_bytes([byte]);
            }
        }
        Self {
            verdict,
            code: decision.code().map_or(ptr::null(), |code| c_code(code).as_ptr()),
            generation: decision.generation,
            entry: name,
            pin: place.0,
            position: place.1,
            ct_list_stale: decision.ct_list_stale,
        }
    }
}

/// Decides a connection. True: it may carry requests while `pintle_generation` stays what the decision says.
///
/// Whatever is wrong with the arguments refuses: NULL with `internal_error`, a chain that cannot be split with
/// `certificate_unparsable`, a host that is no text with `host_invalid`. `decision` may be NULL.
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call; `evidence` and what it points to are valid during
/// the call; `decision` is valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_check(
    pintle: *const Pintle,
    evidence: *const PintleEvidence,
    decision: *mut PintleDecision,
) -> bool {
    let decided = guard(|| {
        // SAFETY: null, or valid during the call as the caller says; so are the reads inside.
        let (pintle, evidence) = unsafe { (pintle.as_ref(), evidence.as_ref()) };
        let pintle = pintle.ok_or(Failure::null("pintle"))?;
        let evidence = evidence.ok_or(Failure::null("evidence"))?;
        // SAFETY: as above.
        Ok(unsafe { check(pintle, evidence) })
    });
    let decided = decided.unwrap_or_else(|_| PintleDecision::refused(Code::InternalError));
    // SAFETY: null, or valid for a write as the caller says.
    if let Some(place) = unsafe { decision.as_mut() } {
        *place = decided;
    }
    decided.verdict != PintleVerdict::Refused
}

/// # Safety
/// What `evidence` points to is valid.
unsafe fn check(pintle: &Pintle, evidence: &PintleEvidence) -> PintleDecision {
    // SAFETY: as the caller says; so are the reads below.
    let Ok(Some(host)) = (unsafe { read_text(evidence.host, "host") }) else {
        return PintleDecision::refused(Code::HostInvalid);
    };
    // SAFETY: as above.
    let (presented, path) = unsafe { (evidence.presented.read(), evidence.verified_path.read()) };
    let presented = split_chain(presented.unwrap_or_default());
    let path = path.map(split_chain);
    let (Some(presented), None | Some(Some(_))) = (&presented, &path) else {
        return PintleDecision::refused(Code::CertificateUnparsable);
    };
    let platform = if evidence.platform_accepts { PlatformVerdict::Accepted } else { PlatformVerdict::Refused };
    // SAFETY: as above.
    let (ocsp, scts) = unsafe { (evidence.ocsp_response.read(), evidence.sct_list.read()) };
    let known = match &path {
        Some(Some(path)) => Evidence::judged_with_path(presented, platform, path),
        _ => Evidence::judged(presented, platform),
    };
    let known = known.with_ocsp_response(ocsp.unwrap_or_default()).with_sct_list(scts);
    let decision = match evidence.cannot_wait {
        true => pintle.installation.engine().check(host, &known),
        false => pintle.installation.check_and_wait(host, &known),
    };
    PintleDecision::of(&decision)
}

/// The generation of trust now. A connection decided under another one must be decided again, or dropped, before it
/// carries a request: call it before every request on a kept connection. 0 for NULL, which no decision carries.
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_generation(pintle: *const Pintle) -> u64 {
    let generation = guard(|| {
        // SAFETY: null, or valid during the call as the caller says.
        let pintle = unsafe { pintle.as_ref() }.ok_or(Failure::null("pintle"))?;
        Ok(pintle.installation.engine().generation())
    });
    generation.unwrap_or(0)
}
