//! Generated types with values that fit them, and with values that fail to in one known place.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use pulumi_value::schema::{EnumValue, Limits, Named, Property, Shape, Type};
use pulumi_value::{PropertyMap, PropertyPath, Value};
use serde_json::json;

use crate::given;

/// The characters of every text in a generated value; no name and no message has one of them.
pub(crate) const SUITS: [char; 4] = ['♠', '♥', '♦', '♣'];

/// A type written out in full, from which its shape and its values are made.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Leaf(Type),
    Enum(Vec<String>),
    List(Box<Tree>, Limits),
    Map(Box<Tree>),
    Object(Vec<Field>),
    Choice(Vec<Field>),
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    name: String,
    tree: Tree,
    required: bool,
    secret: bool,
    replace: bool,
}

/// A shape with a value that fits it.
#[derive(Clone, Debug)]
pub(crate) struct Fitting {
    pub(crate) fields: Vec<Field>,
    pub(crate) shape: Shape,
    pub(crate) map: PropertyMap,
}

pub(crate) fn fitting() -> impl Strategy<Value = Fitting> {
    fields(tree()).prop_flat_map(|fields| {
        let shape = shape(&fields);
        let values = object(&fields);
        (Just(fields), Just(shape), values).prop_map(|(fields, shape, map)| Fitting {
            fields,
            shape,
            map,
        })
    })
}

fn limits(lowest: i32, highest: i32) -> impl Strategy<Value = Limits> {
    (prop::option::of(lowest..=0), prop::option::of(1..=highest)).prop_map(|(min, max)| Limits {
        min: min.map(f64::from),
        max: max.map(f64::from),
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Leaf(Type::Boolean)),
        limits(-9, 9).prop_map(|limits| Tree::Leaf(Type::Integer(limits))),
        limits(-9, 9).prop_map(|limits| Tree::Leaf(Type::Number(limits))),
        limits(0, 4).prop_map(|limits| Tree::Leaf(Type::String(limits))),
        select(vec![Type::Asset, Type::Archive, Type::Resource, Type::Any]).prop_map(Tree::Leaf),
        Just(Tree::Enum(vec!["slow".to_owned(), "fast".to_owned()])),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            (inner.clone(), limits(0, 3))
                .prop_map(|(items, limits)| Tree::List(Box::new(items), limits)),
            inner.clone().prop_map(|values| Tree::Map(Box::new(values))),
            fields(inner.clone()).prop_map(Tree::Object),
            fields(inner).prop_filter_map("a choice needs something to choose", |fields| {
                let optional: Vec<_> = fields
                    .into_iter()
                    .map(|field| Field {
                        required: false,
                        ..field
                    })
                    .collect();
                (optional.len() > 1).then_some(Tree::Choice(optional))
            }),
        ]
    })
}

fn fields(tree: impl Strategy<Value = Tree>) -> impl Strategy<Value = Vec<Field>> {
    btree_map(
        "[a-e]",
        (
            tree,
            any::<bool>(),
            prop::bool::weighted(0.2),
            any::<bool>(),
        ),
        0..4,
    )
    .prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, (tree, required, secret, replace))| Field {
                name,
                tree,
                required,
                secret,
                replace,
            })
            .collect()
    })
}

fn shape(fields: &[Field]) -> Shape {
    let mut types = BTreeMap::new();
    let properties = properties(fields, &mut types);
    Shape {
        description: String::new(),
        properties,
        types,
    }
}

fn properties(fields: &[Field], types: &mut BTreeMap<String, Named>) -> Vec<Property> {
    fields
        .iter()
        .map(|field| Property {
            name: field.name.clone(),
            description: String::new(),
            ty: ty(&field.tree, types),
            required: field.required,
            secret: field.secret,
            replace: field.replace,
            plain: false,
            default: match &field.tree {
                Tree::Leaf(Type::Boolean) if !field.required => Some(json!(true)),
                Tree::Map(_) if !field.required => Some(json!({})),
                _ => None,
            },
            environment: Vec::new(),
            autoname: None,
            deprecated: None,
        })
        .collect()
}

