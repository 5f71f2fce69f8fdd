//! Rate limits: how often one account, token or address may ask, and the headers that tell it (the RateLimit header
//! fields of draft-ietf-httpapi-ratelimit-headers).
//!
//! Published files are not limited per address: behind one address of a mobile carrier are more apps than any limit would
//! let through, and a refused fetch would keep a rotation from them.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use governor::{
    Quota,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};

use crate::{
    api::{ApiError, Failure},
    client::{AddressKey, Clients},
    config::ServerConfig,
};

/// Somebody with many addresses or tokens fills memory. A key takes some 40 bytes; at this number what is as good as new is
/// dropped, and if nothing is, everything: whoever has so many keys gains little by a fresh start of each.
const MAX_KEYS: usize = 100_000;

type Limiter = governor::RateLimiter<u64, HashMapStateStore<u64>, DefaultClock, StateInformationMiddleware>;

/// So many requests in so much time for each key, spread evenly after a burst.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    name: &'static str,
    quota: Quota,
    window: Duration,
    max_keys: usize,
    limiter: RwLock<Limiter>,
}

/// What is left to a key after it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    name: &'static str,
    quota: u32,
    window: Duration,
    remaining: u32,
    /// Until the whole quota is there again, or, of a refusal, until one request is.
    reset: Duration,
}

/// Asked too often; the time after which one request is allowed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) Duration);

impl RateLimiter {
    /// `requests` per `window`; none without requests or time.
    pub(crate) fn new(name: &'static str, requests: u32, window: Duration) -> Option<Self> {
        let requests = NonZeroU32::new(requests)?;
        let quota = Quota::with_period(window / requests.get())?.allow_burst(requests);
        Some(Self { name, quota, window, max_keys: MAX_KEYS, limiter: RwLock::new(make_limiter(quota)) })
    }

    /// Counts one request of `key`.
    pub(crate) fn check(&self, key: u64) -> (Allowance, Result<(), Refused>) {
        self.make_room();
        let limiter = self.limiter.read().unwrap_or_else(PoisonError::into_inner);
        let burst = self.quota.burst_size().get();
        let left = |remaining, reset| {
            let (name, window) = (self.name, self.window);
            Allowance { name, quota: burst, window, remaining, reset }
        };
        match limiter.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let reset = self.quota.replenish_interval().saturating_mul(burst.saturating_sub(remaining));
                (left(remaining, reset), Ok(()))
            }
            Err(refusal) => {
                let wait = refusal.wait_time_from(limiter.clock().now());
                (left(0, wait), Err(Refused(wait)))
            }
        }
    }

    fn make_room(&self) {
        let is_full = |limiter: &Limiter| limiter.len() >= self.max_keys;
        if !is_full(&self.limiter.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut limiter = self.limiter.write().unwrap_or_else(PoisonError::into_inner);
        limiter.retain_recent();
        if is_full(&limiter) {
            tracing::warn!(limit.name = self.name, "too many keys at once; every count starts again");
            *limiter = make_limiter(self.quota);
        }
    }
}

fn make_limiter(quota: Quota) -> Limiter {
    Limiter::new(quota, HashMapStateStore::default(), DefaultClock::default())
}

/// The limits of the API.
#[derive(Debug)]
pub(crate) struct RateLimits {
    address: Option<RateLimiter>,
    token: Option<RateLimiter>,
    account: Option<RateLimiter>,
    lookup: Option<RateLimiter>,
    decode: Option<RateLimiter>,
    reports: Option<RateLimiter>,
}

/// What a request has used up so far, for the headers of its answer.
#[derive(Clone, Debug, Default)]
struct Ledger(Arc<Mutex<Vec<Allowance>>>);

