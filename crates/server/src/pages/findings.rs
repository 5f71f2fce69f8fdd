//! What the guard found, for the eye: what blocks first, and hundreds of a kind as one.

use askama::{Template, filters::HtmlSafe};
use pintle_api::{Finding, FindingGroup, Severity};

use super::{place::InProject, sign_in::form_encode};

/// Findings, a group of a kind after the other.
#[derive(Template, Clone, Debug)]
#[template(path = "part/findings.html")]
pub(super) struct Findings<'a> {
    groups: Vec<FindingGroup<'a>>,
    /// Where the project's domains are.
    domains: String,
}

/// Its own template escapes what is in it.
impl HtmlSafe for Findings<'_> {}

/// For templates. What is about a domain leads to its page.
pub(super) fn show<'a>(findings: &'a [Finding], place: &InProject) -> Findings<'a> {
    Findings { groups: FindingGroup::gather(findings), domains: format!("{}/domains", place.path()) }
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

/// A finding among others of its kind: what leads to its domain, and what stands after it.
struct Told<'a> {
    name: Option<&'a str>,
    endpoint: Option<&'a str>,
    detail: &'a str,
}

/// Nothing is said twice: where the sentence begins with the name, the name of the sentence is what leads there.
fn tell(finding: &Finding) -> Told<'_> {
    let (domain, endpoint) = (finding.domain.as_deref(), finding.endpoint.as_deref());
    let detail = finding.detail.as_str();
    let begins = |name: &str| detail.strip_prefix(name).filter(|rest| rest.starts_with([' ', ':']));
    for name in [endpoint, domain].into_iter().flatten().filter(|_| domain.is_some()) {
        if let Some(rest) = begins(name) {
            return Told { name: Some(name), endpoint: None, detail: rest };
        }
    }
    Told { name: domain, endpoint: endpoint.filter(|name| !detail.contains(name)), detail }
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
        let page =
            Findings { groups: FindingGroup::gather(&findings), domains: "/domains".to_owned() }.render().unwrap();
        let (error, warning) = (
            page.find("Error · <a href=\"/domains?name=shop.example\">shop.example</a>").unwrap(),
            page.find("200 warnings").unwrap(),
        );
        let (first, fold, fourth) =
            (page.find("h0.example").unwrap(), page.find("197 more").unwrap(), page.find("h3.example").unwrap());
        assert!(error < warning && warning < first && first < fold && fold < fourth, "{page}");
        assert_eq!(page.matches("One pin counts.").count(), 200, "each of them is there");
        assert_eq!(page.matches(FindingCode::NoBackupPin.advice()).count(), 1, "and what to do stands there once");
        assert!(page.contains("&#60;b&#62;"));
    }
}
