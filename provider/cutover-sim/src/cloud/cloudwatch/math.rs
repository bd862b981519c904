//! Metric math, as far as gates could want it: numbers, ids, `+ - * /`, parentheses and `FILL`.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Chars;

/// A series: values by their moments in milliseconds.
pub(super) type Series = BTreeMap<i64, f64>;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    Id(String),
    Fill(Box<Expression>, f64),
    Apply(Box<Expression>, char, Box<Expression>),
}

/// What an expression comes to.
enum Value {
    Scalar(f64),
    Series(Series),
}

impl Expression {
    /// Reads an expression.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.chars().peekable();
        let parsed = sum(&mut rest)?;
        match next(&mut rest) {
            None => Ok(parsed),
            Some(c) => Err(format!("Unexpected '{c}' in expression")),
        }
    }

    /// Returns the ids that it names.
    pub(super) fn ids(&self) -> BTreeSet<&str> {
        match self {
            Self::Number(_) => BTreeSet::new(),
            Self::Id(id) => BTreeSet::from([id.as_str()]),
            Self::Fill(of, _) => of.ids(),
            Self::Apply(left, _, right) => &left.ids() | &right.ids(),
        }
    }

    /// Computes it at the moments of `grid`, which are those of all periods asked about.
    pub(super) fn evaluate(
        &self,
        series: &BTreeMap<&str, &Series>,
        grid: &[i64],
    ) -> Option<Series> {
        match self.value(series, grid)? {
            // AWS: an expression must come to a time series.
            Value::Scalar(_) => None,
            Value::Series(series) => Some(series),
        }
    }

    fn value(&self, series: &BTreeMap<&str, &Series>, grid: &[i64]) -> Option<Value> {
        match self {
            Self::Number(number) => Some(Value::Scalar(*number)),
            Self::Id(id) => series
                .get(id.as_str())
                .map(|found| Value::Series((*found).clone())),
            Self::Fill(of, with) => {
                let Value::Series(mut filled) = of.value(series, grid)? else {
                    return None;
                };
                for at in grid {
                    filled.entry(*at).or_insert(*with);
                }
                Some(Value::Series(filled))
            }
            Self::Apply(left, operator, right) => {
                let (left, right) = (left.value(series, grid)?, right.value(series, grid)?);
                Some(apply(left, *operator, right))
            }
        }
    }
}

