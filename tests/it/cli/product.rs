//! The product under the real engine: the plugin and the SDK as users install them, the example that they copy, and
//! moto in the place of AWS.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::account::{Account, ID};
use super::pulumi::{Run, Running, Stack, State, is_encrypted, pinned_packages, root, signal};

const EXAMPLE: &str = "dms-service-roles";

const VPC: &str = "dms-vpc-role";
const LOGS: &str = "dms-cloudwatch-logs-role";

/// Everything that has to be done in an account that has neither role.
const ALL_CHANGES: [&str; 4] = [
    "CreateRole dms-vpc-role",
    "AttachRolePolicy dms-vpc-role",
    "CreateRole dms-cloudwatch-logs-role",
    "AttachRolePolicy dms-cloudwatch-logs-role",
];

/// The roles with their managed policies.
const ROLES: [(&str, &str); 2] = [
    (VPC, "AmazonDMSVPCManagementRole"),
    (LOGS, "AmazonDMSCloudWatchLogsRole"),
];

const NOWHERE: [PathBuf; 0] = [];

/// A stack of the example whose calls go to a URL.
fn example_at(url: &str) -> Stack {
    let stack = Stack::of_example(EXAMPLE);
    configure(&stack, url);
    stack
}

fn configure(stack: &Stack, url: &str) {
    let arguments = [
        "config",
        "set-all",
        "--path",
        "--plaintext",
        "cutover:region=eu-central-1",
        "--plaintext",
        &format!("cutover:endpoints.iam={url}"),
        "--plaintext",
        &format!("cutover:endpoints.sts={url}"),
    ];
    stack.pulumi(&arguments).succeeds();
}

/// An account that has had both roles for long.
fn an_account_that_has_both() -> Account {
    let account = Account::open();
    add_both(&account, ID);
    account
}

fn add_both(account: &Account, id: &str) {
    for (role, policy) in ROLES {
        account.add_role(id, role, policy, "dms.amazonaws.com");
    }
    account.is_old();
}

/// A stack of the example in an account, with credentials in the environment.
fn example_in(account: &Account) -> Stack {
    with_credentials(example_at(&account.url()))
}

fn with_credentials(stack: Stack) -> Stack {
    stack
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
}

fn arn(account: &str, role: &str) -> String {
    format!("arn:aws:iam::{account}:role/{role}")
}

/// Demands that the program's outputs are the roles of an account.
#[track_caller]
fn offers_the_roles(state: &State, account: &str) {
    let expected = json!({
        "accountId": account,
        "vpcRoleArn": arn(account, VPC),
        "logsRoleArn": arn(account, LOGS),
    });
    assert_eq!(*state.outputs(), expected);
}

/// Demands that both roles are in the account, fit for DMS, with nothing left to do.
#[track_caller]
fn both_roles_are_there(account: &Account) {
    for (role, policy) in ROLES {
        let attached = account.ask("ListAttachedRolePolicies", &[("RoleName", role)]);
        assert!(attached.contains(policy), "{attached}");
    }
}

/// The parts of a resource that say that it is not finished.
fn unfinished(state: &State) -> Value {
    state.resource("dms-roles")["initErrors"].clone()
}

#[test]
fn the_roles_are_foretold_made_once_and_left_where_they_are() {
    let account = Account::open();
    let stack = example_in(&account);
    stack.config_path("cutover:defaultTags.team", "payments");

    let preview = stack.preview().succeeds();

    assert_eq!(account.changes(), [""; 0], "a preview must change nothing");
    assert!(!account.calls().is_empty(), "it has not even looked");
    assert_eq!(preview.step("dms-roles"), "create");
    let foretold = preview.outputs("dms-roles");
    assert_eq!(foretold["accountId"], ID);
    assert!(!foretold.to_string().contains("arn:aws"), "{foretold:#}");
    let preview = preview.says(&format!(
        "`{VPC}` does not exist in account `{ID}` and will be made"
    ));
    preview.says(&format!(
        "`{LOGS}` does not exist in account `{ID}` and will be made"
    ));

    let up = stack.up().succeeds();

    up.says(&format!("`{VPC}` in account `{ID}` was made here"));
    assert_eq!(account.changes(), ALL_CHANGES);
    both_roles_are_there(&account);
    offers_the_roles(&stack.state(), ID);
    for role in [VPC, LOGS] {
        let tags = account.ask("ListRoleTags", &[("RoleName", role)]);
        for text in [
            "dms-service-roles/dev/dms-roles",
            "<Key>team</Key>",
            "payments",
        ] {
            assert!(tags.contains(text), "`{text}` is missing: {tags}");
        }
    }

    stack.up().changes_nothing();
    stack
        .pulumi(&["refresh", "--skip-preview", "--expect-no-changes"])
        .changes_nothing();
    let destroy = stack.destroy().succeeds();

    destroy.says(&format!("`{VPC}` stays in account `{ID}`"));
    assert_eq!(stack.state().resources().len(), 0);
    both_roles_are_there(&account);
    assert_eq!(account.changes(), ALL_CHANGES);
}

