//! Comparing what a program asks for now with what it asked for before.

use crate::{PropertyMap, PropertyPath, Value};

use super::{Property, Shape, Type};

/// One difference between old and new properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the difference is: as deep as both sides have the same structure.
    pub path: PropertyPath,
    /// What happened there.
    pub kind: ChangeKind,
    /// Whether it forces a replacement.
    pub replace: bool,
}

/// What happened to a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is there now and was not before.
    Add,
    /// It was there before and is not now.
    Delete,
    /// It is there on both sides, with different content.
    Update,
}

impl Shape {
    /// Lists the differences, in the order of their paths.
    ///
    /// Only contents count: neither secrecy nor dependencies make a difference, and null equals absent. An unknown
    /// differs from everything. The answer with old and new exchanged has the same paths.
    pub fn changes(&self, old: &PropertyMap, new: &PropertyMap) -> Vec<Change> {
        let mut comparison = Comparison {
            shape: self,
            found: Vec::new(),
        };
        comparison.maps(
            Some(&self.properties),
            None,
            old,
            new,
            &PropertyPath::root(),
            false,
        );
        comparison.found
    }
}

struct Comparison<'s> {
    shape: &'s Shape,
    found: Vec<Change>,
}

impl<'s> Comparison<'s> {
    fn maps(
        &mut self,
        properties: Option<&'s [Property]>,
        values: Option<&'s Type>,
        old: &PropertyMap,
        new: &PropertyMap,
        path: &PropertyPath,
        replace: bool,
    ) {
        let added = new.keys().filter(|key| !old.contains_key(*key));
        let mut keys: Vec<_> = old.keys().chain(added).collect();
        keys.sort();
        for key in keys {
            let property =
                properties.and_then(|all| all.iter().find(|property| property.name == *key));
            let ty = property.map(|property| &property.ty).or(values);
            let replace = replace || property.is_some_and(|property| property.replace);
            let absent = Value::Null;
            let (old, new) = (
                old.get(key).unwrap_or(&absent),
                new.get(key).unwrap_or(&absent),
            );
            self.values(ty, old, new, &path.key(key), replace);
        }
    }

    fn values(
        &mut self,
        ty: Option<&'s Type>,
        old: &Value,
        new: &Value,
        path: &PropertyPath,
        replace: bool,
    ) {
        if old.same_content(new) && !new.contains_unknown() && !old.contains_unknown() {
            return;
        }
        match (old.content(), new.content()) {
            (Value::Null, Value::Null) => {}
            (Value::Null, _) => self.report(path, ChangeKind::Add, replace),
            (_, Value::Null) => self.report(path, ChangeKind::Delete, replace),
            (Value::Map(old), Value::Map(new)) => {
                let shape = self.shape;
                let values = match ty {
                    Some(Type::Map(values)) => Some(values.as_ref()),
                    _ => None,
                };
                self.maps(
                    ty.and_then(|ty| shape.object(ty)),
                    values,
                    old,
                    new,
                    path,
                    replace,
                );
            }
            (Value::List(old), Value::List(new)) => {
                let items = match ty {
                    Some(Type::List(items, _)) => Some(items.as_ref()),
                    _ => None,
                };
                for index in 0..old.len().max(new.len()) {
                    let path = path.index(index);
                    // Here a null counts: the list is one longer for it.
                    match (old.get(index), new.get(index)) {
                        (Some(old), Some(new)) => self.values(items, old, new, &path, replace),
                        (None, _) => self.report(&path, ChangeKind::Add, replace),
                        (_, None) => self.report(&path, ChangeKind::Delete, replace),
                    }
                }
            }
            _ => self.report(path, ChangeKind::Update, replace),
        }
    }

    fn report(&mut self, path: &PropertyPath, kind: ChangeKind, replace: bool) {
        self.found.push(Change {
            path: path.clone(),
            kind,
            replace,
        });
    }
}
