//! What the guard found, for the eye: what blocks first, and hundreds of a kind as one.

use askama::{Template, filters::HtmlSafe};
use pintle_api::{Finding, FindingGroup, Severity};

/// Findings, a group of a kind after the other.
#[derive(Template, Clone, Debug)]
#[template(path = "part/findings.html")]
pub(super) struct Findings<'a> {
    groups: Vec<FindingGroup<'a>>,
}

/// Its own template escapes what is in it.
impl HtmlSafe for Findings<'_> {}

/// For templates.
pub(super) fn show(findings: &[Finding]) -> Findings<'_> {
    Findings { groups: FindingGroup::gather(findings) }
}

/// A word for so many of this weight, and how it looks.
fn weigh(severity: &Severity, count: usize) -> (String, &'static str) {
    let (word, mood) = match severity {
        Severity::Error => ("Error", "notice-bad"),
        Severity::Warning => ("Warning", "notice-soon"),
        Severity::Note => ("Note", ""),
    };
    let word = if count == 1 { word.to_owned() } else { format!("{count} {}s", word.to_lowercase()) };
    (word, mood)
}

/// What it is about, as far as the finding itself does not say so.
fn place(finding: &Finding) -> String {
    let named = [finding.domain.as_deref(), finding.endpoint.as_deref()].into_iter().flatten();
    named.filter(|name| !finding.detail.contains(name)).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_api::FindingCode;

    #[test]
    fn two_hundred_warnings_are_one_and_the_error_stands_above_them() {
        let warn =
            |number| Finding::new(FindingCode::NoBackupPin, "One pin counts.").about(&format!("h{number}.example"));
        let mut findings: Vec<_> = (0..200).map(warn).collect();
        findings.push(Finding::new(FindingCode::WouldRefuse, "<b>").about("shop.example").seen_at("shop.example:443"));
        let page = show(&findings).render().unwrap();
        let (error, warning) = (page.find("Error · shop.example").unwrap(), page.find("200 warnings").unwrap());
        let (first, fold, fourth) =
            (page.find("h0.example").unwrap(), page.find("197 more").unwrap(), page.find("h3.example").unwrap());
        assert!(error < warning && warning < first && first < fold && fold < fourth, "{page}");
        assert_eq!(page.matches("One pin counts.").count(), 200, "each of them is there");
        assert_eq!(page.matches(FindingCode::NoBackupPin.advice()).count(), 1, "and what to do stands there once");
        assert!(page.contains("&#60;b&#62;"));
    }
}
