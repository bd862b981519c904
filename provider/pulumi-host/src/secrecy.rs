//! The secrets of one call: found among the values of the program, so that they can be told wherever they turn up again.

use pulumi_value::{PropertyMap, Value};

/// The shortest text that is looked for inside of other texts, in characters: ours. Shorter ones are found in words by
/// chance, and are hidden only where they are the whole text.
const INSIDE_MIN: usize = 4;

/// The known texts that were passed in as secrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Vec<Hidden>);

/// A text that `Debug` does not print.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Secrets {
    /// Finds the secrets of some property maps.
    pub(crate) fn of<'m>(maps: impl IntoIterator<Item = &'m PropertyMap>) -> Self {
        let mut found = Vec::new();
        for value in maps.into_iter().flat_map(PropertyMap::values) {
            collect(value, false, &mut found);
        }
        // A secret that holds another one is replaced as a whole.
        found.sort_by(|left, right| right.0.len().cmp(&left.0.len()).then(left.cmp(right)));
        found.dedup();
        Self(found)
    }

    /// Tells whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Marks every text secret that is one of the secrets or holds one.
    pub(crate) fn mark(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        match value {
            Value::String(text) if self.are_in(&text) => Value::secret(text),
            Value::List(items) => {
                Value::List(items.into_iter().map(|item| self.mark(item)).collect())
            }
            Value::Map(map) => Value::Map(
                map.into_iter()
                    .map(|(key, value)| (key, self.mark(value)))
                    .collect(),
            ),
            Value::Annotated(annotated) => {
                let (content, secret, dependencies) = annotated.into_parts();
                let content = if secret { content } else { self.mark(content) };
                Value::annotated(content, secret, dependencies)
            }
            other => other,
        }
    }

    /// Blacks out the secrets in a text for people.
    pub(crate) fn conceal(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for Hidden(secret) in &self.0 {
            if text == *secret || (is_long(secret) && text.contains(secret.as_str())) {
                text = text.replace(secret.as_str(), "[secret]");
            }
        }
        text
    }

    fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|Hidden(secret)| {
            text == secret || (is_long(secret) && text.contains(secret.as_str()))
        })
    }
}

fn is_long(secret: &str) -> bool {
    secret.chars().nth(INSIDE_MIN - 1).is_some()
}

fn collect(value: &Value, secret: bool, found: &mut Vec<Hidden>) {
    let secret = secret || value.is_secret();
    match value.content() {
        Value::String(text) if secret && !text.is_empty() => found.push(Hidden(text.clone())),
        Value::List(items) => items.iter().for_each(|item| collect(item, secret, found)),
        Value::Map(map) => map.values().for_each(|value| collect(value, secret, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Secrets {
        let list: Vec<_> = texts.iter().map(|text| Value::from(*text)).collect();
        let inputs = PropertyMap::from([
            ("open".to_owned(), Value::from("open")),
            ("hidden".to_owned(), Value::secret(list)),
        ]);
        Secrets::of([&inputs])
    }

    #[test]
    fn a_text_that_holds_a_secret_is_one() {
        let secrets = secrets(&["hunter2"]);
        let state = Value::from([
            ("address", Value::from("db://me:hunter2@host")),
            ("name", Value::from("open")),
        ]);

        assert_eq!(
            secrets.mark(state),
            Value::from([
                ("address", Value::secret("db://me:hunter2@host")),
                ("name", Value::from("open"))
            ])
        );
    }

    #[test]
    fn a_message_shows_no_secret() {
        let secrets = secrets(&["hunter2", "hunter2-and-more"]);

        assert_eq!(
            secrets.conceal("`hunter2-and-more` is not `hunter2`"),
            "`[secret]` is not `[secret]`"
        );
    }

    #[test]
    fn a_short_secret_is_hidden_where_it_is_the_whole_text_and_not_inside_of_words() {
        let secrets = secrets(&["a"]);

        assert_eq!(secrets.mark(Value::from("a")), Value::secret("a"));
        assert_eq!(secrets.conceal("a bat"), "a bat");
    }

    #[test]
    fn debug_does_not_print_them() {
        assert!(!format!("{:?}", secrets(&["hunter2"])).contains("hunter2"));
    }
}
