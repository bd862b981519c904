//! Assets and archives: content that travels by value, by path or by address.

use std::collections::BTreeMap;

/// The SHA-256 of no bytes at all, in hex: how an empty text is told from an asset whose content was left out.
pub(crate) const EMPTY_HASH: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A single file-like content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// SHA-256 of the content in hex, where the sender computed it.
    pub hash: Option<String>,
    /// Where the content is.
    pub content: AssetContent,
}

/// Where an asset's content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssetContent {
    /// The content itself.
    Text(String),
    /// A path, relative to the program's folder unless absolute.
    Path(String),
    /// An address from which the content can be read.
    Uri(String),
    /// Left out by the sender: only the hash identifies it, as in stored state.
    Elided,
}

/// A folder-like content.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    /// SHA-256 of the content in hex, where the sender computed it.
    pub hash: Option<String>,
    /// Where the content is.
    pub content: ArchiveContent,
}

/// Where an archive's content is.
#[derive(Clone, Debug, PartialEq)]
pub enum ArchiveContent {
    /// Members by their path inside the archive.
    Assets(BTreeMap<String, AssetOrArchive>),
    /// A path to a folder or packed file, relative to the program's folder unless absolute.
    Path(String),
    /// An address from which the archive can be read.
    Uri(String),
    /// Left out by the sender: only the hash identifies it, as in stored state.
    Elided,
}

/// A member of an archive.
#[derive(Clone, Debug, PartialEq)]
pub enum AssetOrArchive {
    /// A file.
    Asset(Asset),
    /// A folder.
    Archive(Archive),
}

impl Asset {
    /// Compares by hash where both sides have one, since stored state leaves the content out.
    pub(crate) fn same_content(&self, other: &Asset) -> bool {
        same(self.hash.as_deref(), other.hash.as_deref()).unwrap_or(self.content == other.content)
    }
}

impl Archive {
    /// Compares by hash where both sides have one, since stored state leaves the content out.
    pub(crate) fn same_content(&self, other: &Archive) -> bool {
        same(self.hash.as_deref(), other.hash.as_deref())
            .unwrap_or_else(|| self.content.same_content(&other.content))
    }
}

impl ArchiveContent {
    fn same_content(&self, other: &ArchiveContent) -> bool {
        match (self, other) {
            (ArchiveContent::Assets(left), ArchiveContent::Assets(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|((own_path, own), (their_path, theirs))| {
                            own_path == their_path
                                && match (own, theirs) {
                                    (AssetOrArchive::Asset(own), AssetOrArchive::Asset(theirs)) => {
                                        own.same_content(theirs)
                                    }
                                    (
                                        AssetOrArchive::Archive(own),
                                        AssetOrArchive::Archive(theirs),
                                    ) => own.same_content(theirs),
                                    _ => false,
                                }
                        })
            }
            (left, right) => left == right,
        }
    }
}

fn same(left: Option<&str>, right: Option<&str>) -> Option<bool> {
    Some(left? == right?)
}
