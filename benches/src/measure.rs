//! Ratios, not times: what is compared runs in turns in the same process, and the fastest turn of each counts.

use std::time::Instant;

/// Turns of each; the fastest is the one that nothing disturbed. Many short ones: a long one is always disturbed.
const TURNS: usize = 500;

/// Nanoseconds per call of each of `works`, called `calls` times a turn.
pub(crate) fn fastest_of<const N: usize>(calls: usize, mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut fastest = [f64::INFINITY; N];
    for _ in 0..TURNS {
        for (work, fastest) in works.iter_mut().zip(&mut fastest) {
            let start = Instant::now();
            for _ in 0..calls {
                work();
            }
            *fastest = fastest.min(start.elapsed().as_nanos() as f64 / calls as f64);
        }
    }
    fastest
}

/// One figure.
pub(crate) struct Row {
    name: String,
    limit: String,
    ours: String,
    figure: f64,
    allowed: f64,
}

impl Row {
    pub(crate) fn ratio(name: String, what: &str, limit: f64, ours: f64, allowed: f64) -> Self {
        Self {
            name,
            limit: format!("{limit:.0} ns: {what}"),
            ours: format!("{ours:.0} ns"),
            figure: ours / limit,
            allowed,
        }
    }

    pub(crate) fn most(name: &str, unit: &str, ours: f64, allowed: f64) -> Self {
        Self { name: name.into(), limit: "-".into(), ours: format!("{ours:.0} {unit}"), figure: ours, allowed }
    }

    /// Prints the row; whether the limit is met.
    pub(crate) fn print(&self) -> bool {
        let met = self.figure <= self.allowed;
        let verdict = if met { "met" } else { "MISSED" };
        println!(
            "{:<26} {:>12}   {:>8.2} of at most {:<8} {:<7} {}",
            self.name, self.ours, self.figure, self.allowed, verdict, self.limit
        );
        met
    }
}
