//! The flat parameters of the query protocol: `Actions.member.1.Type=forward`.

use std::collections::BTreeMap;

use crate::refusal::Refusal;

/// The parameters below one name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the body of a request.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
            .map_err(|error| Refusal::malformed("MalformedQueryString", &error))?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// Returns every parameter, with its whole name.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| {
            Refusal::sender(
                "ValidationError",
                format!("The request must contain the parameter {name}"),
            )
        })
    }

    /// Returns a parameter that is a number or a truth value.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::sender("MalformedInput", format!("{name} cannot be {text}")))
        };
        self.text(name).map(parse).transpose()
    }

    /// Returns the parameters below a name; `None` when there are none.
    pub(crate) fn under(&self, name: &str) -> Option<Self> {
        let below = |(key, value): (&String, &String)| {
            let rest = key.strip_prefix(name)?.strip_prefix('.')?;
            Some((rest.to_owned(), value.clone()))
        };
        let found: BTreeMap<_, _> = self.0.iter().filter_map(below).collect();
        (!found.is_empty()).then_some(Self(found))
    }

    /// Returns the members of a list in their order.
    pub(crate) fn list(&self, name: &str) -> Vec<Self> {
        let list = self.under(&format!("{name}.member")).unwrap_or_default();
        let counted = (1..).map_while(|at: usize| {
            let index = at.to_string();
            match list.text(&index) {
                Some(plain) => Some(Self(BTreeMap::from([(String::new(), plain.to_owned())]))),
                None => list.under(&index),
            }
        });
        counted.collect()
    }

    /// Returns the members of a list of texts in their order.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let members = self.list(name);
        members
            .iter()
            .filter_map(|member| member.text("").map(str::to_owned))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_the_order_of_their_numbers() {
        let body: Vec<String> = (1..=11)
            .map(|at| format!("Arns.member.{at}=a{at}"))
            .collect();
        let form = Form::parse(body.join("&").as_bytes()).unwrap();

        let expected: Vec<String> = (1..=11).map(|at| format!("a{at}")).collect();
        assert_eq!(form.texts("Arns"), expected);
    }

    #[test]
    fn a_name_is_no_prefix_of_a_longer_one() {
        let form = Form::parse(b"TagsMore.member.1.Key=k&Tags.member.1.Key=t").unwrap();

        let keys: Vec<_> = form
            .list("Tags")
            .iter()
            .map(|tag| tag.required("Key").unwrap().to_owned())
            .collect();
        assert_eq!(keys, ["t"]);
    }
}
