use proptest::prelude::*;

use super::*;

/// A value as a wire gives it.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Integer(i64),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
    Timestamp(i64),
}

impl Value {
    fn form(&self) -> Form {
        match self {
            Self::Null | Self::Text(_) => Form::Text { padded: false },
            Self::Integer(_) => Form::Integer,
            Self::Bytes(_) => Form::Bytes { padded: false },
            Self::Timestamp(_) => Form::Timestamp { digits: 6 },
        }
    }

    fn push(&self, printer: &mut Printer) {
        match self {
            Self::Null => printer.null(),
            Self::Integer(value) => printer.integer((*value).into()),
            Self::Text(value) => printer.text(value),
            Self::Bytes(value) => printer.bytes(value),
            Self::Timestamp(micros) => printer.timestamp(
                micros.div_euclid(86_400_000_000),
                micros.rem_euclid(86_400_000_000),
            ),
        }
    }
}

fn printed(values: &[Value], key: Vec<usize>) -> Printer {
    let mut printer = Printer::new(values.iter().map(Value::form).collect(), key, 7);
    printer.begin();
    for value in values {
        value.push(&mut printer);
    }
    assert!(printer.is_complete());
    printer
}

fn one(form: Form, push: impl FnOnce(&mut Printer)) -> Vec<u8> {
    let mut printer = Printer::new(vec![form], vec![0], 7);
    printer.begin();
    push(&mut printer);
    printer.canonical()[HEAD..].to_vec()
}

fn text(form: Form, push: impl FnOnce(&mut Printer)) -> String {
    String::from_utf8(one(form, push)).expect("text")
}

#[test]
fn a_row_is_marks_lengths_and_bytes_as_the_plan_says() {
    let row = printed(
        &[Value::Integer(-5), Value::Null, Value::Text(b"ab".to_vec())],
        vec![0],
    );

    assert_eq!(
        row.canonical(),
        [1, 2, 0, 0, 0, b'-', b'5', 0, 1, 2, 0, 0, 0, b'a', b'b']
    );
}

#[test]
fn padding_counts_only_where_it_means_something() {
    let padded = |value: &[u8]| text(Form::Text { padded: true }, |p| p.text(value));
    let plain = |value: &[u8]| text(Form::Text { padded: false }, |p| p.text(value));

    assert_eq!(padded(b"EUR  "), "EUR");
    assert_eq!(padded(b"   "), "");
    assert_eq!(padded(b" a\t "), " a\t");
    assert_eq!(plain(b"EUR  "), "EUR  ");
    assert_eq!(
        one(Form::Bytes { padded: true }, |p| p.bytes(&[1, 0, 2, 0, 0])),
        [1, 0, 2]
    );
}

#[test]
fn floats_have_one_zero_and_one_not_a_number() {
    let float = |value| one(Form::Float, |p| p.float(value));

    assert_eq!(float(-0.0), float(0.0));
    assert_eq!(float(f64::NAN), float(-f64::NAN));
    assert_eq!(float(1.5), 1.5_f64.to_bits().to_le_bytes());
    assert_ne!(float(f64::MIN_POSITIVE), float(0.0));
}

#[test]
fn a_uuid_is_the_same_as_uuid_text_and_bytes() {
    let raw: [u8; 16] = std::array::from_fn(|at| u8::try_from(at * 17).expect("below 256"));
    let expected = "00112233-4455-6677-8899-aabbccddeeff";

    assert_eq!(text(Form::Uuid, |p| p.uuid(raw)), expected);
    assert_eq!(text(Form::Uuid, |p| p.bytes(&raw)), expected);
    for written in [
        expected,
        "00112233445566778899AABBCCDDEEFF",
        "{00112233-4455-6677-8899-AABBCCDDEEFF}",
    ] {
        assert_eq!(text(Form::Uuid, |p| p.text(written.as_bytes())), expected);
    }
    for other in ["", "0011", "00112233-4455-6677-8899-aabbccddeeff0", "none"] {
        assert_eq!(text(Form::Uuid, |p| p.text(other.as_bytes())), other);
    }
}

#[test]
fn zero_dates_are_written_as_mysql_prints_them() {
    assert_eq!(text(Form::Date, |p| p.date_parts(0, 0, 0)), "0000-00-00");
    assert_eq!(
        text(Form::Timestamp { digits: 3 }, |p| p
            .timestamp_parts((2024, 2, 29), 1_999_999)),
        "2024-02-29 00:00:01.999"
    );
    assert_eq!(
        text(Form::Timestamp { digits: 6 }, |p| p
            .timestamp_parts((0, 0, 0), 0)),
        text(Form::Timestamp { digits: 6 }, |p| p
            .printed(b"0000-00-00 00:00:00")),
    );
}