#[test]
fn roles_that_exist_are_adopted_and_imported_without_a_change() {
    let account = an_account_that_has_both();
    let dev = example_in(&account);

    let preview = dev.preview().succeeds();
    let foretold = preview.outputs("dms-roles");
    assert_eq!(foretold["vpcRole"]["arn"], arn(ID, VPC), "{foretold:#}");
    assert_eq!(foretold["vpcRole"]["status"], "adopted");
    dev.up().succeeds();
    offers_the_roles(&dev.state(), ID);

    let prod = dev.sibling("prod");
    configure(&prod, &account.url());
    let arguments = [
        "import",
        // The language host in use cannot generate programs.
        "--generate-code=false",
        "cutover:index:DmsServiceRoles",
        "dms-roles",
        ID,
        "--protect=false",
    ];
    prod.pulumi(&arguments).succeeds();
    let preview = prod.preview().succeeds();
    assert_eq!(preview.step("dms-roles"), "same");
    assert_eq!(account.changes(), [""; 0]);
}

#[test]
fn a_role_that_dms_may_not_assume_is_refused_and_nothing_is_changed() {
    let account = Account::open();
    account.add_role(ID, LOGS, ROLES[1].1, "lambda.amazonaws.com");
    let stack = example_in(&account);

    stack.preview().succeeds().says("CUT-020");
    let run = stack.up().fails();

    run.says("CUT-020")
        .says(&arn(ID, LOGS))
        .says("nothing was changed")
        .says("allow `dms.amazonaws.com` to assume");
    assert!(stack.state().find("dms-roles").is_none());
    assert_eq!(account.changes(), [""; 0]);
}

#[test]
fn keys_in_the_stacks_configuration_work_and_are_written_nowhere() {
    let account = an_account_that_has_both();
    // Everything that the plugin can be made to tell.
    let stack = example_at(&account.url()).env("CUTOVER_LOG", "trace");
    let arguments = [
        "config",
        "set-all",
        "--secret",
        "cutover:accessKey=AKIASWORDFISH",
        "--secret",
        "cutover:secretKey=swordfish/of+the/seas",
        "--secret",
        "cutover:token=herring-of-the-session",
    ];
    stack.pulumi(&arguments).succeeds();

    stack.preview().succeeds();
    stack.up().succeeds();
    stack.refresh().changes_nothing();

    for secret in ["SWORDFISH", "swordfish", "herring-of"] {
        assert_eq!(stack.finds(secret), NOWHERE);
    }
    let state = stack.state();
    let providers = state.providers("cutover");
    assert_eq!(providers.len(), 1);
    for inputs in providers.values() {
        for key in ["accessKey", "secretKey", "token"] {
            assert!(is_encrypted(&inputs[key]), "`{key}`: {inputs:#}");
        }
    }
    offers_the_roles(&state, ID);
}

#[test]
fn a_wrong_configuration_of_cutover_is_refused_in_the_preview_with_its_path() {
    let stack = Stack::of_example(EXAMPLE);
    let refused = |stack: &Stack, settings: [&str; 2], complaints: [&str; 3]| {
        let [first, second] = settings;
        let flag = "--plaintext";
        stack
            .pulumi(&["config", "set-all", "--path", flag, first, flag, second])
            .succeeds();
        let preview = stack.preview().fails();
        assert_eq!(stack.state().names(), [""; 0]);
        for complaint in complaints {
            assert!(
                preview.output().contains(complaint),
                "`{complaint}` is missing:\n{preview}"
            );
        }
    };

    // What has the wrong form comes first; what it says is judged when all of it can be read.
    refused(
        &stack,
        [
            "cutover:retries=11",
            "cutover:endpoints.iamm=http://127.0.0.1:1",
        ],
        ["retries", "endpoints.iamm", "did you mean `iam`?"],
    );
    refused(
        &stack.sibling("prod"),
        [
            "cutover:region=Frankfurt",
            "cutover:endpoints.sts=localhost",
        ],
        ["region", "endpoints.sts", "http://127.0.0.1:4566"],
    );
}

#[test]
fn without_credentials_a_preview_warns_and_an_update_says_what_to_do() {
    let account = Account::open();
    let stack = example_at(&account.url());

    let preview = stack.preview().succeeds();
    let up = stack.up().fails();

    assert_eq!(preview.step("dms-roles"), "create");
    assert_eq!(warnings(&preview, "CUT-001"), 1, "{preview}");
    up.says("CUT-001")
        .says("configure `cutover:region` and credentials");
    assert!(stack.state().find("dms-roles").is_none());
    assert_eq!(account.calls(), [""; 0]);
}

#[test]
fn a_cloud_that_cannot_be_reached_is_a_warning_in_a_preview_and_an_update_keeps_trying() {
    // Nobody listens there: the port belongs to a service that no machine runs any more.
    let stack = with_credentials(example_at("http://127.0.0.1:1"));

    let preview = stack.preview().succeeds();

    assert_eq!(warnings(&preview, "CUT-004"), 1, "{preview}");
    preview.says("`sts:GetCallerIdentity` could not be served");
    // It tries for a minute, which nobody has to sit out.
    let update = stack.start(&["up", "--skip-preview"]);
    update.has_told("trying `sts:GetCallerIdentity` again");
    update.interrupted().finish().fails();
    let state = stack.state();
    assert!(state.find("dms-roles").is_none());
    assert_eq!(state.pending(), 0);
}

