//! Secrets Manager.

use cutover_driver::Hidden;

use crate::{START, cloud, seconds};

#[test]
fn a_secret_is_read_by_name_and_arn_and_changed() {
    let mut cloud = cloud();
    let arn = cloud.put_secret(START, "pay/db", "one");

    let first = cloud.get_secret_value(START, "pay/db").unwrap();
    let put = cloud.put_secret_value(seconds(5), &arn, &Hidden::new("two"));
    let second = cloud.get_secret_value(seconds(6), &arn).unwrap();

    assert_eq!(
        (first.text.reveal(), first.arn.as_str()),
        ("one", arn.as_str())
    );
    assert_eq!(second, put.unwrap());
    assert_eq!((second.text.reveal(), second.put_at), ("two", seconds(5)));
    assert_ne!(second.version_id, first.version_id);
    assert!(!format!("{second:?}").contains("two"));
}

#[test]
fn a_secret_that_is_not_there_is_not_found() {
    let mut cloud = cloud();

    let missing = cloud.get_secret_value(START, "none").unwrap_err();
    let put = cloud.put_secret_value(START, "none", &Hidden::new("a"));

    assert_eq!(missing.code, "ResourceNotFoundException");
    assert_eq!(put.unwrap_err().code, "ResourceNotFoundException");
}
