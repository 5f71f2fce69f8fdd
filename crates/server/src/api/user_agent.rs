//! What a request was made with, as coarsely as people need to tell their sessions apart.

/// More of a name than anybody needs.
const MAX_CHARS: usize = 40;

/// In this order: every browser claims to be the ones below it.
const BROWSERS: [(&str, &str); 5] =
    [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// `Firefox on Linux` for a browser, the first word for a program. Versions, which would tell people apart, are dropped.
pub(super) fn describe_client(user_agent: &str) -> String {
    let find = |table: &[(&str, &str)]| {
        table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| (*name).to_owned())
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser,
        _ => {
            let word = user_agent.split(['/', ' ', ';', '(']).next().unwrap_or_default();
            word.chars().filter(char::is_ascii_graphic).take(MAX_CHARS).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_browsers_and_programs_without_versions() {
        for (user_agent, told) in [
            ("pintle-api/0.1.0", "pintle-api"),
            ("curl/8.5.0", "curl"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
                "Safari on iOS",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            ("", ""),
        ] {
            assert_eq!(describe_client(user_agent), told);
        }
        assert_eq!(describe_client(&"x".repeat(500)).len(), MAX_CHARS);
    }
}
