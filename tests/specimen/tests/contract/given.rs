//! What the tests begin with.

use std::path::Path;

use pulumi_host::{
    Component, Construction, Context, Created, CustomResource, Error, ErrorKind, Preview, Prior,
    Provider, ReadResult, Settled,
};
use pulumi_specimen::Config;
use pulumi_testkit::{Harness, map};
use pulumi_value::schema::PackageMetadata;
use pulumi_value::{Output, PropertyMap, Secret, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

pub(crate) const NOTE: &str = "specimen:index:Note";
pub(crate) const ROLLOUT: &str = "specimen:index:Rollout";
pub(crate) const VAULT: &str = "odd:index:Vault";

/// The specimen provider, ready for resources.
pub(crate) async fn a_specimen() -> Harness<Config> {
    Harness::configured(pulumi_specimen::specimen(|_| None)).await
}

/// The inputs of a note.
pub(crate) fn a_note(title: &str) -> PropertyMap {
    map([("title", title.into())])
}

/// A folder for the journal of a rollout, and what happened to it.
pub(crate) struct Journal(TempDir);

impl Journal {
    pub(crate) fn empty() -> Self {
        Self(TempDir::new().expect("a folder for temporary files"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn id(&self) -> String {
        self.path().to_str().expect("a path in ASCII").to_owned()
    }

    /// The inputs of a rollout that is recorded here.
    pub(crate) fn rollout(&self, steps: i32, step_milliseconds: i32) -> PropertyMap {
        map([
            ("target", "oak".into()),
            ("journal", self.id().into()),
            ("steps", steps.into()),
            ("stepMilliseconds", step_milliseconds.into()),
        ])
    }

    /// Everything that was done, line by line.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path().join("events.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How many steps were begun and done.
    pub(crate) fn steps(&self) -> usize {
        self.events()
            .iter()
            .filter(|event| event.starts_with("step"))
            .count()
    }

    /// How often an operation was begun.
    pub(crate) fn begun(&self) -> usize {
        self.events()
            .iter()
            .filter(|event| event.starts_with("begin"))
            .count()
    }

    /// How many steps are recorded as done.
    pub(crate) fn done(&self) -> usize {
        let text =
            std::fs::read(self.path().join("operation.json")).expect("an operation was begun");
        let json: serde_json::Value = serde_json::from_slice(&text).expect("the record is whole");
        let done = json["done"].as_u64().expect("a number of steps");
        usize::try_from(done).expect("few steps")
    }

    /// Waits until some steps are done.
    pub(crate) async fn reaches(&self, steps: usize) {
        pulumi_testkit::until("the rollout to advance", || {
            (self.steps() >= steps).then_some(())
        })
        .await;
    }
}

/// The number that an output holds.
pub(crate) fn number(outputs: &PropertyMap, name: &str) -> usize {
    let number = outputs.get(name).and_then(Value::as_number);
    let whole = number.and_then(|number| number.to_string().parse().ok());
    whole.unwrap_or_else(|| panic!("`{name}` is a whole number in {outputs:?}"))
}

/// The text that an output holds.
pub(crate) fn text(outputs: &PropertyMap, name: &str) -> String {
    let text = outputs.get(name).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("`{name}` is a text in {outputs:?}"))
        .to_owned()
}

/// A provider with what the specimen has no use for.
pub(crate) fn odd() -> Provider<Config> {
    let metadata = PackageMetadata {
        name: "odd",
        ..pulumi_specimen::SPECIMEN
    };
    Provider::builder(metadata, |_| None, Ok)
        .resource(Vault)
        .component(Room)
        .build()
}

/// Something that keeps secrets badly unless the framework helps.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VaultArgs {
    /// What it is called.
    #[schemars(extend("pulumi:autoname" = 20))]
    name: String,
    /// What it keeps.
    content: Option<String>,
    /// How it behaves.
    #[serde(default = "well")]
    behaviour: String,
    /// How thick its walls are.
    #[serde(default = "thickness")]
    thickness: u8,
}

fn well() -> String {
    "well".to_owned()
}

fn thickness() -> u8 {
    3
}

/// What a vault becomes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VaultState {
    /// Its content once more.
    copy: String,
    /// Where to find its content.
    address: String,
    /// What opens it.
    combination: Secret<String>,
}

struct Vault;

fn vault(args: &VaultArgs) -> VaultState {
    let content = args.content.clone().unwrap_or_default();
    VaultState {
        address: format!("vault://{content}@{}", args.name),
        copy: content,
        combination: Secret::new("left right".to_owned()),
    }
}

impl CustomResource<Config> for Vault {
    const NAME: &'static str = "Vault";
    type Args = VaultArgs;
    type State = VaultState;

    async fn preview(
        &self,
        context: &Context<Config>,
        args: &VaultArgs,
        _: Option<&Prior<VaultArgs, VaultState>>,
    ) -> Result<Preview, Error> {
        context.log().info(format!("would keep {:?}", args.content));
        if args.behaviour == "talks" {
            return Ok(Preview::known(&map([(
                "copy",
                args.content.clone().into(),
            )])));
        }
        Ok(Preview::unknown())
    }

    async fn create(
        &self,
        context: &Context<Config>,
        args: VaultArgs,
    ) -> Result<Created<VaultState>, Error> {
        let kept = args.content.as_deref().unwrap_or_default();
        context.log().warn(format!("keeps `{kept}`"));
        context.log().status(kept, &format!("keeping `{kept}`"));
        let id = if args.behaviour == "nameless" {
            String::new()
        } else {
            args.name.clone()
        };
        let settled = match args.behaviour.as_str() {
            "panics" => panic!("cannot keep `{kept}`"),
            "fails" => {
                let error = Error::new(ErrorKind::Refused, format!("cannot keep `{kept}`"));
                return Err(error
                    .with_place(format!("vault `{kept}`"))
                    .with_next(format!("drop `{kept}`")));
            }
            "stops" => Settled::Unfinished {
                state: vault(&args),
                reasons: vec![format!("`{kept}` does not fit")],
            },
            "swells" => {
                let address = "a long way ".repeat(20_000);
                let state = VaultState {
                    address,
                    ..vault(&args)
                };
                Settled::Unfinished {
                    state,
                    reasons: vec!["too large".to_owned()],
                }
            }
            _ => Settled::Complete(vault(&args)),
        };
        Ok(Created { id, settled })
    }

    async fn read(
        &self,
        _: &Context<Config>,
        _: &str,
        _: Option<Prior<VaultArgs, VaultState>>,
    ) -> ReadResult<VaultArgs, VaultState> {
        Err(Error::new(ErrorKind::Exhausted, "the guard is busy").with_next("try again later"))
    }

    async fn update(
        &self,
        _: &Context<Config>,
        _: &str,
        args: VaultArgs,
        _: Prior<VaultArgs, VaultState>,
    ) -> Result<Settled<VaultState>, Error> {
        Ok(Settled::Complete(vault(&args)))
    }

    async fn delete(
        &self,
        context: &Context<Config>,
        id: &str,
        prior: Option<Prior<VaultArgs, VaultState>>,
    ) -> Result<(), Error> {
        context.log().info(format!(
            "`{id}` goes, {}",
            if prior.is_some() {
                "as stored"
            } else {
                "by its id"
            }
        ));
        Ok(())
    }
}

/// A component with children of every kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomArgs {
    /// How it behaves.
    #[schemars(extend("pulumi:plain" = true))]
    behaviour: String,
    /// What a function is asked with.
    question: Option<Output<String>>,
}