fn ty(tree: &Tree, types: &mut BTreeMap<String, Named>) -> Type {
    let named = match tree {
        Tree::Leaf(ty) => return ty.clone(),
        Tree::List(items, limits) => return Type::List(Box::new(ty(items, types)), *limits),
        Tree::Map(values) => return Type::Map(Box::new(ty(values, types))),
        Tree::Enum(texts) => {
            let values = texts.iter().map(|text| EnumValue {
                value: text.clone(),
                description: String::new(),
            });
            Named::Enum {
                description: String::new(),
                values: values.collect(),
            }
        }
        Tree::Object(fields) | Tree::Choice(fields) => {
            let properties: Arc<[_]> = properties(fields, types).into();
            let exactly_one = matches!(tree, Tree::Choice(_));
            // A variant of an enum has no default: it is there or it is not.
            let properties = if exactly_one {
                properties
                    .iter()
                    .map(|property| Property {
                        default: None,
                        ..property.clone()
                    })
                    .collect()
            } else {
                properties
            };
            Named::Object {
                description: String::new(),
                properties,
                exactly_one,
            }
        }
    };
    let name = format!("Type{}", types.len());
    types.insert(name.clone(), named);
    Type::Named(name)
}

fn object(fields: &[Field]) -> BoxedStrategy<PropertyMap> {
    fields
        .iter()
        .fold(Just(PropertyMap::new()).boxed(), |object, field| {
            let given = if field.required {
                Just(true).boxed()
            } else {
                any::<bool>().boxed()
            };
            let name = field.name.clone();
            (object, value(&field.tree), given)
                .prop_map(move |(mut object, value, given)| {
                    if given {
                        object.insert(name.clone(), value);
                    }
                    object
                })
                .boxed()
        })
}

fn value(tree: &Tree) -> BoxedStrategy<Value> {
    let known = match tree {
        Tree::Leaf(ty) => leaf(ty),
        Tree::Enum(texts) => select(texts.clone()).prop_map(Value::String).boxed(),
        Tree::List(items, limits) => vec(value(items), 0..=whole(limits.max, 3))
            .prop_map(Value::List)
            .boxed(),
        Tree::Map(values) => btree_map("[f-h]", value(values), 0..3)
            .prop_map(Value::Map)
            .boxed(),
        Tree::Object(fields) => object(fields).prop_map(Value::Map).boxed(),
        Tree::Choice(fields) => {
            let one = fields.iter().map(|field| {
                let name = field.name.clone();
                value(&field.tree)
                    .prop_map(move |value| Value::from([(name.as_str(), value)]))
                    .boxed()
            });
            proptest::strategy::Union::new(one).boxed()
        }
    };
    prop_oneof![6 => known.clone(), 2 => given::wrapped(known), 1 => given::wrapped(Just(Value::Unknown))].boxed()
}

fn leaf(ty: &Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Integer(limits) | Type::Number(limits) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the limits of generated types are small"
            )]
            let [min, max] = [
                limits.min.unwrap_or(-20.0) as i32,
                limits.max.unwrap_or(20.0) as i32,
            ];
            (min..=max).prop_map(Value::from).boxed()
        }
        Type::String(limits) => {
            let text = vec(select(SUITS.to_vec()), 0..=whole(limits.max, 5));
            text.prop_map(|chars| Value::String(chars.into_iter().collect()))
                .boxed()
        }
        Type::Asset => given::asset().prop_map(Value::Asset).boxed(),
        Type::Archive => given::archive().prop_map(Value::Archive).boxed(),
        Type::Resource => given::reference().prop_map(Value::Resource).boxed(),
        _ => given::value()
            .prop_filter("null is absent", |value| !value.is_null())
            .boxed(),
    }
}

fn whole(limit: Option<f64>, otherwise: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lengths of generated types are small"
    )]
    limit.map_or(otherwise, |limit| limit as usize)
}

/// A value that fits but for one place.
#[derive(Clone, Debug)]
pub(crate) struct Misfit {
    pub(crate) map: PropertyMap,
    /// Where the problem is.
    pub(crate) place: PropertyPath,
    /// Whether that is a secret place.
    pub(crate) secret: bool,
}

impl Fitting {
    /// Breaks the value in one of all the ways there are.
    pub(crate) fn broken(&self, choice: Index) -> Misfit {
        let mut ways = Vec::new();
        break_object(
            &self.fields,
            &self.map,
            false,
            &PropertyPath::root(),
            false,
            &mut ways,
        );
        let way = choice.get(&ways);
        let map = replaced(
            &Value::Map(self.map.clone()),
            way.site.segments(),
            way.content.as_ref(),
        );
        let map = map.as_map().expect("the root stays").clone();
        Misfit {
            map,
            place: way.place.clone(),
            secret: way.secret,
        }
    }
}

