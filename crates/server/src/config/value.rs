use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use ipnet::IpNet;
use pintle_core::root::BaseUrl;
use pintle_store::DatabaseUrl;

/// How a value is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Number,
    Boolean,
    List,
    /// Nothing that any option holds.
    Other,
}

impl Shape {
    /// What is expected, in words.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Text => "text in quotes",
            Self::Number => "a number",
            Self::Boolean => "`true` or `false`",
            Self::List => "a list, as in [\"a\", \"b\"] or [1, 2]",
            Self::Other => "something else",
        }
    }
}

/// What an option can hold.
pub(super) trait OptionValue: Sized {
    const SHAPE: Shape = Shape::Text;

    /// Reads the elements of a list, or the one element of anything else.
    ///
    /// # Errors
    /// What would have been expected.
    fn parse(elements: &[String]) -> Result<Self, String>;

    /// As it is shown to the operator.
    fn show(&self) -> String;
}

/// Reads the one element through [`FromStr`].
pub(super) fn parse_one<T: FromStr>(elements: &[String], expected: &str) -> Result<T, String> {
    elements.first().and_then(|text| text.parse().ok()).ok_or_else(|| expected.to_owned())
}

impl OptionValue for String {
    fn parse(elements: &[String]) -> Result<Self, String> {
        parse_one(elements, "text")
            .and_then(|text: Self| if text.is_empty() { Err("text that is not empty".to_owned()) } else { Ok(text) })
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl OptionValue for PathBuf {
    fn parse(elements: &[String]) -> Result<Self, String> {
        String::parse(elements).map(Self::from)
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl OptionValue for bool {
    const SHAPE: Shape = Shape::Boolean;

    fn parse(elements: &[String]) -> Result<Self, String> {
        parse_one(elements, "`true` or `false`")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for u64 {
    const SHAPE: Shape = Shape::Number;

    fn parse(elements: &[String]) -> Result<Self, String> {
        parse_one(elements, "a number, 0 or more")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for SocketAddr {
    fn parse(elements: &[String]) -> Result<Self, String> {
        parse_one(elements, "an address and port, as in 127.0.0.1:8440 or [::]:8440")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for IpNet {
    fn parse(elements: &[String]) -> Result<Self, String> {
        parse_one(elements, "a network, as in 10.0.0.0/8 or 127.0.0.1/32")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for BaseUrl {
    fn parse(elements: &[String]) -> Result<Self, String> {
        let text: String = parse_one(elements, "a URL")?;
        Self::dangerous_parse_http_loopback(&text).map_err(|error| {
            format!("a URL as in https://pins.example.com, with http for loopback hosts alone: {error}")
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for DatabaseUrl {
    fn parse(elements: &[String]) -> Result<Self, String> {
        let text: String = parse_one(elements, "a URL")?;
        Self::parse(&text).map_err(|error| format!("the URL of a database: {error}"))
    }

    /// Without its password.
    fn show(&self) -> String {
        self.to_string()
    }
}

impl<T: OptionValue> OptionValue for Vec<T> {
    const SHAPE: Shape = Shape::List;

    fn parse(elements: &[String]) -> Result<Self, String> {
        elements.iter().map(|element| T::parse(std::slice::from_ref(element))).collect()
    }

    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(", ")
    }
}
