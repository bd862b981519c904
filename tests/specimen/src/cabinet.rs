//! A component whose children need one another: its own package's, another package's, and one that takes long.

use pulumi_host::{Component, Construction, Error, Method, MethodCall, Problem};
use pulumi_value::{Output, PropertyPath, ResourceReference, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A cabinet: a labelled bolt, a note about it, and optionally the moving of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CabinetArgs {
    /// What the bolt is called.
    pub label: Output<String>,
    /// What opens the cabinet.
    pub password: Option<Output<String>>,
    /// How the cabinet is moved, if it is.
    #[schemars(extend("pulumi:plain" = true))]
    pub moving: Option<Moving>,
    /// Makes the bolt fail, to see what becomes of the rest.
    pub broken: Option<Output<bool>>,
}

/// How a cabinet is moved.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Moving {
    /// The folder in which the move is recorded.
    pub journal: String,
    /// How many steps it takes.
    pub steps: u32,
}

/// What a cabinet offers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CabinetOutputs {
    /// The bolt's id.
    pub bolt_id: Output<String>,
    /// The bolt itself.
    pub bolt: ResourceReference,
    /// The bolt's serial number.
    pub serial: Output<String>,
    /// The note's digest, which depends on the bolt.
    pub digest: Output<String>,
    /// What opens the cabinet.
    pub key: Output<Secret<String>>,
    /// The stack that it stands in.
    pub stack: String,
}

/// The component.
#[derive(Debug)]
pub struct CabinetComponent;

impl<A: Send + Sync + 'static> Component<A> for CabinetComponent {
    const NAME: &'static str = "Cabinet";
    type Args = CabinetArgs;
    type Outputs = CabinetOutputs;

    fn check(&self, args: &CabinetArgs, problems: &mut Vec<Problem>) {
        if args.label.get().is_some_and(String::is_empty) {
            problems.push(Problem::new(
                PropertyPath::root().key("label"),
                "must not be empty",
            ));
        }
        let password = args.password.as_ref().and_then(Output::get);
        if password.is_some_and(|password| password.len() < 4) {
            problems.push(Problem::new(
                PropertyPath::root().key("password"),
                "is too short",
            ));
        }
    }

    async fn construct(
        &self,
        construction: &Construction<A>,
        args: CabinetArgs,
    ) -> Result<CabinetOutputs, Error> {
        let bolt = construction
            .child("parts:index:Bolt", "bolt")
            .version(env!("CARGO_PKG_VERSION"))
            .input("label", &args.label)
            .input("fail", &args.broken)
            .register()
            .await?;
        let serial = bolt.output::<String>("serial")?;
        let note = construction
            .child("specimen:index:Note", "note")
            .input("title", &args.label)
            .input("body", &serial)
            .input("password", &args.password)
            .register()
            .await?;
        if let Some(moving) = &args.moving {
            construction
                .child("specimen:index:Rollout", "rollout")
                .input("target", &serial)
                .input("journal", &moving.journal)
                .input("steps", &moving.steps)
                .timeouts(construction.timeouts())
                .depends_on(&note)
                .register()
                .await?;
        }
        let password = args
            .password
            .unwrap_or_else(|| Output::known(String::new()));
        let (_, _, stack) = construction.deployment();
        Ok(CabinetOutputs {
            bolt_id: bolt.id(),
            bolt: bolt.reference(),
            digest: note.output("digest")?,
            key: password
                .zip(serial.clone())
                .map(|(password, serial)| Secret::new(format!("{serial}/{password}"))),
            serial,
            stack: stack.to_owned(),
        })
    }
}

/// Describes a cabinet.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DescribeArgs {
    /// How to begin.
    pub greeting: String,
}

/// The description.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Description {
    /// The text.
    pub text: String,
}

/// The method that describes.
#[derive(Debug)]
pub struct Describe;

impl<A: Send + Sync + 'static> Method<A> for Describe {
    const RESOURCE: &'static str = "Cabinet";
    const NAME: &'static str = "describe";
    type Args = DescribeArgs;
    type Return = Description;

    async fn call(&self, call: &MethodCall<A>, args: DescribeArgs) -> Result<Description, Error> {
        Ok(Description {
            text: format!("{} from {}", args.greeting, call.this().urn.name()),
        })
    }
}
