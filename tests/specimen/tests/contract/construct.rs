//! Construct: components and their children.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pulumi_specimen::Config;
use pulumi_testkit::proto::construct_request::{CustomTimeouts, ResourceHooksBinding};
use pulumi_testkit::proto::{
    Alias, ConstructRequest, RegisterResourceRequest, alias, register_resource_request,
};
use pulumi_testkit::{
    ConstructCall, FakeEngine, Gate, Harness, Registration, Reply, map, until, urn,
};
use pulumi_value::wire::{Dialect, encode_value};
use pulumi_value::{PropertyMap, ResourceId, Urn, Value};
use tokio::sync::Barrier;
use tonic::{Code, Status};

use super::given::{Journal, a_specimen, odd, text};

const CABINET: &str = "specimen:index:Cabinet";
const SHELF: &str = "specimen:index:Shelf";
const ROOM: &str = "odd:index:Room";

fn a_cabinet() -> PropertyMap {
    map([
        ("label", "oak".into()),
        ("password", Value::secret("open sesame")),
    ])
}

/// What the children of a cabinet answer when they are made.
fn made(registration: &Registration) -> Reply {
    let reply = Reply::made(registration);
    match registration.request.r#type.as_str() {
        "parts:index:Bolt" => {
            let label = registration
                .inputs
                .get("label")
                .cloned()
                .unwrap_or_default();
            reply.output(
                "serial",
                format!("bolt-{}", label.as_str().unwrap_or("plain")),
            )
        }
        "specimen:index:Note" => reply.output("digest", "d1ge57").output("revision", 1),
        _ => reply,
    }
}

/// A specimen beside an engine that makes what a cabinet needs.
async fn a_workshop() -> Harness<Config> {
    let workshop = a_specimen().await;
    workshop
        .engine
        .on_register(|registration| async move { Ok(made(&registration)) });
    workshop
}

fn construct<A: Send + Sync + 'static>(
    harness: &Harness<A>,
    token: &str,
    inputs: &PropertyMap,
) -> ConstructCall {
    harness
        .client
        .construct(&harness.engine, token, "a", inputs)
}