/// What a room offers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomOutputs {
    /// The answer to the question.
    answer: Output<String>,
    /// What opens it, known or not.
    key: Output<Secret<String>>,
}

struct Room;

/// What functions of the other package answer.
#[derive(Deserialize)]
struct Answer {
    text: String,
}

impl Component<Config> for Room {
    const NAME: &'static str = "Room";
    type Args = RoomArgs;
    type Outputs = RoomOutputs;

    async fn construct(
        &self,
        construction: &Construction<Config>,
        args: RoomArgs,
    ) -> Result<RoomOutputs, Error> {
        let vault = |role: &str| {
            construction
                .child("odd:index:Vault", role)
                .timeouts(construction.timeouts())
                .ignore_changes(&["thickness"])
                .secret_outputs(&["copy"])
                .former_role("safe")
                .delete_before_replace()
                .protect(false)
                .retain_on_delete(true)
                .register()
        };
        match args.behaviour.as_str() {
            "panics" => panic!("{}", args.behaviour),
            "hurries" => {
                // The first failure ends the wait for the other.
                futures_util::try_join!(vault("first"), vault("second"))?;
            }
            "nests" => {
                let first = vault("first").await?;
                construction
                    .component_child("parts:index:Box", "box")
                    .parent(&first)
                    .register()
                    .await?;
            }
            _ => {
                vault("first").await?;
            }
        }
        let answer = match &args.question {
            Some(question) => {
                let args = [("words", question)]
                    .into_iter()
                    .collect::<std::collections::BTreeMap<_, _>>();
                construction
                    .invoke::<Answer>("parts:index:ask", &args, "1.2.3")
                    .await?
                    .map(|answer| answer.text)
            }
            None => Output::known("nothing".to_owned()),
        };
        Ok(RoomOutputs {
            key: answer.clone().map(Secret::new),
            answer,
        })
    }
}