#[test]
fn whole_numbers_and_decimals_of_one_value_are_alike() {
    assert_eq!(
        text(Form::Numeric, |p| p.integer(1_200)),
        text(Form::Numeric, |p| p.numeric(b"1200.00"))
    );
    assert_eq!(
        text(Form::Integer, |p| p.integer(-7)),
        text(Form::Integer, |p| p.numeric(b"-7"))
    );
}

#[test]
fn a_range_takes_what_lies_outside_into_its_first_and_last_bucket() {
    let buckets = Buckets::Ranges {
        first: i64::MIN,
        width: 1 << 60,
        count: 8,
    };
    let bucket = |key: i64| printed(&[Value::Integer(key)], vec![0]).bucket(&buckets);

    assert_eq!(bucket(i64::MIN), 0);
    assert_eq!(bucket(i64::MIN + (1 << 60)), 1);
    assert_eq!(bucket(-1), 7);
    assert_eq!(bucket(i64::MAX), 7);
    assert_eq!(range_of(Some(i128::MAX), i64::MIN, 1, 4), 3);
    assert_eq!(range_of(Some(-10), 0, 5, 4), 0);
}

#[test]
fn keys_are_named_by_their_values_and_rows_without_a_key_by_their_print() {
    let values = [
        Value::Text(b"a".to_vec()),
        Value::Integer(3),
        Value::Bytes(vec![0, 255]),
    ];

    let keyed = printed(&values, vec![2, 1, 0]);
    assert_eq!(
        keyed.key(),
        Key(vec![
            KeyPart::Bytes(vec![0, 255]),
            KeyPart::Integer(3),
            KeyPart::Text("a".to_owned())
        ])
    );
    let whole = printed(&values, Vec::new());
    assert_eq!(whole.key(), whole_row_key(whole.print()));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        prop::collection::vec(0_u8..4, 0..6).prop_map(Value::Text),
        prop::collection::vec(0_u8..4, 0..6).prop_map(Value::Bytes),
        (-1_000_000_000_000_000_i64..4_000_000_000_000_000).prop_map(Value::Timestamp),
    ]
}

/// Two rows of the same forms.
fn rows() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<Vec<u8>>)> {
    (1_usize..5).prop_flat_map(|columns| {
        let row = || {
            prop::collection::vec(
                prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(2), Just(31)], 0..8),
                columns,
            )
        };
        (row(), row())
    })
}

proptest! {
    #[test]
    fn rows_of_text_are_encoded_alike_only_if_they_are_equal((one, other) in rows()) {
        let canonical = |row: &[Vec<u8>]| {
            // A single 31 stands for a null, so that nulls meet texts that look like marks.
            let values: Vec<Value> = row
                .iter()
                .map(|text| if text == &[31] { Value::Null } else { Value::Text(text.clone()) })
                .collect();
            printed(&values, vec![0]).canonical().to_vec()
        };
        prop_assert_eq!(canonical(&one) == canonical(&other), one == other);
    }

    #[test]
    fn prints_depend_on_values_alone(values in prop::collection::vec(value(), 1..6)) {
        let mut reused = Printer::new(values.iter().map(Value::form).collect(), vec![0], 7);
        for _ in 0..2 {
            reused.begin();
            for value in &values {
                value.push(&mut reused);
            }
        }
        let fresh = printed(&values, vec![0]);

        prop_assert_eq!(reused.print(), fresh.print());
        prop_assert_eq!(reused.columns(), fresh.columns());
        prop_assert_eq!(reused.key(), fresh.key());
    }

    #[test]
    fn a_key_has_its_bucket_whatever_else_is_in_the_row(
        key in prop::collection::vec(value(), 2),
        rest in value(),
        other in value(),
    ) {
        let buckets = Buckets::Hashed { count: 64 };
        let bucket = |rest: &Value| {
            let values = [rest.clone(), key[0].clone(), key[1].clone()];
            printed(&values, vec![1, 2]).bucket(&buckets)
        };
        let alone = printed(&key, vec![0, 1]).bucket(&buckets);

        prop_assert_eq!(bucket(&rest), bucket(&other));
        prop_assert_eq!(bucket(&rest), alone);
    }

    #[test]
    fn ranges_divide_as_the_definition_says(key: i64, first: i64, width in 1_u64.., count in 1_u32..65_536) {
        let slow = (i128::from(key) - i128::from(first)).div_euclid(i128::from(width));
        let expected = slow.clamp(0, i128::from(count) - 1);
        prop_assert_eq!(i128::from(range_of(Some(key.into()), first, width, count)), expected);
    }
}
