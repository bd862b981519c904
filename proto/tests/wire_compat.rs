//! Holds our definitions of the protocol against the official ones, in both directions.
//!
//! Whatever we declare has to be the same there, and whatever we leave out has to be listed in
//! [`LEFT_OUT`]. So a release of the protocol that adds or changes something fails this test, and
//! someone decides.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::Command;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    Any, DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, ServiceDescriptorProto,
};
use pulumi_proto::{ErrorResourceInitFailed, FILE_DESCRIPTOR_SET};

/// Names the program that prints the descriptors of the official Go SDK.
const PROGRAM_VARIABLE: &str = "CUTOVER_DESCRIPTORS";

/// What is looked for on the path if [`PROGRAM_VARIABLE`] is not set.
const PROGRAM: &str = "descriptors";

/// What the official files have and ours do not, with the reason. A message stands for all that is
/// in it, a service for all its calls.
const LEFT_OUT: &[(&str, &str)] = &[
    ("pulumirpc.PackageDependency", LANGUAGE_HOST),
    ("pulumirpc.PackageParameterization", LANGUAGE_HOST),
    ("pulumirpc.PackageSpec", LANGUAGE_HOST),
    ("pulumirpc.PluginDependency", LANGUAGE_HOST),
    ("pulumirpc.CallbackInvokeRequest", CALLBACK),
    ("pulumirpc.CallbackInvokeResponse", CALLBACK),
    ("pulumirpc.Callbacks", CALLBACK),
    ("pulumirpc.ErrorHookRequest", CALLBACK),
    ("pulumirpc.ErrorHookResponse", CALLBACK),
    ("pulumirpc.RegisterErrorHookRequest", CALLBACK),
    ("pulumirpc.RegisterResourceHookRequest", CALLBACK),
    ("pulumirpc.ResourceHookRequest", CALLBACK),
    ("pulumirpc.ResourceHookResponse", CALLBACK),
    ("pulumirpc.ResourceMonitor.RegisterErrorHook", CALLBACK),
    ("pulumirpc.ResourceMonitor.RegisterResourceHook", CALLBACK),
    (
        "pulumirpc.ResourceMonitor.RegisterStackInvokeTransform",
        CALLBACK,
    ),
    ("pulumirpc.ResourceMonitor.RegisterStackTransform", CALLBACK),
    ("pulumirpc.ResourceOptions", CALLBACK),
    ("pulumirpc.TransformInvokeOptions", CALLBACK),
    ("pulumirpc.TransformInvokeRequest", CALLBACK),
    ("pulumirpc.TransformInvokeResponse", CALLBACK),
    ("pulumirpc.TransformRequest", CALLBACK),
    ("pulumirpc.TransformResourceOptions", CALLBACK),
    ("pulumirpc.TransformResponse", CALLBACK),
];

const LANGUAGE_HOST: &str = "only language hosts answer with it";
const CALLBACK: &str = "only programs register transforms and hooks, and serve their callbacks";

#[test]
fn every_declaration_agrees_with_the_official_protocol() {
    let differences = disagreements(&ours(), &official());

    assert!(
        differences.is_empty(),
        "declared otherwise than in the official protocol:\n{}",
        differences.join("\n")
    );
}

#[test]
fn every_omission_is_listed_with_its_reason() {
    let left_out: BTreeSet<String> = LEFT_OUT
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let found = omissions(&ours(), &official());

    let unlisted: Vec<_> = found.difference(&left_out).collect();
    let stale: Vec<_> = left_out.difference(&found).collect();

    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "official, but neither declared nor listed: {unlisted:#?}\n\
         listed, but declared or no longer official: {stale:#?}"
    );
}

