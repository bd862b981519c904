//! Documents in XML.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;

/// Writes a document.
pub(crate) fn render(root: &str, namespace: &str, content: &impl Serialize) -> Vec<u8> {
    let element = render_element(root, content);
    // The root's tag has no attributes of its own.
    let (_, rest) = element.split_at(root.len() + 1);
    format!("<?xml version=\"1.0\"?>\n<{root} xmlns=\"{namespace}\"{rest}").into_bytes()
}

/// Writes an element.
pub(crate) fn render_element(name: &str, content: &impl Serialize) -> String {
    quick_xml::se::to_string_with_root(name, content)
        .expect("names are fixed and texts are escaped")
}

/// Reads a document.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let text =
        std::str::from_utf8(body).map_err(|error| Refusal::malformed("MalformedInput", &error))?;
    quick_xml::de::from_str(text).map_err(|error| Refusal::malformed("MalformedInput", &error))
}