/// Only moments that both sides have count, and a division by zero leaves none.
fn apply(left: Value, operator: char, right: Value) -> Value {
    let compute = |a: f64, b: f64| {
        let result = match operator {
            '+' => a + b,
            '-' => a - b,
            '*' => a * b,
            _ => a / b,
        };
        Some(result).filter(|result| result.is_finite())
    };
    match (left, right) {
        (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(compute(a, b).unwrap_or(f64::NAN)),
        (Value::Series(a), Value::Scalar(b)) => Value::Series(
            a.iter()
                .filter_map(|(at, a)| Some((*at, compute(*a, b)?)))
                .collect(),
        ),
        (Value::Scalar(a), Value::Series(b)) => Value::Series(
            b.iter()
                .filter_map(|(at, b)| Some((*at, compute(a, *b)?)))
                .collect(),
        ),
        (Value::Series(a), Value::Series(b)) => {
            let both = a
                .iter()
                .filter_map(|(at, a)| Some((*at, compute(*a, *b.get(at)?)?)));
            Value::Series(both.collect())
        }
    }
}

type Rest<'t> = Peekable<Chars<'t>>;

/// Looks at what comes next, over spaces.
fn next(rest: &mut Rest<'_>) -> Option<char> {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
    rest.peek().copied()
}

fn expect(rest: &mut Rest<'_>, wanted: char) -> Result<(), String> {
    match next(rest) {
        Some(c) if c == wanted => {
            rest.next();
            Ok(())
        }
        other => Err(format!("Expected '{wanted}', found {other:?}")),
    }
}

fn sum(rest: &mut Rest<'_>) -> Result<Expression, String> {
    chain(rest, &['+', '-'], product)
}

fn product(rest: &mut Rest<'_>) -> Result<Expression, String> {
    chain(rest, &['*', '/'], operand)
}

fn chain(
    rest: &mut Rest<'_>,
    operators: &[char],
    part: fn(&mut Rest<'_>) -> Result<Expression, String>,
) -> Result<Expression, String> {
    let mut left = part(rest)?;
    while let Some(operator) = next(rest).filter(|c| operators.contains(c)) {
        rest.next();
        left = Expression::Apply(Box::new(left), operator, Box::new(part(rest)?));
    }
    Ok(left)
}

fn operand(rest: &mut Rest<'_>) -> Result<Expression, String> {
    match next(rest) {
        Some('(') => {
            rest.next();
            let inner = sum(rest)?;
            expect(rest, ')')?;
            Ok(inner)
        }
        Some('-') => {
            rest.next();
            let inner = operand(rest)?;
            let minus = Box::new(Expression::Number(-1.0));
            Ok(Expression::Apply(minus, '*', Box::new(inner)))
        }
        Some(c) if c.is_ascii_digit() || c == '.' => number(rest).map(Expression::Number),
        Some(c) if c.is_ascii_alphabetic() => {
            let word = word(rest, |c| c.is_ascii_alphanumeric() || c == '_');
            match (word.as_str(), next(rest)) {
                ("FILL", Some('(')) => fill(rest),
                (_, Some('(')) => Err(format!("Function {word} is not known here")),
                _ => Ok(Expression::Id(word)),
            }
        }
        other => Err(format!("Expected a number or an id, found {other:?}")),
    }
}

fn fill(rest: &mut Rest<'_>) -> Result<Expression, String> {
    expect(rest, '(')?;
    let of = sum(rest)?;
    expect(rest, ',')?;
    next(rest);
    let with = number(rest)?;
    expect(rest, ')')?;
    Ok(Expression::Fill(Box::new(of), with))
}

fn number(rest: &mut Rest<'_>) -> Result<f64, String> {
    let text = word(rest, |c| c.is_ascii_digit() || c == '.');
    text.parse()
        .map_err(|_| format!("'{text}' is not a number"))
}

fn word(rest: &mut Rest<'_>, belongs: impl Fn(char) -> bool) -> String {
    std::iter::from_fn(|| rest.next_if(|c| belongs(*c))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(text: &str) -> Option<Vec<(i64, f64)>> {
        let (a, b) = (
            Series::from([(0, 6.0), (60, 8.0)]),
            Series::from([(0, 3.0), (60, 0.0), (120, 5.0)]),
        );
        let series = BTreeMap::from([("m1", &a), ("m2", &b)]);
        let expression = Expression::parse(text).unwrap();
        let computed = expression.evaluate(&series, &[0, 60, 120])?;
        Some(computed.into_iter().collect())
    }

    #[test]
    fn only_moments_that_both_series_have_are_computed() {
        assert_eq!(computed("m1 + m2"), Some(vec![(0, 9.0), (60, 8.0)]));
    }

    #[test]
    fn a_division_by_zero_leaves_no_datapoint() {
        assert_eq!(computed("100 * m1 / m2"), Some(vec![(0, 200.0)]));
    }

    #[test]
    fn products_bind_closer_than_sums() {
        assert_eq!(
            computed("m1 - 2 * (m1 - 3)"),
            Some(vec![(0, 0.0), (60, -2.0)])
        );
    }

    #[test]
    fn gaps_are_filled_where_that_is_asked_for() {
        assert_eq!(
            computed("FILL(m1, 0)"),
            Some(vec![(0, 6.0), (60, 8.0), (120, 0.0)])
        );
    }

    #[test]
    fn a_number_alone_is_no_series() {
        assert_eq!(computed("1 + 2"), None);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["", "m1 +", "(m1", "m1 m2", "RATE(m1)", "1.2.3 * m1"] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