#[test]
fn notices_each_kind_of_disagreement() {
    let spoiled = |change: Change| {
        let mut set = decoded(FILE_DESCRIPTOR_SET);
        change(&mut set);
        disagreements(&catalog(&set), &ours())
    };

    let checks: [(&str, Change); 11] = [
        ("CreateRequest.timeout: is `33 singular double`", |set| {
            field(set, "CreateRequest", "timeout").number = Some(33);
        }),
        ("CreateRequest.timeout: is `3 singular float`", |set| {
            field(set, "CreateRequest", "timeout").set_type(Type::Float);
        }),
        ("CreateRequest.timeout: is `3 repeated double`", |set| {
            field(set, "CreateRequest", "timeout").set_label(Label::Repeated);
        }),
        (
            "ConstructRequest.protect: is `12 singular bool`, official `12 optional bool`",
            |set| {
                let protect = field(set, "ConstructRequest", "protect");
                protect.proto3_optional = None;
                protect.oneof_index = None;
            },
        ),
        (
            "Alias.urn: is `1 singular string`, official `1 singular string in oneof alias`",
            |set| {
                field(set, "Alias", "urn").oneof_index = None;
            },
        ),
        (
            "CreateRequest.deadline: is `3 singular double`, official nothing",
            |set| {
                field(set, "CreateRequest", "timeout").name = Some("deadline".to_owned());
            },
        ),
        (
            "CreateRequest.properties: is `2 singular pulumirpc.View`, \
             official `2 singular google.protobuf.Struct`",
            |set| {
                field(set, "CreateRequest", "properties").type_name =
                    Some(".pulumirpc.View".to_owned());
            },
        ),
        (
            "official `11 map<string, pulumirpc.ConstructRequest.PropertyDependencies>`",
            |set| {
                let construct = message(set, "ConstructRequest");
                construct
                    .nested_type
                    .retain(|it| it.name() != "InputDependenciesEntry");
            },
        ),
        (
            "ResourceProvider.List: is `(pulumirpc.ListRequest) -> pulumirpc.ListResponse`",
            |set| {
                let services = set.file.iter_mut().flat_map(|file| &mut file.service);
                for method in services.flat_map(|service| &mut service.method) {
                    method.server_streaming = None;
                }
            },
        ),
        ("LogSeverity.DEBUG: is `7`, official `0`", |set| {
            let enums = set.file.iter_mut().flat_map(|file| &mut file.enum_type);
            for value in enums.flat_map(|it| &mut it.value) {
                value.number = Some(7);
            }
        }),
        (
            "InvokeRequest: is `message`, official `message, reserves 3 4 5 6",
            |set| {
                let invoke = message(set, "InvokeRequest");
                invoke.reserved_range.clear();
                invoke.reserved_name.clear();
            },
        ),
    ];

    for (expected, change) in checks {
        let found = spoiled(change);

        assert!(
            found.iter().any(|it| it.contains(expected)),
            "no `{expected}` in {found:#?}"
        );
    }
}

#[test]
fn details_of_errors_carry_the_type_url_that_go_expects() {
    let detail = Any::from_msg(&ErrorResourceInitFailed::default()).expect("a vector takes it all");

    assert_eq!(
        detail.type_url,
        "type.googleapis.com/pulumirpc.ErrorResourceInitFailed"
    );
}

/// Everything declared in some files: its full name, and its shape as text.
type Catalog = BTreeMap<String, String>;

/// Spoils a descriptor set in one place.
type Change = fn(&mut FileDescriptorSet);

/// What `ours` has that `official` has otherwise or not at all, one line for each.
fn disagreements(ours: &Catalog, official: &Catalog) -> Vec<String> {
    ours.iter()
        .filter_map(|(name, shape)| match official.get(name) {
            Some(official) if official == shape => None,
            Some(official) => Some(format!("{name}: is `{shape}`, official `{official}`")),
            None => Some(format!("{name}: is `{shape}`, official nothing")),
        })
        .collect()
}

/// What `official` has and `ours` does not, without what belongs to another omission.
fn omissions(ours: &Catalog, official: &Catalog) -> BTreeSet<String> {
    let absent = |name: &str| official.contains_key(name) && !ours.contains_key(name);
    official
        .keys()
        .filter(|name| absent(name))
        .filter(|name| {
            let mut outer = name.match_indices('.').map(|(at, _)| &name[..at]);
            !outer.any(absent)
        })
        .cloned()
        .collect()
}

/// What this crate declares.
fn ours() -> Catalog {
    catalog(&decoded(FILE_DESCRIPTOR_SET))
}

/// What the official SDK declares in the files that we follow.
///
/// `google.rpc.Status` is not in a file of Pulumi's, so its descriptor comes from the gRPC project.
fn official() -> Catalog {
    let mut set = decoded(&printed_by_the_official_sdk());
    let grpc = decoded(tonic_types::pb::FILE_DESCRIPTOR_SET);
    set.file.retain(|file| file.package() != "google.rpc");
    set.file.extend(
        grpc.file
            .into_iter()
            .filter(|file| file.name().ends_with("status.proto")),
    );
    catalog(&set)
}

