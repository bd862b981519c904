//! Property paths and URNs.

use proptest::collection::vec;
use proptest::prelude::*;
use pulumi_value::{PathSegment, PropertyPath, Urn};

fn segment() -> impl Strategy<Value = PathSegment> {
    prop_oneof![
        "[a-z.\\[\\]\"\\\\*]{0,4}".prop_map(PathSegment::Key),
        "\\PC{0,6}".prop_map(PathSegment::Key),
        any::<usize>().prop_map(PathSegment::Index),
        Just(PathSegment::Any),
    ]
}

proptest! {
    #[test]
    fn a_path_is_read_as_it_was_written(segments in vec(segment(), 0..5)) {
        let path = PropertyPath::from(segments);

        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn any_text_is_a_path_or_an_error(text in "\\PC*|[a-b0-1.\\[\\]\"\\\\*+]{0,8}") {
        if let Ok(path) = text.parse::<PropertyPath>() {
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }
    }

    #[test]
    fn any_text_is_a_urn_or_an_error(text in "(urn:pulumi:)?[a-b:$]{0,12}") {
        if let Ok(urn) = Urn::parse(&text) {
            prop_assert_eq!(urn.as_str(), text.as_str());
            let parts = [urn.stack(), urn.project(), urn.type_token(), urn.name()];
            prop_assert!(parts.iter().all(|part| text.contains(part)));
        }
    }
}
