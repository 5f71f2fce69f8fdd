use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    fs,
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
};

use secrecy::SecretString;

use super::{
    source::{ConfigSources, Origin, RawValue, env_name, read_environment, read_file},
    value::{OptionValue, Shape, parse_one},
};

/// An option as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveOption {
    /// As in `tls.certificate`; in documents `NAME` stands for a name of the operator's choice.
    pub key: String,
    /// Its variable, as in `PINTLE_TLS_CERTIFICATE`.
    pub variable: String,
    /// What holds where it is not set, in words.
    pub default: String,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// Its value; that of a secret is not told.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// That place, as in `pintle.toml:3`.
    pub place: Option<String>,
}

/// Something that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Stable code.
    pub code: &'static str,
    /// What and where.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// The options being read. Whoever asks for one declares it: its name, type, default and meaning stand in that one place.
pub(super) struct Options {
    file: BTreeMap<String, RawValue>,
    environment: BTreeMap<String, RawValue>,
    flags: BTreeMap<String, RawValue>,
    pub(super) declared: Vec<EffectiveOption>,
    pub(super) problems: Vec<ConfigProblem>,
    pub(super) warnings: Vec<ConfigProblem>,
    is_documenting: bool,
}

impl Options {
    pub(super) fn open(sources: &ConfigSources) -> Self {
        let mut problems = Vec::new();
        let file =
            sources.file.as_ref().map(read_file).unwrap_or_else(|| Ok(BTreeMap::new())).unwrap_or_else(|errors| {
                problems.extend(errors.into_iter().map(|(place, message)| ConfigProblem {
                    code: "server_config_invalid",
                    message: format!("{place}: {message}"),
                    hint: "the file is TOML: `option = \"value\"`, sections in [brackets]".to_owned(),
                }));
                BTreeMap::new()
            });
        let given = sources.flags.iter().filter(|flag| !flag.values.is_empty()).map(|flag| {
            let (place, elements) = (flag.name.to_owned(), flag.values.clone());
            (flag.key.to_owned(), RawValue { origin: Origin::Flag, place, shape: None, elements })
        });
        let flags = given.collect();
        let environment = read_environment(&sources.environment);
        let (declared, warnings) = (Vec::new(), Vec::new());
        Self { file, environment, flags, declared, problems, warnings, is_documenting: false }
    }

    /// Nothing is set: what is declared is what can be.
    pub(super) fn document() -> Self {
        Self { is_documenting: true, ..Self::open(&ConfigSources::default()) }
    }

    /// An option that always has a value.
    pub(super) fn value<T: OptionValue>(&mut self, key: impl Into<String>, default: T, meaning: &'static str) -> T {
        let key = key.into();
        let shown = default.show();
        let shown = if shown.is_empty() { "none".to_owned() } else { shown };
        let (value, raw) = self.read(&key, T::SHAPE, T::parse);
        self.declare(key, shown, meaning, value.as_ref().map(T::show), raw);
        value.unwrap_or(default)
    }

    /// An option that may be left out, which means what `unset` says.
    pub(super) fn optional<T: OptionValue>(
        &mut self,
        key: impl Into<String>,
        unset: &str,
        meaning: &'static str,
    ) -> Option<T> {
        let key = key.into();
        let (value, raw) = self.read(&key, T::SHAPE, T::parse);
        self.declare(key, unset.to_owned(), meaning, value.as_ref().map(T::show), raw);
        value
    }

    /// A number within `range`.
    pub(super) fn number<T: Copy + PartialOrd + Display + FromStr>(
        &mut self,
        key: impl Into<String>,
        default: T,
        range: RangeInclusive<T>,
        meaning: &'static str,
    ) -> T {
        let key = key.into();
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let (value, raw) = self.read(&key, Shape::Number, |elements| {
            parse_one(elements, &expected)
                .and_then(|number| if range.contains(&number) { Ok(number) } else { Err(expected.clone()) })
        });
        self.declare(key, default.to_string(), meaning, value.map(|value| value.to_string()), raw);
        value.unwrap_or(default)
    }

    /// A secret: never shown. `KEY_file` names a file whose first line it is.
    pub(super) fn secret(&mut self, key: &str, unset: &str, meaning: &'static str) -> Option<SecretString> {
        let (direct, raw) = self.read(key, Shape::Text, |elements| String::parse(elements).map(SecretString::from));
        self.declare(key.to_owned(), unset.to_owned(), meaning, direct.as_ref().map(|_| "(hidden)".to_owned()), raw);
        let file_key = format!("{key}_file");
        let unset = format!("see `{key}`");
        let path: Option<PathBuf> = self.optional(&file_key, &unset, "File whose first line is that secret");
        match (direct, path) {
            (Some(_), Some(_)) => {
                self.refuse(&file_key, "the same secret is given in two places", "keep one of the two");
                None
            }
            (None, Some(path)) => match fs::read_to_string(&path) {
                Ok(text) => Some(SecretString::from(text.lines().next().unwrap_or_default())),
                Err(error) => {
                    let message = format!("{} cannot be read: {error}", path.display());
                    self.refuse(&file_key, &message, "name a file that the server's user can read");
                    None
                }
            },
            (direct, None) => direct,
        }
    }

