//! One file of cases.

use serde_json::{Map, Value};

/// A file: material its cases share, and the cases.
pub(crate) struct Suite {
    path: &'static str,
    kind: &'static str,
    about: &'static str,
    shared: Map<String, Value>,
    cases: Vec<String>,
}

impl Suite {
    pub(crate) fn new(path: &'static str, kind: &'static str, about: &'static str) -> Self {
        Self { path, kind, about, shared: Map::new(), cases: Vec::new() }
    }

    /// Adds `value` to `shared.<group>.<name>`.
    pub(crate) fn share(&mut self, group: &str, name: &str, value: impl Into<Value>) {
        let group = self.shared.entry(group).or_insert_with(|| Value::Object(Map::new()));
        group.as_object_mut().unwrap().insert(name.into(), value.into());
    }

    /// Adds a case of level 1.
    pub(crate) fn case(&mut self, name: &str, rules: &[&str], input: Value, expect: Value) {
        self.spelled_case(name, rules, &sorted(input).to_string(), expect);
    }

    fn spelled_case(&mut self, name: &str, rules: &[&str], input: &str, expect: Value) {
        let start = format!("{{\"name\": {}, ", Value::from(name));
        assert!(!self.cases.iter().any(|case| case.starts_with(&start)), "{}: {name:?} stands twice", self.path);
        let rules = serde_json::to_string(rules).unwrap();
        self.cases.push(format!(
            "{start}\"rules\": {rules}, \"level\": 1,\n   \"input\": {input},\n   \"expect\": {}}}",
            sorted(expect),
        ));
    }

    /// Adds a case of level 1 whose input is `steps`, one a line.
    pub(crate) fn case_of_steps(&mut self, name: &str, rules: &[&str], steps: &[Value], expect: Value) {
        let lines: Vec<_> = steps.iter().map(|step| format!("    {}", sorted(step.clone()))).collect();
        self.spelled_case(name, rules, &format!("{{\"steps\": [\n{}\n   ]}}", lines.join(",\n")), expect);
    }

    pub(crate) fn to_file(&self) -> (String, String) {
        let mut groups = Vec::new();
        for (group, members) in sorted(Value::Object(self.shared.clone())).as_object().unwrap() {
            let members = members.as_object().unwrap().iter();
            let lines: Vec<_> = members.map(|(name, value)| format!("   {}: {value}", Value::from(&**name))).collect();
            groups.push(format!("  {}: {{\n{}\n  }}", Value::from(&**group), lines.join(",\n")));
        }
        let shared = if groups.is_empty() { "{}".into() } else { format!("{{\n{}\n }}", groups.join(",\n")) };
        let cases: Vec<_> = self.cases.iter().map(|case| format!("  {case}")).collect();
        let file = format!(
            "{{\n \"kind\": {},\n \"about\": {},\n \"shared\": {shared},\n \"cases\": [\n{}\n ]\n}}\n",
            Value::from(self.kind),
            Value::from(self.about),
            cases.join(",\n"),
        );
        (self.path.into(), file)
    }
}

/// The same value, members in alphabetical order whatever map `serde_json` was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(elements) => elements.into_iter().map(sorted).collect(),
        other => other,
    }
}