impl RateLimits {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        let per_minute = |name, requests| RateLimiter::new(name, requests, Duration::from_secs(60));
        let limits = &config.rate_limits;
        Self {
            address: per_minute("address", limits.address_per_minute),
            token: per_minute("token", limits.token_per_minute),
            account: per_minute("account", limits.account_per_minute),
            lookup: per_minute("lookup", config.lookup.address_per_minute),
            decode: per_minute("decode", config.decode.address_per_minute),
            reports: per_minute("reports", config.reports.address_per_minute),
        }
    }

    /// Counts a lookup, which makes the server connect elsewhere, by the address it comes from.
    pub(crate) fn check_lookup(&self, extensions: &Extensions) -> Result<(), ApiError> {
        check_address(self.lookup.as_ref(), extensions)
    }

    /// Counts a decoding, which makes the server read and verify megabytes, by the address it comes from.
    pub(crate) fn check_decode(&self, extensions: &Extensions) -> Result<(), ApiError> {
        check_address(self.decode.as_ref(), extensions)
    }

    /// Counts a report of violations, by the address it comes from.
    pub(crate) fn check_report(&self, extensions: &Extensions) -> Result<(), ApiError> {
        Ledger::default().check(self.reports.as_ref(), extensions.get::<AddressKey>().map_or(0, |key| key.0))
    }

    /// Counts a request of a token and its account, once both are known to be genuine.
    pub(crate) fn check_caller(
        &self,
        extensions: &Extensions,
        clients: &Clients,
        token: &str,
        account_id: &str,
    ) -> Result<(), ApiError> {
        let ledger = extensions.get::<Ledger>().cloned().unwrap_or_default();
        ledger.check(self.token.as_ref(), clients.key(token))?;
        ledger.check(self.account.as_ref(), clients.key(account_id))
    }
}

fn check_address(limiter: Option<&RateLimiter>, extensions: &Extensions) -> Result<(), ApiError> {
    let ledger = extensions.get::<Ledger>().cloned().unwrap_or_default();
    ledger.check(limiter, extensions.get::<AddressKey>().map_or(0, |key| key.0))
}

impl Ledger {
    fn check(&self, limiter: Option<&RateLimiter>, key: u64) -> Result<(), ApiError> {
        let Some(limiter) = limiter else { return Ok(()) };
        let (allowance, answer) = limiter.check(key);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(allowance);
        answer.map_err(|Refused(wait)| Failure::RateLimited { limit: allowance.name, wait }.into())
    }

    fn write(&self, headers: &mut HeaderMap) {
        let allowances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = |show: fn(&Allowance) -> String| allowances.iter().map(show).collect::<Vec<_>>().join(", ");
        for (name, value) in [
            (HeaderName::from_static("ratelimit-policy"), list(Allowance::policy)),
            (HeaderName::from_static("ratelimit"), list(Allowance::state)),
        ] {
            if let Ok(value) = HeaderValue::try_from(value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
    }
}

impl Allowance {
    fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota, self.window.as_secs())
    }

    fn state(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, whole_secs(self.reset))
    }
}

/// Rounded up: who waits so long is let through.
pub(crate) fn whole_secs(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

/// Counts every request of an address, and tells in each answer what is left.
pub(crate) async fn limit(State(limits): State<Arc<RateLimits>>, mut request: Request, next: Next) -> Response {
    let ledger = Ledger::default();
    let key = request.extensions().get::<AddressKey>().map_or(0, |key| key.0);
    let mut response = match ledger.check(limits.address.as_ref(), key) {
        Ok(()) => {
            request.extensions_mut().insert(ledger.clone());
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    ledger.write(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_quota_and_then_waits() {
        let limiter = RateLimiter::new("address", 3, Duration::from_secs(3600)).unwrap();
        let remaining: Vec<_> = (0..3).map(|_| limiter.check(1).0.remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let (left, answer) = limiter.check(1);
        let Err(Refused(wait)) = answer else { panic!("a fourth request is refused") };
        assert!(wait > Duration::from_secs(1190) && wait <= Duration::from_secs(1200), "{wait:?}");
        assert_eq!((left.policy(), left.remaining), ("\"address\";q=3;w=3600".to_owned(), 0));
        assert_eq!(limiter.check(2).1, Ok(()), "another key has its own");
    }

    #[test]
    fn no_number_is_no_limit() {
        assert!(RateLimiter::new("address", 0, Duration::from_secs(60)).is_none());
    }

    #[test]
    fn more_keys_than_there_is_room_for_take_no_more_memory() {
        let limiter = RateLimiter { max_keys: 100, ..RateLimiter::new("address", 1, Duration::from_secs(60)).unwrap() };
        for key in 0..10_000 {
            let _ = limiter.check(key);
            assert!(limiter.limiter.read().unwrap().len() <= 100);
        }
    }
}
