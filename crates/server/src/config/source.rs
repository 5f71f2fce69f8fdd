use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::value::Shape;

/// Every variable of the environment that this program looks at begins with it.
const PREFIX: &str = "PINTLE_";

/// Variables that speak to the command line, not to the server.
const OTHER_VARIABLES: &[&str] = &[
    "PINTLE_CONFIG",
    "PINTLE_CONFIG_DIR",
    "PINTLE_KEY",
    "PINTLE_KEY_PASSWORD",
    "PINTLE_KMS_TOKEN",
    "PINTLE_NEW_KEY_PASSWORD",
    "PINTLE_ORGANIZATION",
    "PINTLE_OUTPUT",
    "PINTLE_PASSWORD",
    "PINTLE_PKCS11_MODULE",
    "PINTLE_PROJECT",
    "PINTLE_SERVER",
    "PINTLE_TOKEN",
];

/// Where options come from. Later ones win: default, file, environment, command line.
#[derive(Clone, Debug, Default)]
pub struct ConfigSources {
    /// The configuration file.
    pub file: Option<ConfigFile>,
    /// The environment; what does not begin with `PINTLE_` is not looked at.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub flags: Vec<ConfigFlag>,
}

/// A configuration file as it was read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its name, for messages.
    pub name: String,
    /// Its TOML.
    pub text: String,
}

/// An option given on the command line.
#[derive(Clone, Debug)]
pub struct ConfigFlag {
    /// The option, as in `tls.certificate`.
    pub key: &'static str,
    /// As it is written there, as in `--tls-certificate`.
    pub name: &'static str,
    /// Its value; a list may have several.
    pub values: Vec<String>,
}

/// The kinds of places an option is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the default holds.
    Default,
    /// The configuration file.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    Flag,
}

/// A value before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawValue {
    pub(super) origin: Origin,
    /// For messages: `pintle.toml:3`, `PINTLE_LISTEN`, `--listen`.
    pub(super) place: String,
    /// `None`: written in a place that has only text, so that any shape fits.
    pub(super) shape: Option<Shape>,
    pub(super) elements: Vec<String>,
}

impl RawValue {
    /// The elements, if they are written as `shape`; a comma separates those of a list in a variable.
    pub(super) fn elements_as(&self, shape: Shape) -> Option<Vec<String>> {
        match self.shape {
            Some(written) => (written == shape).then(|| self.elements.clone()),
            None if shape == Shape::List => Some(
                self.elements
                    .iter()
                    .flat_map(|text| text.split(','))
                    .map(|text| text.trim().to_owned())
                    .filter(|text| !text.is_empty())
                    .collect(),
            ),
            None => Some(self.elements.clone()),
        }
    }
}

/// `PINTLE_TLS_CERTIFICATE` for `tls.certificate`.
pub(super) fn env_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Every value of the environment by its variable.
pub(super) fn read_environment(environment: &[(String, String)]) -> BTreeMap<String, RawValue> {
    let is_ours = |name: &str| name.starts_with(PREFIX) && !OTHER_VARIABLES.contains(&name);
    // An empty variable is how many tools unset one.
    let set = environment.iter().filter(|(name, value)| is_ours(name) && !value.is_empty());
    set.map(|(name, value)| {
        let (place, elements) = (name.clone(), vec![value.clone()]);
        (name.clone(), RawValue { origin: Origin::Environment, place, shape: None, elements })
    })
    .collect()
}

/// Every value of the file by its key, as in `tls.certificate`.
///
/// # Errors
/// Place and words of every mistake of syntax.
pub(super) fn read_file(file: &ConfigFile) -> Result<BTreeMap<String, RawValue>, Vec<(String, String)>> {
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    if !errors.is_empty() {
        let told = |error: &toml::de::Error| {
            (place(file, error.span().map_or(0, |span| span.start)), error.message().to_owned())
        };
        return Err(errors.iter().map(told).collect());
    }
    let mut values = BTreeMap::new();
    collect(file, "", table.get_ref(), &mut values);
    Ok(values)
}

fn collect(file: &ConfigFile, prefix: &str, table: &DeTable<'_>, values: &mut BTreeMap<String, RawValue>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => collect(file, &key, table, values),
            other => {
                let (shape, elements) = read_value(other);
                let place = place(file, name.span().start);
                values.insert(key, RawValue { origin: Origin::File, place, shape: Some(shape), elements });
            }
        }
    }
}

fn read_value(value: &DeValue<'_>) -> (Shape, Vec<String>) {
    match value {
        DeValue::String(text) => (Shape::Text, vec![text.to_string()]),
        DeValue::Integer(number) => (Shape::Number, vec![number.as_str().to_owned()]),
        DeValue::Boolean(value) => (Shape::Boolean, vec![value.to_string()]),
        DeValue::Array(elements) => {
            let texts = elements.iter().map(|element| match read_value(element.get_ref()) {
                (Shape::Text | Shape::Number, one) => one.into_iter().next(),
                _ => None,
            });
            texts.collect::<Option<Vec<_>>>().map_or((Shape::Other, Vec::new()), |texts| (Shape::List, texts))
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => (Shape::Other, Vec::new()),
    }
}

/// `pintle.toml:3`
fn place(file: &ConfigFile, offset: usize) -> String {
    let before = file.text.as_bytes().get(..offset).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("{}:{line}", file.name)
}
