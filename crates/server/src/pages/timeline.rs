//! Which pins count in which weeks of the next year, as pictures with words beside them.

use pintle_api::DomainResponse;

use super::show::{Remaining, pin_state};

const YEAR_SECS: u64 = 365 * 86_400;
/// The picture is so many units wide; its height follows from the pins.
const WIDTH: u64 = 1000;
const BAR_HEIGHT: u64 = 8;
const BAR_GAP: u64 = 3;

/// A domain, and what becomes of its pins within a year.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: Remaining,
    pub(super) bars: Vec<Bar>,
    /// From when on no pin counts, in units from the left.
    pub(super) gap: Option<u64>,
    pub(super) height: u64,
    /// The same in a sentence.
    pub(super) words: String,
}

pub(super) struct Bar {
    pub(super) top: u64,
    pub(super) width: u64,
    pub(super) mood: &'static str,
}

impl Row {
    pub(super) fn new(domain: &DomainResponse, now: u64) -> Self {
        let counting = domain.pins.iter().filter(|pin| pin.expires_at.is_none_or(|at| at > now));
        let mut ends: Vec<Option<u64>> = counting.map(|pin| pin.expires_at).collect();
        ends.sort_by_key(|at| at.unwrap_or(u64::MAX));
        let bars: Vec<Bar> = ends
            .iter()
            .zip(0..)
            .map(|(end, at)| Bar {
                top: at * (BAR_HEIGHT + BAR_GAP),
                width: end.map_or(WIDTH, |end| place(end, now)),
                mood: end.map_or("good", |end| Remaining::new(end, now).mood),
            })
            .collect();
        let last_end = match ends.last() {
            None => Some(now),
            Some(end) => *end,
        };
        let gap = last_end.map(|end| place(end, now)).filter(|at| *at < WIDTH);
        let state = pin_state(domain, &now);
        let words = format!(
            "{} of {} pins count; {}",
            ends.len(),
            domain.pins.len(),
            if gap.is_some() { state.text.as_str() } else { "covered for the year" }
        );
        let height = (ends.len().max(1) as u64) * (BAR_HEIGHT + BAR_GAP) - BAR_GAP;
        Self { id: domain.id.clone(), name: domain.display_name.clone(), state, bars, gap, height, words }
    }
}

fn place(at: u64, now: u64) -> u64 {
    (at.saturating_sub(now).saturating_mul(WIDTH) / YEAR_SECS).min(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn domain(ends: &[Option<u64>]) -> DomainResponse {
        let pins: Vec<_> = ends
            .iter()
            .map(|end| {
                let mut pin = serde_json::json!({
                    "id": "pin_1", "type": "spki-sha256", "digest": "", "match": "leaf", "created_at": 0
                });
                if let Some(end) = end {
                    pin["expires_at"] = (*end).into();
                }
                pin
            })
            .collect();
        let domain = serde_json::json!({
            "id": "dom_1", "name": "a.example", "display_name": "a.example", "enforce": "always", "trust": "platform",
            "pins": pins, "created_at": 0
        });
        serde_json::from_value(domain).unwrap()
    }

    #[test]
    fn a_gap_begins_where_the_last_pin_ends() {
        let row = Row::new(&domain(&[Some(NOW + YEAR_SECS / 4), Some(NOW + YEAR_SECS / 2), Some(NOW - 1)]), NOW);
        assert_eq!((row.bars.len(), row.gap), (2, Some(500)));
        assert_eq!(row.bars.iter().map(|bar| bar.width).collect::<Vec<_>>(), [250, 500]);
        assert_eq!(Row::new(&domain(&[Some(NOW + 1), None]), NOW).gap, None, "one without end covers the year");
        assert_eq!(Row::new(&domain(&[]), NOW).gap, Some(0), "no pin at all");
    }
}