fn warnings(run: &Run, text: &str) -> usize {
    let messages = run.messages().into_iter();
    messages
        .filter(|(severity, message, _)| severity == "warning" && message.contains(text))
        .count()
}

/// Starts an update and waits until the roles only have to settle.
fn settling(stack: &Stack, account: &Account) -> Running {
    let running = stack.start(&["up", "--skip-preview"]);
    account.has_answered(&format!("ListAttachedRolePolicies {LOGS}"), 3);
    running
}

#[test]
fn an_update_that_was_interrupted_while_the_roles_settle_is_finished_by_the_next_one() {
    let account = Account::open();
    let stack = example_in(&account);

    let running = settling(&stack, &account);
    let made = Instant::now();
    let run = running.interrupted().finish().fails();

    run.says("CUT-009").says("run `pulumi up` again");
    let state = stack.state();
    assert_eq!(state.resource("dms-roles")["id"], ID);
    assert!(unfinished(&state).to_string().contains("CUT-009"));
    assert_eq!(state.pending(), 0);

    stack.up().succeeds();

    // Some three seconds of the ten have passed when the roles have been seen often enough.
    let settled = made.elapsed();
    assert!(settled >= Duration::from_secs(6), "after {settled:?}");
    assert!(unfinished(&stack.state()).is_null());
    offers_the_roles(&stack.state(), ID);
    assert_eq!(account.changes(), ALL_CHANGES);
    stack.preview().changes_nothing();
}

#[test]
fn a_role_whose_maker_was_killed_in_the_middle_is_completed_by_the_next_update() {
    let account = Account::open();
    let stack = example_in(&account);
    account.hold(ALL_CHANGES[0]);
    let running = stack.start(&["up", "--skip-preview"]);
    account.has_answered(ALL_CHANGES[0], 1);

    let plugins = running.plugins("cutover");
    assert_eq!(plugins.len(), 1);
    for plugin in plugins {
        signal("KILL", plugin);
    }
    running.finish_as_it_may().fails();
    account.release();
    assert!(stack.state().find("dms-roles").is_none());

    stack
        .preview()
        .succeeds()
        .says(&format!("`{VPC}` will get its policy"));
    stack.up().succeeds();

    assert_eq!(account.changes(), ALL_CHANGES);
    both_roles_are_there(&account);
    let state = stack.state();
    assert_eq!(
        state.resource("dms-roles")["outputs"]["vpcRole"]["status"],
        "created"
    );
    stack.preview().changes_nothing();
}

#[test]
fn a_role_to_assume_leads_to_another_account_and_a_stack_stays_in_its_own() {
    const OTHER: &str = "111111111111";
    let account = Account::open();
    add_both(&account, OTHER);
    let stack = example_in(&account);

    stack
        .config("assumeRoleArn", &arn(OTHER, "deploy"))
        .up()
        .succeeds();
    let state = stack.state();
    offers_the_roles(&state, OTHER);
    assert_eq!(state.provider("dms-roles"), "other-account");

    // Another role may well lead to the same account, so that a new one replaces nothing by itself.
    let up = stack
        .config("assumeRoleArn", &arn("222222222222", "deploy"))
        .up()
        .succeeds();
    assert_eq!(up.step("dms-roles"), "same");
    stack.refresh().fails().says("CUT-007").says(OTHER);
    offers_the_roles(&stack.state(), OTHER);
    assert_eq!(account.changes(), [""; 0]);
}

#[test]
fn the_types_of_the_examples_are_right_under_the_strictest_checks() {
    let examples = std::fs::read_dir(root().join("examples")).expect("there are examples");
    let folders = examples
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.is_dir());
    let names = folders.filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()));
    let stacks: Vec<_> = names.map(|name| Stack::of_example(&name)).collect();
    // The programs of the tests that use the SDK are compiled as an example is.
    let of_tests = ["migration", "shift", "validation"].map(|program| {
        let stack = Stack::of_user(program);
        let settings = root().join("examples").join(EXAMPLE).join("tsconfig.json");
        std::fs::copy(settings, stack.program().join("tsconfig.json"))
            .expect("a file can be copied");
        stack
    });

    for stack in stacks.iter().chain(&of_tests) {
        let check = Command::new("node")
            .arg(pinned_packages().join("typescript/bin/tsc"))
            .args(["--project", "."])
            .current_dir(stack.program())
            .output()
            .expect("`node` is on PATH: run `make setup`");

        assert!(
            check.status.success(),
            "{}:\n{}",
            stack.program().display(),
            String::from_utf8_lossy(&check.stdout)
        );
    }
    assert_eq!(
        stacks.len(),
        3,
        "every example has its tests here, in `shifting` or in `validating`"
    );
}
