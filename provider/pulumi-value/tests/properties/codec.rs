//! The codec, and what is shown of values.

use proptest::prelude::*;
use prost::Message;
use pulumi_value::wire::{self, Dialect};

use crate::given::{HUSH, each, hushed, map, without_dependencies};

proptest! {
    #[test]
    fn a_component_reads_what_was_written_to_it(map in map()) {
        let bytes = wire::encode(&map, Dialect::Component).encode_to_vec();

        let message = prost_types::Struct::decode(bytes.as_slice()).expect("our own message");

        prop_assert_eq!(wire::decode(message), Ok(map));
    }

    #[test]
    fn a_custom_resource_reads_what_was_written_to_it_but_for_dependencies(map in map()) {
        let bytes = wire::encode(&map, Dialect::Custom).encode_to_vec();

        let message = prost_types::Struct::decode(bytes.as_slice()).expect("our own message");

        prop_assert_eq!(wire::decode(message), Ok(each(map, without_dependencies)));
    }

    #[test]
    fn nothing_that_stands_inside_a_secret_is_ever_shown(map in map()) {
        let map = each(map, |value| hushed(value, false));

        let shown = format!("{map:?} {map:#?}");

        prop_assert!(!shown.contains(HUSH), "{}", shown);
    }
}