/// A way to break a value: what to write where, or to remove there, and where that shows.
#[derive(Debug)]
struct Way {
    site: PropertyPath,
    content: Option<Value>,
    place: PropertyPath,
    secret: bool,
}

fn break_object(
    fields: &[Field],
    map: &PropertyMap,
    choice: bool,
    path: &PropertyPath,
    secret: bool,
    ways: &mut Vec<Way>,
) {
    let strange = path.key("strange");
    // An unknown property beside the chosen one also makes it two.
    if !choice {
        ways.push(Way {
            site: strange.clone(),
            content: Some(true.into()),
            place: strange,
            secret,
        });
    }
    for field in fields {
        let place = path.key(field.name.as_str());
        let secret = secret || field.secret;
        let Some(value) = map.get(&field.name) else {
            continue;
        };
        if field.required {
            ways.push(Way {
                site: place.clone(),
                content: None,
                place: place.clone(),
                secret,
            });
        }
        break_value(&field.tree, value, &place, secret, ways);
    }
}

fn break_value(tree: &Tree, value: &Value, path: &PropertyPath, secret: bool, ways: &mut Vec<Way>) {
    let secret = secret || value.is_secret();
    let mut write = |content: Value| {
        ways.push(Way {
            site: path.clone(),
            content: Some(content),
            place: path.clone(),
            secret,
        });
    };
    let text = |length: usize| Value::String(SUITS.iter().cycle().take(length).collect());
    match tree {
        Tree::Leaf(Type::Any) => {}
        Tree::Leaf(Type::Integer(limits)) => {
            write(text(3));
            write(Value::Number(0.5));
            limits
                .max
                .into_iter()
                .for_each(|max| write(Value::Number(max + 1.0)));
            limits
                .min
                .into_iter()
                .for_each(|min| write(Value::Number(min - 1.0)));
        }
        Tree::Leaf(Type::Number(limits)) => {
            write(Value::from(vec![text(3)]));
            limits
                .max
                .into_iter()
                .for_each(|max| write(Value::Number(max + 0.5)));
            limits
                .min
                .into_iter()
                .for_each(|min| write(Value::Number(min - 0.5)));
        }
        Tree::Leaf(Type::String(limits)) => {
            write(Value::from([("f", text(3))]));
            limits
                .max
                .into_iter()
                .for_each(|max| write(text(whole(Some(max), 0) + 1)));
        }
        Tree::Leaf(_) => write(text(3)),
        Tree::Enum(_) => {
            write(text(3));
            write(Value::Bool(true));
        }
        Tree::List(items, limits) => {
            write(text(3));
            limits
                .max
                .into_iter()
                .for_each(|max| write(Value::List(vec![Value::Unknown; whole(Some(max), 0) + 1])));
            for (index, item) in value.as_list().into_iter().flatten().enumerate() {
                break_value(items, item, &path.index(index), secret, ways);
            }
        }
        Tree::Map(values) => {
            write(text(3));
            for (key, value) in value.as_map().into_iter().flatten() {
                break_value(values, value, &path.key(key), secret, ways);
            }
        }
        Tree::Object(fields) | Tree::Choice(fields) => {
            let choice = matches!(tree, Tree::Choice(_));
            write(text(3));
            if choice {
                write(Value::Map(PropertyMap::new()));
                let all = fields
                    .iter()
                    .map(|field| (field.name.clone(), Value::Unknown));
                write(Value::Map(all.collect()));
            }
            if let Some(map) = value.as_map() {
                break_object(fields, map, choice, path, secret, ways);
            }
        }
    }
}

/// Writes a content under the annotations that stand there, or removes a property.
fn replaced(value: &Value, way: &[pulumi_value::PathSegment], content: Option<&Value>) -> Value {
    use pulumi_value::PathSegment::{Index, Key};
    let (inner, secret, dependencies) = value.clone().into_parts();
    let changed = match (way, inner) {
        ([], _) => content.cloned().unwrap_or_default(),
        ([Key(key)], Value::Map(mut map)) if content.is_none() => {
            map.remove(key);
            Value::Map(map)
        }
        ([Key(key), rest @ ..], Value::Map(mut map)) => {
            let below = replaced(map.get(key).unwrap_or(&Value::Null), rest, content);
            map.insert(key.clone(), below);
            Value::Map(map)
        }
        ([Index(index), rest @ ..], Value::List(mut items)) => {
            items[*index] = replaced(&items[*index], rest, content);
            Value::List(items)
        }
        (_, inner) => inner,
    };
    Value::annotated(changed, secret, dependencies)
}