    /// Sections with names of the operator's choice, as in `[plans.free]`. `read` gets `plans.free`, and reads its
    /// options as in `options.number(format!("{section}.projects"), …)`. Which sections there are, the file alone says;
    /// the documents show one called `NAME`.
    pub(super) fn named<T>(&mut self, prefix: &str, mut read: impl FnMut(&mut Self, &str) -> T) -> BTreeMap<String, T> {
        let name_of = |key: &String| {
            key.strip_prefix(prefix)?.strip_prefix('.')?.split_once('.').map(|(name, _)| name.to_owned())
        };
        let mut names: BTreeSet<String> = self.file.keys().filter_map(name_of).collect();
        names.extend(self.is_documenting.then(|| "NAME".to_owned()));
        names.into_iter().map(|name| (name.clone(), read(self, &format!("{prefix}.{name}")))).collect()
    }

    /// Whether options are declared for the documents, so that none is set.
    pub(super) fn is_documenting(&self) -> bool {
        self.is_documenting
    }

    /// Records that the value of `key` cannot be used.
    pub(super) fn refuse(&mut self, key: &str, message: &str, hint: &str) {
        self.report("option_invalid", key, message, hint);
    }

    /// Records a problem with the option `key`.
    pub(super) fn report(&mut self, code: &'static str, key: &str, message: &str, hint: &str) {
        let place = self.place_of(key).map(|place| format!("{place}: ")).unwrap_or_default();
        let message = format!("{place}`{key}`: {message}");
        self.problems.push(ConfigProblem { code, message, hint: hint.to_owned() });
    }

    /// Whatever was set and nobody asked for. A file is written for this program, so that there it is a mistake; in the
    /// environment others have their say, too (an orchestrator that sets PINTLE_PORT for a service of that name).
    pub(super) fn finish(&mut self) {
        let keys: Vec<&str> = self.declared.iter().map(|option| option.key.as_str()).collect();
        let variables: Vec<&str> = self.declared.iter().map(|option| option.variable.as_str()).collect();
        let tell = |raw: &RawValue, name: &str, known: &[&str]| ConfigProblem {
            code: "option_unknown",
            message: format!("{}: there is no option `{name}`", raw.place),
            hint: suggest(name, known),
        };
        let in_file = self.file.iter().filter(|(key, _)| !keys.contains(&key.as_str()));
        let unknown: Vec<_> = in_file.map(|(key, raw)| tell(raw, key, &keys)).collect();
        let in_environment = self.environment.iter().filter(|(name, _)| !variables.contains(&name.as_str()));
        let stray: Vec<_> = in_environment.map(|(name, raw)| tell(raw, name, &variables)).collect();
        self.problems.extend(unknown);
        self.warnings.extend(stray);
    }

    fn read<T>(
        &mut self,
        key: &str,
        shape: Shape,
        parse: impl FnOnce(&[String]) -> Result<T, String>,
    ) -> (Option<T>, Option<RawValue>) {
        let Some(raw) = self.find(key).cloned() else { return (None, None) };
        let parsed = match raw.elements_as(shape) {
            Some(elements) => parse(&elements),
            None => Err(shape.describe().to_owned()),
        };
        match parsed {
            Ok(value) => (Some(value), Some(raw)),
            Err(expected) => {
                self.refuse(key, &format!("expected {expected}"), "`pintle config check` shows every option in force");
                (None, None)
            }
        }
    }

    fn find(&self, key: &str) -> Option<&RawValue> {
        self.flags.get(key).or_else(|| self.environment.get(&env_name(key))).or_else(|| self.file.get(key))
    }

    fn place_of(&self, key: &str) -> Option<String> {
        self.find(key).map(|raw| raw.place.clone())
    }

    fn declare(
        &mut self,
        key: String,
        default: String,
        meaning: &'static str,
        value: Option<String>,
        raw: Option<RawValue>,
    ) {
        let variable = env_name(&key);
        let (origin, place) = raw.map_or((Origin::Default, None), |raw| (raw.origin, Some(raw.place)));
        let value = value.unwrap_or_else(|| default.clone());
        self.declared.push(EffectiveOption { key, variable, default, meaning, value, origin, place });
    }
}

/// The known name that was probably meant.
fn suggest(name: &str, known: &[&str]) -> String {
    let likeness = |other: &&&str| (strsim::jaro_winkler(name, other) * 1000.0).round();
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|nearest| likeness(nearest) > 800.0) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "docs/operations/configuration.md lists every option".to_owned(),
    }
}
