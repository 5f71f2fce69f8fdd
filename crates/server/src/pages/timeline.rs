//! Which pins count in which weeks of the next year, and which certificate covers them, as pictures with words beside them.

use askama::{Template, filters::HtmlSafe};
use pintle_api::{DomainResponse, PinResponse, PinType};
use pintle_service::KnownCertificate;

use super::{
    chart::WIDTH,
    show::{Remaining, date, pin_state, word},
};

const YEAR_SECS: u64 = 365 * 86_400;
const BAR_HEIGHT: u64 = 8;
const BAR_GAP: u64 = 3;

/// A domain, and what becomes of its pins within a year.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: Remaining,
    pub(super) picture: Picture,
}

#[derive(Template)]
#[template(path = "part/pins_picture.html")]
pub(super) struct Picture {
    bars: Vec<Bar>,
    /// From when on no pin counts, in units from the left.
    gap: Option<u64>,
    height: u64,
    /// The same in a sentence.
    words: String,
}

impl HtmlSafe for Picture {}

struct Bar {
    top: u64,
    /// As long as the pin counts.
    width: u64,
    /// As long as a certificate is known that it matches.
    covered: u64,
    mood: &'static str,
    says: String,
}

/// How long a pin counts, and how long a certificate is known that it matches; `None`: without end, or none.
struct Span {
    end: Option<u64>,
    certificate: Option<u64>,
}

impl Span {
    fn new(pin: &PinResponse, certificates: &[&KnownCertificate]) -> Self {
        let fits = |known: &&&KnownCertificate| match pin.pin_type {
            PinType::SpkiSha256 => known.spki_sha256 == pin.digest,
            PinType::CertSha256 => known.sha256 == pin.digest,
            PinType::SpkiSha512 | PinType::CertSha512 => false,
        };
        let certificate = certificates.iter().filter(fits).map(|known| known.not_after).max();
        // A key goes on into the next certificate; a certificate does not.
        let last = certificate.filter(|_| pin.pin_type == PinType::CertSha256);
        let end = [pin.expires_at, last].into_iter().flatten().min();
        Self { end, certificate }
    }

    fn counts(&self, now: u64) -> bool {
        self.end.is_none_or(|end| end > now)
    }
}

impl Bar {
    fn new(pin: &PinResponse, span: &Span, number: u64, now: u64) -> Self {
        let width = span.end.map_or(WIDTH, |end| place(end, now));
        let name = pin.label.clone().unwrap_or_else(|| word(&pin.pin_type));
        let until = span.end.map_or_else(|| "without end".to_owned(), |end| format!("until {}", date(end)));
        let known = match span.certificate {
            Some(at) => format!("its certificate ends {}", date(at)),
            None => "no certificate of it was seen".to_owned(),
        };
        Self {
            top: number * (BAR_HEIGHT + BAR_GAP),
            width,
            covered: span.certificate.map_or(0, |at| place(at, now).min(width)),
            mood: span.end.map_or("good", |end| Remaining::new(end, now).mood),
            says: format!("{name}: pinned {until}, {known}"),
        }
    }
}

impl Row {
    /// With the certificates that were seen, of whatever domain.
    pub(super) fn new(domain: &DomainResponse, certificates: &[KnownCertificate], now: u64) -> Self {
        let own: Vec<_> = certificates.iter().filter(|known| known.domain == domain.name).collect();
        let spans = domain.pins.iter().map(|pin| (pin, Span::new(pin, &own)));
        let mut counting: Vec<_> = spans.filter(|(_, span)| span.counts(now)).collect();
        counting.sort_by_key(|(_, span)| span.end.unwrap_or(u64::MAX));
        let bars: Vec<_> =
            counting.iter().zip(0..).map(|((pin, span), number)| Bar::new(pin, span, number, now)).collect();
        let last_end = counting.last().map_or(Some(now), |(_, span)| span.end);
        let gap = last_end.map(|end| place(end, now)).filter(|at| *at < WIDTH);
        let covered = match last_end.filter(|_| gap.is_some()) {
            Some(end) => format!("none counts from {} on", date(end)),
            None => "covered for the year".to_owned(),
        };
        let each: String = bars.iter().map(|bar| format!("; {}", bar.says)).collect();
        let words =
            format!("{}: {} of {} pins count, {covered}{each}", domain.display_name, bars.len(), domain.pins.len());
        let height = (bars.len().max(1) as u64) * (BAR_HEIGHT + BAR_GAP) - BAR_GAP;
        let picture = Picture { bars, gap, height, words };
        Self { id: domain.id.clone(), name: domain.display_name.clone(), state: pin_state(domain, &now), picture }
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
                    "id": "pin_1", "type": "spki-sha256", "digest": "key", "match": "leaf", "created_at": 0
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

    fn certificate(name: &str, not_after: u64) -> KnownCertificate {
        let domain = "a.example".to_owned();
        KnownCertificate { domain, sha256: name.to_owned(), spki_sha256: "key".to_owned(), not_after }
    }

    #[test]
    fn a_gap_begins_where_the_last_pin_ends() {
        let ends = domain(&[Some(NOW + YEAR_SECS / 4), Some(NOW + YEAR_SECS / 2), Some(NOW - 1)]);
        let picture = Row::new(&ends, &[], NOW).picture;
        assert_eq!((picture.bars.len(), picture.gap), (2, Some(500)));
        assert_eq!(picture.bars.iter().map(|bar| bar.width).collect::<Vec<_>>(), [250, 500]);
        let gap = |ends: &[Option<u64>]| Row::new(&domain(ends), &[], NOW).picture.gap;
        assert_eq!(gap(&[Some(NOW + 1), None]), None, "one without end covers the year");
        assert_eq!(gap(&[]), Some(0), "no pin at all");
    }

    #[test]
    fn a_key_outlives_its_certificate_and_a_certificate_does_not() {
        let mut pinned = domain(&[None]);
        let known = [certificate("old", NOW + YEAR_SECS / 4), certificate("new", NOW + YEAR_SECS / 2)];
        let row = Row::new(&pinned, &known, NOW).picture;
        assert_eq!((row.bars[0].covered, row.bars[0].width, row.gap), (500, 1000, None));
        pinned.pins[0].pin_type = PinType::CertSha256;
        pinned.pins[0].digest = "old".to_owned();
        let row = Row::new(&pinned, &known, NOW).picture;
        assert_eq!((row.bars[0].covered, row.bars[0].width, row.gap), (250, 250, Some(250)));
        let elsewhere = KnownCertificate { domain: "b.example".to_owned(), ..certificate("old", NOW + 1) };
        let row = Row::new(&pinned, &[elsewhere], NOW).picture;
        assert_eq!((row.bars[0].covered, row.gap), (0, None), "of another domain");
    }
}