fn printed_by_the_official_sdk() -> Vec<u8> {
    let program = env::var_os(PROGRAM_VARIABLE).unwrap_or_else(|| OsString::from(PROGRAM));
    let output = Command::new(&program).output().unwrap_or_else(|error| {
        panic!(
            "cannot start `{}`, which prints the official descriptors: {error}\n\
             run `make setup`, which builds it, or set {PROGRAM_VARIABLE} to its path",
            program.display()
        )
    });
    assert!(
        output.status.success() && !output.stdout.is_empty(),
        "`{}` printed no descriptors ({}); run `make setup` to build it anew\n{}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn decoded(bytes: &[u8]) -> FileDescriptorSet {
    FileDescriptorSet::decode(bytes).expect("a descriptor set has to be one")
}

/// Lists what the files declare, other than the well-known types.
fn catalog(set: &FileDescriptorSet) -> Catalog {
    let mut catalog = Catalog::new();
    for file in &set.file {
        if file.package() != "google.protobuf" {
            add_file(&mut catalog, file);
        }
    }
    catalog
}

fn add_file(catalog: &mut Catalog, file: &FileDescriptorProto) {
    let package = file.package();
    for message in &file.message_type {
        add_message(catalog, package, message);
    }
    for it in &file.enum_type {
        add_enum(catalog, package, it);
    }
    for service in &file.service {
        add_service(catalog, package, service);
    }
}

fn add_message(catalog: &mut Catalog, scope: &str, message: &DescriptorProto) {
    let name = format!("{scope}.{}", message.name());
    let (entries, nested): (Vec<_>, Vec<_>) =
        message.nested_type.iter().partition(|it| is_map_entry(it));
    for field in &message.field {
        let type_name = field.type_name();
        let entry = entries
            .iter()
            .find(|entry| type_name == format!(".{name}.{}", entry.name()));
        let shape = field_shape(message, field, entry.copied());
        catalog.insert(format!("{name}.{}", field.name()), shape);
    }
    for it in nested {
        add_message(catalog, &name, it);
    }
    for it in &message.enum_type {
        add_enum(catalog, &name, it);
    }
    catalog.insert(name, message_shape(message));
}

/// The word "message" and the numbers and names that it may never use again, sorted.
fn message_shape(message: &DescriptorProto) -> String {
    let numbers: BTreeSet<i32> = message
        .reserved_range
        .iter()
        .flat_map(|range| range.start()..range.end())
        .collect();
    let names: BTreeSet<&String> = message.reserved_name.iter().collect();

    let mut shape = "message".to_owned();
    if !numbers.is_empty() || !names.is_empty() {
        shape.push_str(", reserves");
    }
    for number in numbers {
        write!(shape, " {number}").expect("a string takes it all");
    }
    for name in names {
        write!(shape, " {name}").expect("a string takes it all");
    }
    shape
}

/// The number, the label, the type and the oneof. `entry` is the message that stands for the
/// entries if the field is a map.
fn field_shape(
    message: &DescriptorProto,
    field: &FieldDescriptorProto,
    entry: Option<&DescriptorProto>,
) -> String {
    let number = field.number();
    if let Some(entry) = entry {
        let types: Vec<String> = entry.field.iter().map(type_text).collect();
        return format!("{number} map<{}>", types.join(", "));
    }
    let label = match field.label() {
        Label::Repeated => "repeated",
        Label::Required => "required",
        Label::Optional if field.proto3_optional() => "optional",
        Label::Optional => "singular",
    };
    let oneof = field
        .oneof_index
        .filter(|_| !field.proto3_optional())
        .and_then(|index| usize::try_from(index).ok())
        .map(|index| format!(" in oneof {}", message.oneof_decl[index].name()))
        .unwrap_or_default();
    format!("{number} {label} {}{oneof}", type_text(field))
}

/// The full name of a message or enum, or the name of a scalar.
fn type_text(field: &FieldDescriptorProto) -> String {
    match field.type_name().strip_prefix('.') {
        Some(name) => name.to_owned(),
        None => field
            .r#type()
            .as_str_name()
            .trim_start_matches("TYPE_")
            .to_lowercase(),
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message
        .options
        .as_ref()
        .is_some_and(prost_types::MessageOptions::map_entry)
}

fn add_enum(catalog: &mut Catalog, scope: &str, it: &EnumDescriptorProto) {
    let name = format!("{scope}.{}", it.name());
    for value in &it.value {
        catalog.insert(
            format!("{name}.{}", value.name()),
            value.number().to_string(),
        );
    }
    catalog.insert(name, "enum".to_owned());
}

fn add_service(catalog: &mut Catalog, scope: &str, service: &ServiceDescriptorProto) {
    let name = format!("{scope}.{}", service.name());
    for method in &service.method {
        let side = |streams: bool, type_name: &str| {
            let stream = if streams { "stream " } else { "" };
            format!("{stream}{}", type_name.trim_start_matches('.'))
        };
        let input = side(method.client_streaming(), method.input_type());
        let output = side(method.server_streaming(), method.output_type());
        catalog.insert(
            format!("{name}.{}", method.name()),
            format!("({input}) -> {output}"),
        );
    }
    catalog.insert(name, "service".to_owned());
}

/// A message at the top of some file, to be spoiled.
fn message<'a>(set: &'a mut FileDescriptorSet, name: &str) -> &'a mut DescriptorProto {
    set.file
        .iter_mut()
        .flat_map(|file| &mut file.message_type)
        .find(|message| message.name() == name)
        .expect("the message is declared")
}

/// A field of such a message, to be spoiled.
fn field<'a>(
    set: &'a mut FileDescriptorSet,
    message_name: &str,
    name: &str,
) -> &'a mut FieldDescriptorProto {
    message(set, message_name)
        .field
        .iter_mut()
        .find(|field| field.name() == name)
        .expect("the field is declared")
}
