use super::*;

const MIDNIGHT: Date = Date {
    year: 2024,
    month: 2,
    day: 29,
};

#[test]
fn numbers_have_the_sign_of_their_column() {
    let (signed, unsigned) = (
        Wire::of("BIGINT", false),
        Wire::of("BIGINT UNSIGNED", false),
    );

    assert_eq!(signed.value(&[0xff; 8]), Some(Value::Signed(-1)));
    assert_eq!(unsigned.value(&[0xff; 8]), Some(Value::Unsigned(u64::MAX)));
    assert_eq!(
        Wire::of("TINYINT", false).value(&[0x80]),
        Some(Value::Signed(-128))
    );
    assert_eq!(
        Wire::of("BOOLEAN", true).value(&[0x80]),
        Some(Value::Unsigned(128))
    );
    assert_eq!(
        Wire::of("MEDIUMINT", false).value(&[0xff; 4]),
        Some(Value::Signed(-1))
    );
    assert_eq!(signed.value(&[1, 2, 3]), None);
}

#[test]
fn floats_keep_their_bits() {
    let sent = 0.1_f32.to_le_bytes();

    assert_eq!(
        Wire::of("FLOAT", false).value(&sent),
        Some(Value::Float(f64::from(0.1_f32)))
    );
    assert_eq!(
        Wire::of("DOUBLE", false).value(&1e21_f64.to_le_bytes()),
        Some(Value::Float(1e21))
    );
}

#[test]
fn zero_dates_are_dates_and_not_null() {
    let zero = Date {
        year: 0,
        month: 0,
        day: 0,
    };

    assert_eq!(Wire::Date.value(&[0]), Some(Value::Date(zero)));
    assert_eq!(Wire::DateTime.value(&[0]), Some(Value::DateTime(zero, 0)));
    assert_eq!(zero.to_string(), "0000-00-00");
}

#[test]
fn moments_leave_out_what_is_zero() {
    fn date_time(sent: &[u8]) -> Option<Value<'_>> {
        Wire::DateTime.value(sent)
    }

    assert_eq!(
        Wire::Date.value(&[4, 0xe8, 0x07, 2, 29]),
        Some(Value::Date(MIDNIGHT))
    );
    assert_eq!(
        date_time(&[4, 0xe8, 0x07, 2, 29]),
        Some(Value::DateTime(MIDNIGHT, 0))
    );
    assert_eq!(
        date_time(&[7, 0xe8, 0x07, 2, 29, 23, 59, 58]),
        Some(Value::DateTime(MIDNIGHT, 86_398_000_000))
    );
    assert_eq!(
        date_time(&[11, 0xe8, 0x07, 2, 29, 0, 0, 1, 0x40, 0xe2, 1, 0]),
        Some(Value::DateTime(MIDNIGHT, 1_123_456))
    );
}

#[test]
fn times_are_negative_and_longer_than_a_day() {
    let time = |sent: &[u8]| match Wire::Time.value(sent) {
        Some(Value::Time(micros)) => printed(micros),
        other => panic!("{other:?} is no time"),
    };

    assert_eq!(time(&[0]), "00:00:00");
    assert_eq!(time(&[8, 1, 34, 0, 0, 0, 22, 59, 59]), "-838:59:59");
    assert_eq!(
        time(&[12, 0, 1, 0, 0, 0, 1, 0, 0, 0x20, 0xa1, 7, 0]),
        "25:00:00.5"
    );
}

#[test]
fn bits_are_read_from_the_highest() {
    assert_eq!(Wire::Bits.value(&[1, 5]), Some(Value::Bits(261)));
}

#[test]
fn what_does_not_fit_its_type_is_refused() {
    assert_eq!(Wire::Date.value(&[4, 1, 2]), None);
    assert_eq!(Wire::Time.value(&[3, 1, 2, 3]), None);
    assert_eq!(Wire::Float.value(&[1, 2]), None);
    assert_eq!(Wire::Bits.value(&[0; 9]), None);
}
