//! When to ask which URL (P-7.3, P-7.4, P-4.11). Knows nothing of what the answers say.

use std::time::Duration;

/// Shortest and longest time allowed to the last byte of one answer (P-7.3).
const FETCH_TIMEOUT_RANGE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(120)];
/// All of a forced refresh (P-4.11).
const FORCED_TIMEOUT: Duration = Duration::from_secs(5);
/// At most one forced refresh in this time (P-4.11).
const FORCED_INTERVAL: Duration = Duration::from_secs(60);
/// How long a host that lost an answer keeps the next refresh waiting.
const LOST_ANSWER_GRACE: Duration = Duration::from_secs(1);
/// Longest wait before the first retry; doubles with every failure.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
/// Longest wait before a later retry: an app is back within ten minutes of its CDN.
const BACKOFF_CAP: Duration = Duration::from_secs(600);
/// Longest `Retry-After` that is honoured: no mirror keeps an app from the others for longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The refresh machine: at most one round at a time, in which one URL after the other is asked (all at once when forced).
#[derive(Debug)]
pub(super) struct Schedule {
    urls: usize,
    fetch_timeout: Duration,
    next_at: Duration,
    failures: u32,
    forced_at: Option<Duration>,
    round: Option<Round>,
    last_succeeded: bool,
    started: u64,
    chance: u64,
}

#[derive(Debug)]
struct Round {
    forced: bool,
    /// Not asked yet, last first.
    unasked: Vec<usize>,
    asked: Vec<usize>,
    ends_at: Duration,
    succeeded: bool,
    retry_after: Option<Duration>,
}

/// What to do next.
pub(super) enum Step {
    Wait { until: Duration },
    Ask { round: u64, url: usize, forced: bool, timeout: Duration },
}

/// How one answer counts.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Success { refresh: Duration },
    Failure { retry_after: Option<Duration> },
}

impl Schedule {
    pub(super) fn new(urls: usize, fetch_timeout: Duration, chance: u64) -> Self {
        let [shortest, longest] = FETCH_TIMEOUT_RANGE;
        let fetch_timeout = fetch_timeout.clamp(shortest, longest);
        Self {
            urls,
            fetch_timeout,
            next_at: Duration::ZERO,
            failures: 0,
            forced_at: None,
            round: None,
            last_succeeded: true,
            started: 0,
            chance,
        }
    }

    /// A new one for another root, in which every round so far is over.
    pub(super) fn succeeded_by(&mut self, urls: usize) -> Self {
        Self { started: self.started, ..Self::new(urls, self.fetch_timeout, self.chance()) }
    }

    /// Makes a refresh due now. Returns the round to wait for.
    pub(super) fn make_due(&mut self) -> u64 {
        if self.round.is_some() {
            return self.started;
        }
        self.next_at = Duration::ZERO;
        self.started + 1
    }

    /// Starts a forced round in place of a running ordinary one, or joins a running forced one. `None` if the last one
    /// is less than a minute ago (P-4.11).
    pub(super) fn force(&mut self, at: Duration) -> Option<u64> {
        if self.round.as_ref().is_some_and(|round| round.forced && at < round.ends_at) {
            return Some(self.started);
        }
        if self.forced_at.is_some_and(|last| at.saturating_sub(last) < FORCED_INTERVAL) {
            return None;
        }
        self.forced_at = Some(at);
        self.start_round(true, at + FORCED_TIMEOUT);
        Some(self.started)
    }

    /// Whether the last round that is over brought an acceptable answer; true before the first.
    pub(super) fn last_succeeded(&self) -> bool {
        self.last_succeeded
    }

    /// The last round that began.
    pub(super) fn started(&self) -> u64 {
        self.started
    }

    /// The last round that is over.
    pub(super) fn completed(&self) -> u64 {
        if self.round.is_some() { self.started - 1 } else { self.started }
    }

    pub(super) fn poll(&mut self, at: Duration) -> Step {
        if self.round.as_ref().is_some_and(|round| at >= round.ends_at) {
            self.finish_round(at, None);
        }
        if self.round.is_none() {
            if at < self.next_at {
                return Step::Wait { until: self.next_at };
            }
            self.start_round(false, at);
        }
        let (started, fetch_timeout) = (self.started, self.fetch_timeout);
        let Some(round) = &mut self.round else { return Step::Wait { until: self.next_at } };
        let may_ask = round.forced || round.asked.is_empty();
        match round.unasked.pop_if(|_| may_ask) {
            Some(url) => {
                round.asked.push(url);
                let timeout = if round.forced { round.ends_at.saturating_sub(at) } else { fetch_timeout };
                if !round.forced {
                    round.ends_at = at + timeout + LOST_ANSWER_GRACE;
                }
                Step::Ask { round: started, url, forced: round.forced, timeout }
            }
            None => Step::Wait { until: round.ends_at },
        }
    }

    /// Whether an answer for `url` is still waited for in `round`.
    pub(super) fn expects(&self, round: u64, url: usize) -> bool {
        round == self.started && self.round.as_ref().is_some_and(|round| round.asked.contains(&url))
    }

    /// Counts an expected answer. True if it ended the round.
    pub(super) fn count(&mut self, url: usize, outcome: Outcome, at: Duration) -> bool {
        let Some(round) = &mut self.round else { return false };
        round.asked.retain(|asked| *asked != url);
        let refresh = match outcome {
            Outcome::Success { refresh } => {
                round.succeeded = true;
                Some(refresh)
            }
            Outcome::Failure { retry_after } => {
                round.retry_after = round.retry_after.max(retry_after);
                None
            }
        };
        let all_asked = round.unasked.is_empty() && round.asked.is_empty();
        let over = all_asked || (round.succeeded && !round.forced);
        if over {
            self.finish_round(at, refresh);
        } else if let Some(refresh) = refresh {
            // Known now, in case the others of a forced round never answer.
            self.next_at = at + refresh;
        }
        over
    }

    fn start_round(&mut self, forced: bool, ends_at: Duration) {
        let first = usize::try_from(self.chance() % self.urls as u64).unwrap_or(0);
        let unasked = (0..self.urls).rev().map(|offset| (first + offset) % self.urls).collect();
        self.started += 1;
        self.round = Some(Round { forced, unasked, asked: Vec::new(), ends_at, succeeded: false, retry_after: None });
    }

    fn finish_round(&mut self, at: Duration, refresh: Option<Duration>) {
        let Some(round) = self.round.take() else { return };
        self.last_succeeded = round.succeeded;
        if round.succeeded {
            self.failures = 0;
            self.next_at = refresh.map_or(self.next_at, |refresh| at + refresh);
            return;
        }
        // Full jitter: anywhere between now and the longest wait, but not before the server allows.
        let longest = BACKOFF_BASE.saturating_mul(1 << self.failures.min(20)).min(BACKOFF_CAP);
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let jittered = Duration::from_millis(self.chance() % millis.saturating_add(1));
        self.failures = self.failures.saturating_add(1);
        let allowed = round.retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        self.next_at = at + jittered.max(allowed);
    }

    /// SplitMix64: spreads retries and first URLs over installations; nothing depends on its secrecy.
    fn chance(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