fn dependencies(request: &RegisterResourceRequest, property: &str) -> Vec<String> {
    request
        .property_dependencies
        .get(property)
        .map(|urns| urns.urns.clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn every_option_is_handed_on_word_for_word() {
    let workshop = a_workshop().await;
    let parent = urn("specimen:index:House", "house");
    let other = urn("parts:index:Bolt", "other");
    let trigger = encode_value(&Value::from("tick"), Dialect::Component);
    let spec = alias::Spec {
        name: "before".to_owned(),
        ..alias::Spec::default()
    };
    let aliases = vec![
        Alias {
            alias: Some(alias::Alias::Urn(other.as_str().to_owned())),
        },
        Alias {
            alias: Some(alias::Alias::Spec(spec)),
        },
    ];
    let hooks = |mark: &str| vec![format!("hook-{mark}")];
    let call = construct(&workshop, CABINET, &a_cabinet())
        .depending("label", &other)
        .with(|request| {
            *request = construct_request_with_every_option(request, &parent, &other);
            request.aliases = aliases.clone();
            request.replacement_trigger = Some(trigger.clone());
            request.resource_hooks = Some(ResourceHooksBinding {
                before_create: hooks("bc"),
                after_create: hooks("ac"),
                before_update: hooks("bu"),
                after_update: hooks("au"),
                before_delete: hooks("bd"),
                after_delete: hooks("ad"),
                on_error: hooks("oe"),
            });
        });

    let constructed = call.send().await.expect("a cabinet");

    let registered = workshop.engine.registration("a");
    assert_eq!(constructed.urn, registered.urn);
    assert_eq!(
        registered.inputs,
        a_cabinet(),
        "the inputs exactly as the program gave them"
    );
    let mut expected = RegisterResourceRequest {
        r#type: CABINET.to_owned(),
        name: "a".to_owned(),
        parent: parent.as_str().to_owned(),
        object: registered.request.object.clone(),
        protect: Some(true),
        dependencies: vec![other.as_str().to_owned()],
        property_dependencies: BTreeMap::from([(
            "label".to_owned(),
            register_resource_request::PropertyDependencies {
                urns: vec![other.as_str().to_owned()],
            },
        )]),
        providers: BTreeMap::from([("parts".to_owned(), "urn:of:parts::id".to_owned())]),
        aliases,
        delete_before_replace: false,
        delete_before_replace_defined: true,
        ignore_changes: vec!["label".to_owned()],
        replace_on_changes: vec!["password".to_owned()],
        replace_with: vec![other.as_str().to_owned()],
        replacement_trigger: Some(trigger),
        additional_secret_outputs: vec!["digest".to_owned()],
        custom_timeouts: Some(register_resource_request::CustomTimeouts {
            create: "1h".to_owned(),
            update: "2h".to_owned(),
            delete: "3h".to_owned(),
        }),
        deleted_with: other.as_str().to_owned(),
        retain_on_delete: Some(false),
        hooks: Some(register_resource_request::ResourceHooksBinding {
            before_create: hooks("bc"),
            after_create: hooks("ac"),
            before_update: hooks("bu"),
            after_update: hooks("au"),
            before_delete: hooks("bd"),
            after_delete: hooks("ad"),
            on_error: hooks("oe"),
        }),
        parent_stack_trace_handle: "trace".to_owned(),
        ..RegisterResourceRequest::default()
    };
    expected.accept_secrets = true;
    expected.accept_resources = true;
    expected.supports_partial_values = true;
    expected.supports_result_reporting = true;
    expected.alias_specs = true;
    assert_eq!(registered.request, expected);
}

/// Every option that has no test of its own.
fn construct_request_with_every_option(
    request: &ConstructRequest,
    parent: &Urn,
    other: &Urn,
) -> ConstructRequest {
    ConstructRequest {
        parent: parent.as_str().to_owned(),
        protect: Some(true),
        providers: BTreeMap::from([("parts".to_owned(), "urn:of:parts::id".to_owned())]),
        dependencies: vec![other.as_str().to_owned()],
        additional_secret_outputs: vec!["digest".to_owned()],
        custom_timeouts: Some(CustomTimeouts {
            create: "1h".to_owned(),
            update: "2h".to_owned(),
            delete: "3h".to_owned(),
        }),
        deleted_with: other.as_str().to_owned(),
        delete_before_replace: Some(false),
        ignore_changes: vec!["label".to_owned()],
        replace_on_changes: vec!["password".to_owned()],
        retain_on_delete: Some(false),
        stack_trace_handle: "trace".to_owned(),
        replace_with: vec![other.as_str().to_owned()],
        ..request.clone()
    }
}

#[tokio::test]
async fn what_the_program_did_not_set_stays_unset() {
    let workshop = a_workshop().await;

    construct(&workshop, CABINET, &a_cabinet())
        .send()
        .await
        .expect("a cabinet");

    let request = workshop.engine.registration("a").request;
    assert_eq!((request.protect, request.retain_on_delete), (None, None));
    assert!(!request.delete_before_replace_defined);
    assert_eq!(
        (
            request.hooks,
            request.custom_timeouts,
            request.replacement_trigger
        ),
        (None, None, None)
    );
}

#[tokio::test]
async fn children_use_the_providers_that_the_program_gave() {
    let workshop = a_workshop().await;
    let providers = BTreeMap::from([
        (
            "parts".to_owned(),
            "urn:pulumi:dev::shop::pulumi:providers:parts::mine::4711".to_owned(),
        ),
        (
            "specimen".to_owned(),
            "urn:pulumi:dev::shop::pulumi:providers:specimen::own::4712".to_owned(),
        ),
    ]);
    let given = providers.clone();

    construct(&workshop, CABINET, &a_cabinet())
        .with(|request| request.providers = given)
        .send()
        .await
        .expect("a cabinet");

    for (child, package) in [("a-bolt", "parts"), ("a-note", "specimen")] {
        let request = workshop.engine.registration(child).request;
        assert_eq!(request.provider, providers[package]);
        assert_eq!(request.version, "", "the provider has one");
    }
}

#[tokio::test]
async fn without_providers_children_pin_versions() {
    let workshop = a_workshop().await;

    construct(&workshop, CABINET, &a_cabinet())
        .send()
        .await
        .expect("a cabinet");

    let cabinet = workshop.engine.registration("a").urn;
    let (bolt, note) = (
        workshop.engine.registration("a-bolt").request,
        workshop.engine.registration("a-note").request,
    );
    assert_eq!(
        (bolt.version.as_str(), bolt.plugin_download_url.as_str()),
        ("0.1.0", "")
    );
    assert_eq!(note.version, "0.1.0");
    assert_eq!(
        note.plugin_download_url, "https://example.com/specimen",
        "the engine must find us"
    );
    for child in [bolt, note] {
        assert!(child.custom && !child.remote);
        assert_eq!(
            (child.provider.as_str(), child.parent.as_str()),
            ("", cabinet.as_str())
        );
        assert!(child.accept_secrets && child.accept_resources);
        assert!(child.supports_partial_values && child.supports_result_reporting);
        assert_eq!(
            (child.protect, child.retain_on_delete),
            (None, None),
            "inherited by the engine"
        );
    }
}

#[tokio::test]
async fn children_depend_on_what_their_inputs_come_from() {
    let (workshop, journal) = (a_workshop().await, Journal::empty());
    let origin = urn("parts:index:Bolt", "origin");
    let mut inputs = a_cabinet();
    inputs.insert(
        "moving".to_owned(),
        Value::from([("journal", journal.id().into()), ("steps", 1.into())]),
    );

    construct(&workshop, CABINET, &inputs)
        .depending("label", &origin)
        .send()
        .await
        .expect("a cabinet");

    let engine = &workshop.engine;
    let (bolt, note, rollout) = (
        engine.registration("a-bolt"),
        engine.registration("a-note"),
        engine.registration("a-rollout"),
    );
    let texts = |urns: &[&Urn]| {
        urns.iter()
            .map(|urn| urn.as_str().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let all = |request: &RegisterResourceRequest| {
        request
            .dependencies
            .iter()
            .cloned()
            .collect::<BTreeSet<_>>()
    };

    assert_eq!(all(&bolt.request), texts(&[&origin]));
    assert_eq!(dependencies(&bolt.request, "label"), [origin.as_str()]);
    assert_eq!(all(&note.request), texts(&[&origin, &bolt.urn]));
    assert_eq!(dependencies(&note.request, "title"), [origin.as_str()]);
    assert!(dependencies(&note.request, "body").contains(&bolt.urn.as_str().to_owned()));
    assert_eq!(dependencies(&note.request, "password"), [""; 0]);
    assert!(
        all(&rollout.request).contains(note.urn.as_str()),
        "an order that no input says"
    );
    assert_eq!(dependencies(&rollout.request, "journal"), [""; 0]);
    assert!(
        !rollout.request.property_dependencies.is_empty(),
        "else everything depends on everything"
    );
}

#[tokio::test]
async fn secrets_reach_the_children_that_use_them() {
    let workshop = a_workshop().await;

    construct(&workshop, CABINET, &a_cabinet())
        .send()
        .await
        .expect("a cabinet");

    let note = workshop.engine.registration("a-note");
    assert_eq!(note.inputs["password"].stripped(), "open sesame".into());
    assert!(note.inputs["password"].is_secret());
    assert!(!note.inputs["title"].is_secret());
}

#[tokio::test]
async fn the_outputs_are_registered_once_and_are_what_the_program_gets() {
    let workshop = a_workshop().await;

    let constructed = construct(&workshop, CABINET, &a_cabinet())
        .send()
        .await
        .expect("a cabinet");

    let [registered] = &workshop.engine.outputs()[..] else {
        panic!("once: {:?}", workshop.engine.outputs())
    };
    assert_eq!(registered.urn, constructed.urn);
    assert_eq!(registered.outputs, constructed.state);
    let bolt = workshop.engine.registration("a-bolt").urn;
    assert_eq!(
        constructed
            .state
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        ["bolt", "boltId", "digest", "key", "serial", "stack"]
    );
    assert_eq!(text(&constructed.state, "boltId"), "id-a-bolt");
    assert_eq!(
        constructed.state["boltId"].all_dependencies(),
        BTreeSet::from([bolt.clone()])
    );
    assert!(constructed.state["key"].is_secret() && !constructed.state["serial"].is_secret());
    let Value::Resource(reference) = constructed.state["bolt"].content() else {
        panic!("a reference")
    };
    assert_eq!(
        (&reference.urn, &reference.id),
        (&bolt, &Some(ResourceId::Known("id-a-bolt".to_owned())))
    );
    for registration in workshop.engine.registrations() {
        assert!(
            registration.ended.expect("answered") <= registered.at,
            "the outputs come last"
        );
    }
}

#[tokio::test]
async fn outputs_that_the_program_calls_secret_are_secret() {
    let workshop = a_workshop().await;
    let call = construct(&workshop, CABINET, &a_cabinet());

    let call = call.with(|request| {
        request.additional_secret_outputs = vec!["digest".to_owned(), "none".to_owned()];
    });
    let constructed = call.send().await.expect("a cabinet");

    assert!(constructed.state["digest"].is_secret());
    assert!(workshop.engine.outputs()[0].outputs["digest"].is_secret());
    assert!(!constructed.state["serial"].is_secret());
}

#[tokio::test]
async fn a_preview_with_nothing_known_shows_every_child() {
    let specimen = a_specimen().await;
    let unknown = Value::annotated(
        Value::Unknown,
        false,
        BTreeSet::from([urn("parts:index:Bolt", "origin")]),
    );
    let inputs = map([("label", unknown.clone()), ("password", unknown)]);

    let call = construct(&specimen, CABINET, &inputs).preview(&specimen.engine);
    let constructed = call.send().await.expect("a preview");

    let names: Vec<_> = specimen
        .engine
        .registrations()
        .iter()
        .map(|registered| registered.request.name.clone())
        .collect();
    assert_eq!(names, ["a", "a-bolt", "a-note"]);
    let note = specimen.engine.registration("a-note");
    for input in ["title", "body", "password"] {
        assert!(note.inputs[input].is_unknown(), "{input}");
    }
    for output in ["boltId", "digest", "key", "serial"] {
        assert!(constructed.state[output].is_unknown(), "{output}");
    }
    assert!(
        constructed.state["key"].is_secret(),
        "it will be, whatever it will be"
    );
    let Value::Resource(bolt) = constructed.state["bolt"].content() else {
        panic!("a reference")
    };
    assert_eq!(bolt.id, Some(ResourceId::Unknown));
}

#[tokio::test]
async fn what_decides_which_children_there_are_must_be_known() {
    let specimen = a_specimen().await;
    let call =
        construct(&specimen, SHELF, &map([("size", Value::Unknown)])).preview(&specimen.engine);

    let refusal = call.send().await.expect_err("how many bolts?");

    assert_eq!(refusal.code, Code::InvalidArgument);
    assert_eq!(refusal.problems[0].0, "size");
    assert!(specimen.engine.registrations().is_empty());
}

#[tokio::test]
async fn children_that_an_update_leaves_out_leave_no_unknown_in_the_state() {
    let specimen = a_specimen().await;
    specimen.engine.on_register(|registration| async move {
        Ok(if registration.request.r#type == "parts:index:Bolt" {
            Reply::skipped()
        } else {
            made(&registration)
        })
    });

    let constructed = construct(&specimen, CABINET, &a_cabinet())
        .send()
        .await
        .expect("a cabinet");

    let kept: Vec<_> = constructed.state.keys().map(String::as_str).collect();
    assert_eq!(kept, ["digest", "stack"]);
    assert_eq!(specimen.engine.outputs()[0].outputs, constructed.state);
}

#[tokio::test]
async fn an_empty_id_outside_of_a_preview_means_that_nothing_is_known() {
    let specimen = a_specimen().await;
    // What engines answer for targets that were left out: a success without anything.
    specimen.engine.on_register(|registration| async move {
        Ok(if registration.request.custom {
            Reply {
                id: String::new(),
                outputs: PropertyMap::new(),
                ..Reply::made(&registration)
            }
        } else {
            Reply::made(&registration)
        })
    });

    let constructed = construct(&specimen, SHELF, &map([("size", 2.into())]))
        .send()
        .await
        .expect("a shelf");

    assert!(!constructed.state.values().any(Value::contains_unknown));
    assert!(!constructed.state.contains_key("ids"));
}

#[tokio::test]
async fn a_child_that_failed_does_not_fail_the_component() {
    let specimen = a_specimen().await;
    specimen.engine.on_register(|registration| async move {
        Ok(if registration.request.name == "a-bolt" {
            Reply::failed()
        } else {
            made(&registration)
        })
    });

    let constructed = construct(&specimen, CABINET, &a_cabinet())
        .send()
        .await
        .expect("the rest of a cabinet");

    assert_eq!(
        specimen.engine.registrations().len(),
        3,
        "the note came after it"
    );
    assert!(specimen.engine.registration("a-note").inputs["body"].is_unknown());
    assert!(!constructed.state.contains_key("serial"));
    assert_eq!(specimen.engine.outputs().len(), 1);
}

#[tokio::test]
async fn children_that_do_not_need_one_another_are_registered_together() {
    let specimen = a_specimen().await;
    let all = Arc::new(Barrier::new(50));
    specimen.engine.on_register(move |registration| {
        let all = Arc::clone(&all);
        async move {
            if registration.request.custom {
                // Nobody gets through before all of them are there.
                all.wait().await;
            }
            Ok(Reply::made(&registration))
        }
    });

    let constructed = construct(&specimen, SHELF, &map([("size", 50.into())]))
        .send()
        .await
        .expect("a shelf");

    assert_eq!(
        constructed.state["ids"].as_list().map(<[Value]>::len),
        Some(50)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_components_with_children_in_the_same_process_do_not_block_one_another() {
    let specimen = a_specimen().await;
    let (waiting, client) = (Arc::new(AtomicUsize::new(0)), specimen.client.clone());
    let everybody = Gate::closed();
    let (count, gate) = (Arc::clone(&waiting), everybody.clone());
    specimen.engine.on_register(move |registration| {
        let (client, count, gate) = (client.clone(), Arc::clone(&count), gate.clone());
        async move {
            if registration.request.r#type != "specimen:index:Note" {
                return Ok(made(&registration));
            }
            // The engine asks this same process, over the connection on which all of the components wait.
            count.fetch_add(1, Ordering::SeqCst);
            gate.passed().await;
            let note = client.resource_of(&registration.urn);
            let checked = note
                .check(&registration.inputs)
                .await
                .expect("a check")
                .accepted();
            let stored = note.create(&checked).await.expect("a note");
            Ok(Reply {
                id: stored.id,
                outputs: stored.outputs,
                ..Reply::made(&registration)
            })
        }
    });

    let calls: Vec<_> = (0..300)
        .map(|index| {
            let name = format!("cabinet-{index}");
            let inputs = map([("label", name.as_str().into())]);
            let call = specimen
                .client
                .construct(&specimen.engine, CABINET, &name, &inputs);
            tokio::spawn(call.send())
        })
        .collect();
    until("all of them to wait", || {
        (waiting.load(Ordering::SeqCst) == 300).then_some(())
    })
    .await;
    everybody.open();

    for call in calls {
        let constructed = call
            .await
            .expect("the call does not panic")
            .expect("a cabinet");
        assert_eq!(
            text(&constructed.state, "digest").len(),
            64,
            "made by this very process"
        );
    }
}

#[tokio::test]
async fn an_engine_that_shuts_down_ends_it_with_few_words() {
    let specimen = a_workshop().await;

    for calls in 0..3 {
        specimen.engine.unavailable_after(calls);
        let failure = construct(&specimen, CABINET, &a_cabinet())
            .send()
            .await
            .expect_err("nobody answers");
        assert_eq!(
            (failure.code, failure.message.as_str()),
            (Code::Cancelled, "the engine is shutting down")
        );
    }
    assert_eq!(
        specimen.engine.logs(),
        [],
        "one more message would hide the real one"
    );
}

#[tokio::test]
async fn a_cancel_ends_it_while_the_engine_is_busy() {
    let specimen = a_specimen().await;
    let gate = Gate::closed();
    let held = gate.clone();
    specimen.engine.on_register(move |registration| {
        let gate = held.clone();
        async move {
            if registration.request.custom {
                gate.passed().await;
            }
            Ok(made(&registration))
        }
    });
    let call = tokio::spawn(construct(&specimen, CABINET, &a_cabinet()).send());
    until("the first child", || (gate.waiting() > 0).then_some(())).await;

    specimen.client.cancel().await.expect("a cancel");

    let failure = call
        .await
        .expect("the call does not panic")
        .expect_err("it was cancelled");
    assert_eq!(failure.code, Code::Cancelled);
}

#[tokio::test]
async fn all_problems_are_told_before_anything_is_registered() {
    let specimen = a_specimen().await;
    let inputs = map([
        ("lable", "oak".into()),
        ("password", Value::secret(4711)),
        ("broken", "yes".into()),
    ]);

    let refusal = construct(&specimen, CABINET, &inputs)
        .send()
        .await
        .expect_err("nothing is right");

    assert_eq!(refusal.code, Code::InvalidArgument);
    let paths: BTreeSet<_> = refusal
        .problems
        .iter()
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(
        paths,
        BTreeSet::from(["broken", "label", "lable", "password (secret)"])
    );
    assert!(!format!("{refusal:?}").contains("4711"));
    assert!(specimen.engine.registrations().is_empty());

    let inputs = map([("label", "".into()), ("password", Value::secret("abc"))]);
    let refusal = construct(&specimen, CABINET, &inputs)
        .send()
        .await
        .expect_err("too short");
    assert_eq!(refusal.problems.len(), 2, "{refusal:?}");
    assert!(specimen.engine.registrations().is_empty());
}

#[tokio::test]
async fn time_limits_reach_the_child_that_takes_long() {
    let (workshop, journal) = (a_workshop().await, Journal::empty());
    let mut inputs = a_cabinet();
    inputs.insert(
        "moving".to_owned(),
        Value::from([("journal", journal.id().into()), ("steps", 1.into())]),
    );
    let limits = CustomTimeouts {
        create: "6h".to_owned(),
        update: "90m".to_owned(),
        delete: String::new(),
    };

    let call = construct(&workshop, CABINET, &inputs)
        .with(|request| request.custom_timeouts = Some(limits));
    call.send().await.expect("a cabinet");

    let limits = workshop
        .engine
        .registration("a-rollout")
        .request
        .custom_timeouts
        .expect("limits");
    assert_eq!(
        (
            limits.create.as_str(),
            limits.update.as_str(),
            limits.delete.as_str()
        ),
        ("6h", "90m", "")
    );
    assert_eq!(
        workshop
            .engine
            .registration("a-bolt")
            .request
            .custom_timeouts,
        None
    );
}

#[tokio::test]
async fn a_child_gets_the_options_that_its_component_chose() {
    let odd = Harness::configured(odd()).await;
    let limits = CustomTimeouts {
        create: "6h".to_owned(),
        ..CustomTimeouts::default()
    };

    let call = construct(&odd, ROOM, &map([("behaviour", "nests".into())]));
    call.with(|request| request.custom_timeouts = Some(limits))
        .send()
        .await
        .expect("a room");

    let vault = odd.engine.registration("a-first");
    let request = &vault.request;
    assert_eq!(
        request
            .custom_timeouts
            .as_ref()
            .map(|limits| limits.create.as_str()),
        Some("6h")
    );
    assert_eq!(request.ignore_changes, ["thickness"]);
    assert_eq!(request.additional_secret_outputs, ["copy"]);
    assert_eq!(
        (request.protect, request.retain_on_delete),
        (Some(false), Some(true))
    );
    assert!(request.delete_before_replace && request.delete_before_replace_defined);
    let Some(alias::Alias::Spec(former)) = &request.aliases[0].alias else {
        panic!("an alias: {request:?}")
    };
    assert_eq!(former.name, "a-safe");
    let nested = odd.engine.registration("a-box").request;
    assert!(!nested.custom && nested.remote);
    assert_eq!(nested.parent, vault.urn.as_str());
}

#[tokio::test]
async fn no_registration_is_under_way_any_more_when_the_answer_comes() {
    let odd = Harness::configured(odd()).await;
    let gate = Gate::closed();
    let held = gate.clone();
    odd.engine.on_register(move |registration| {
        let gate = held.clone();
        async move {
            match registration.request.name.as_str() {
                "a-first" => Err(Status::invalid_argument("no room for a vault")),
                "a-second" => {
                    gate.passed().await;
                    Ok(Reply::made(&registration))
                }
                _ => Ok(Reply::made(&registration)),
            }
        }
    });
    let call = tokio::spawn(construct(&odd, ROOM, &map([("behaviour", "hurries".into())])).send());
    until("the second child", || (gate.waiting() > 0).then_some(())).await;
    until("the first child", || {
        (odd.engine.registrations().len() == 3).then_some(())
    })
    .await;

    assert!(!call.is_finished());
    gate.open();
    let failure = call
        .await
        .expect("the call does not panic")
        .expect_err("the first child failed");

    assert_eq!(failure.message, "no room for a vault");
    assert!(odd.engine.registration("a-second").ended.is_some());
}

#[tokio::test]
async fn a_panic_fails_one_component_and_no_other() {
    let odd = Harness::configured(odd()).await;

    let failure = construct(&odd, ROOM, &map([("behaviour", "panics".into())]))
        .send()
        .await
        .expect_err("a panic");

    assert_eq!(failure.code, Code::Internal);
    assert!(failure.message.contains("given.rs:"), "{}", failure.message);
    construct(&odd, ROOM, &map([("behaviour", "well".into())]))
        .send()
        .await
        .expect("a room");
}

#[tokio::test]
async fn a_component_asks_functions_of_other_packages() {
    let odd = Harness::configured(odd()).await;
    odd.engine.on_invoke(|invocation| {
        assert_eq!(invocation.request.version, "1.2.3");
        Ok(map([(
            "text",
            format!(
                "{} indeed",
                invocation.args["words"].as_str().unwrap_or_default()
            )
            .into(),
        )]))
    });
    let ask = |question: Value| {
        construct(
            &odd,
            ROOM,
            &map([("behaviour", "well".into()), ("question", question)]),
        )
    };
    let origin = BTreeSet::from([urn("parts:index:Bolt", "origin")]);

    let known = ask(Value::annotated("why".into(), true, origin.clone()))
        .send()
        .await
        .expect("a room");
    assert_eq!(text(&known.state, "answer"), "why indeed");
    assert!(known.state["answer"].is_secret());
    assert_eq!(known.state["answer"].all_dependencies(), origin);

    let unknown = ask(Value::Unknown)
        .preview(&odd.engine)
        .send()
        .await
        .expect("a room");
    assert!(unknown.state["answer"].is_unknown());
    assert_eq!(
        odd.engine.invocations().len(),
        1,
        "an unknown question is not asked"
    );
}

#[tokio::test]
async fn names_below_a_parent_are_the_engines() {
    let workshop = a_workshop().await;
    let parent = urn("specimen:index:House", "house");

    let call = construct(&workshop, CABINET, &a_cabinet());
    let constructed = call
        .with(|request| request.parent = parent.as_str().to_owned())
        .send()
        .await
        .expect("a cabinet");

    assert_eq!(
        constructed.urn,
        FakeEngine::urn_of(parent.as_str(), CABINET, "a")
    );
    let children = workshop.engine.registrations();
    assert!(
        children
            .iter()
            .skip(1)
            .all(|child| child.request.parent == constructed.urn.as_str())
    );
}
