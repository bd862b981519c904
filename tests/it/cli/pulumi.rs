//! Runs the Pulumi CLI on a program of `tests/programs` or `examples`, in a world of its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What opens the stacks' secrets.
const PASSPHRASE: &str = "a passphrase for tests";

/// Longer than any of these runs takes on a slow machine, and shorter than a build server's patience.
const RUN_MAX: Duration = Duration::from_mins(3);

/// Longer than it takes to start the program and its plugins.
const START_MAX: Duration = Duration::from_mins(1);

/// Longer than the CLI takes to notice a signal.
const NOTICE_MAX: Duration = Duration::from_secs(10);

/// How often a condition that has no event to wait for is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// A program with one stack, in a temporary folder that looks like the repository from the program's point of view.
///
/// The folder holds everything that the CLI writes: its home, the stack's state, and what each run has printed.
pub(crate) struct Stack {
    world: Arc<TempDir>,
    program: PathBuf,
    name: String,
    environment: BTreeMap<OsString, OsString>,
}

impl Stack {
    /// Makes a stack named `dev` of one of the test programs, which find their plugins where Cargo puts them.
    pub(crate) fn of(program: &str) -> Self {
        let stack = Self::at(&format!("tests/programs/{program}"));
        stack.folder("target");
        symlink(plugins(), stack.world.path().join("target/debug")).expect("a link can be made");
        stack.add_program(program);
        stack.init()
    }

    /// Makes a stack named `dev` of one of the examples, with plugin and SDK installed as they are for users.
    pub(crate) fn of_example(example: &str) -> Self {
        let stack = Self::at(&format!("examples/{example}"));
        stack.install("cutover", env!("CARGO_PKG_VERSION"));
        copy(&root().join("examples").join(example), &stack.program);
        stack.add_packages();
        stack.init()
    }

    /// Makes a stack named `dev` of one of the test programs, with plugin and SDK installed as they are for users.
    pub(crate) fn of_user(program: &str) -> Self {
        let stack = Self::at(&format!("tests/programs/{program}"));
        stack.install("cutover", env!("CARGO_PKG_VERSION"));
        let sources = root().join("tests/programs");
        copy(&sources.join(program), &stack.program);
        fs::copy(
            sources.join("package.json"),
            stack.program.join("package.json"),
        )
        .expect("a file can be copied");
        stack.add_packages();
        stack.init()
    }

    /// Makes a world with nothing but room for a program.
    fn at(program: &str) -> Self {
        let world = TempDir::with_prefix("cutover-it-").expect("there is room for temporary files");
        let stack = Self {
            program: world.path().join(program),
            name: "dev".to_owned(),
            environment: BTreeMap::new(),
            world: Arc::new(world),
        };
        for folder in ["runs", "backend"] {
            stack.folder(folder);
        }
        stack
    }

    /// Puts a plugin where the CLI finds it in the world's home.
    fn install(&self, name: &str, version: &str) {
        let folder = self.folder(&format!("home/plugins/resource-{name}-v{version}"));
        let plugin = format!("pulumi-resource-{name}");
        symlink(plugins().join(&plugin), folder.join(plugin)).expect("a link can be made");
    }

    /// Puts beside the program what `npm install` would: the pinned packages and the SDK.
    fn add_packages(&self) {
        let packages = self.program.join("node_modules");
        fs::create_dir(&packages).expect("a new folder can be written");
        for entry in fs::read_dir(pinned_packages()).expect("a folder can be read") {
            let entry = entry.expect("a folder can be read");
            symlink(entry.path(), packages.join(entry.file_name())).expect("a link can be made");
        }
        for (path, content) in sdk() {
            let file = packages.join("pulumi-cutover").join(path);
            fs::create_dir_all(file.parent().unwrap_or(&file))
                .expect("a new folder can be written");
            fs::write(file, content).expect("a new file can be written");
        }
    }

    /// Makes another stack of the same program, which can refer to this one.
    pub(crate) fn sibling(&self, name: &str) -> Self {
        let stack = Self {
            world: Arc::clone(&self.world),
            program: self.program.clone(),
            name: name.to_owned(),
            environment: self.environment.clone(),
        };
        stack.init()
    }

    fn init(self) -> Self {
        self.pulumi(&["stack", "init", &self.name]).succeeds();
        self
    }

    /// Copies the program, since the CLI writes the stack's configuration beside it.
    fn add_program(&self, name: &str) {
        let sources = root().join("tests/programs");
        copy(&sources.join(name), &self.program);
        let programs = self.world.path().join("tests/programs");
        for file in ["specimen.ts", "package.json"] {
            fs::copy(sources.join(file), programs.join(file)).expect("a file can be copied");
        }
        let link = programs.join("node_modules");
        if !link.exists() {
            symlink(pinned_packages(), link).expect("a link can be made");
        }
    }

    /// Returns the folder of the program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Sets a variable for every run that follows.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Sets one value of the stack's configuration.
    pub(crate) fn config(&self, key: &str, value: &str) -> &Self {
        self.pulumi(&["config", "set", key, "--", value]).succeeds();
        self
    }

    /// Sets one value inside of an object of the stack's configuration.
    pub(crate) fn config_path(&self, path: &str, value: &str) -> &Self {
        self.pulumi(&["config", "set", "--path", path, "--", value])
            .succeeds();
        self
    }

    /// Encrypts one value of the stack's configuration.
    pub(crate) fn secret(&self, key: &str, value: &str) -> &Self {
        // Beside the value nothing must be left of it where a test looks for it.
        self.pulumi(&["config", "set", "--secret", key, "--", value])
            .succeeds();
        self
    }

    /// Runs any command of the CLI to its end.
    pub(crate) fn pulumi(&self, arguments: &[&str]) -> Run {
        self.start(arguments).finish()
    }

    /// Previews an update.
    pub(crate) fn preview(&self) -> Run {
        self.pulumi(&["preview"])
    }

    /// Carries out an update that the program describes, without previewing it first.
    pub(crate) fn up(&self) -> Run {
        self.pulumi(&["up", "--skip-preview"])
    }

    /// Reads back what exists.
    pub(crate) fn refresh(&self) -> Run {
        self.pulumi(&["refresh", "--skip-preview"])
    }

    /// Deletes everything.
    pub(crate) fn destroy(&self) -> Run {
        self.pulumi(&["destroy", "--skip-preview"])
    }

    /// Starts a command of the CLI and returns while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let folder = self.next_run();
        let mut command = Command::new(cli());
        command
            .arg("--non-interactive")
            .args(arguments)
            .args(usual_arguments(arguments, &folder))
            .stdin(Stdio::null());
        self.spawn(command, arguments, folder)
    }

    /// Starts a command of the CLI in a terminal of its own, where Ctrl-C is a key.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_in_terminal(&self, arguments: &[&str]) -> Running {
        let folder = self.next_run();
        let usual = usual_arguments(arguments, &folder);
        let words = std::iter::once(cli().as_os_str())
            .chain(arguments.iter().map(OsStr::new))
            .chain(usual.iter().map(OsString::as_os_str));
        let line = words.collect::<Vec<_>>().join(OsStr::new(" "));
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--return", "--command"])
            .arg(line)
            .arg("/dev/null")
            .env("TERM", "xterm")
            .stdin(Stdio::piped());
        self.spawn(command, arguments, folder)
    }

    fn next_run(&self) -> PathBuf {
        let runs = self.world.path().join("runs");
        let number = fs::read_dir(&runs)
            .expect("the folder of runs can be read")
            .count();
        self.folder(&format!("runs/{number}"))
    }

    fn spawn(&self, mut command: Command, arguments: &[&str], folder: PathBuf) -> Running {
        let backend = self.world.path().join("backend");
        // What the developer has set for stacks of their own must not reach these.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let theirs = ["PULUMI_", "SPECIMEN_", "CUTOVER_", "AWS_"];
            if theirs.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(&*name);
            }
        }
        command
            .current_dir(&self.program)
            .env("PULUMI_HOME", self.world.path().join("home"))
            .env(
                "PULUMI_BACKEND_URL",
                format!("file://{}", backend.display()),
            )
            .env("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
            .env("PULUMI_STACK", &self.name)
            .env("PULUMI_SKIP_UPDATE_CHECK", "true")
            .env("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
            // Credentials come from nowhere but the test.
            .env("AWS_CONFIG_FILE", self.world.path().join("none"))
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                self.world.path().join("none"),
            )
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // Without it there is no event log.
            .env("PULUMI_DEBUG_COMMANDS", "true")
            // Checking the types takes longer than the run; one test does it for all programs.
            .env("PULUMI_NODEJS_TRANSPILE_ONLY", "true")
            .envs(&self.environment)
            // Files, because a plugin that outlives the CLI would keep pipes open.
            .stdout(File::create(folder.join("stdout")).expect("a new file can be written"))
            .stderr(File::create(folder.join("stderr")).expect("a new file can be written"))
            // A process group of its own, as a shell gives it, so that a signal reaches the CLI alone.
            .process_group(0);
        let mut child = command.spawn().expect("the CLI can be started");
        Running {
            keyboard: child.stdin.take(),
            child,
            command: format!("pulumi {}", arguments.join(" ")),
            folder,
            started: Instant::now(),
        }
    }

    /// Returns the stack's state as `pulumi stack export` shows it: with the secrets encrypted.
    pub(crate) fn state(&self) -> State {
        let export = self.pulumi(&["stack", "export"]).succeeds();
        let export: Value = serde_json::from_str(&export.stdout).expect("an export is JSON");
        State(export["deployment"].clone())
    }

    /// Returns the state with its secrets, and leaves no trace of them.
    pub(crate) fn revealed_state(&self) -> State {
        let running = self.start(&["stack", "export", "--show-secrets"]);
        let printed = running.folder.join("stdout");
        let export = running.finish().succeeds();
        fs::remove_file(printed).expect("a file can be removed");
        let export: Value = serde_json::from_str(&export.stdout).expect("an export is JSON");
        State(export["deployment"].clone())
    }

    /// Searches everything that was written since the stack was made, apart from the program: state, history,
    /// configuration, events, and what every run has printed. Returns the files that hold the text.
    pub(crate) fn finds(&self, text: &str) -> Vec<PathBuf> {
        let mut found = vec![];
        for place in ["backend", "home", "runs"] {
            search(&self.world.path().join(place), text, &mut found);
        }
        let configuration = self.program.join(format!("Pulumi.{}.yaml", self.name));
        search(&configuration, text, &mut found);
        found
    }

    /// Makes an empty folder for what the program's resources write.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.world.path().join(name);
        fs::create_dir_all(&folder).expect("a new folder can be written");
        folder
    }
}

/// What goes with every command: an event log for those that change or show resources, and consent.
fn usual_arguments(arguments: &[&str], folder: &Path) -> Vec<OsString> {
    let operation = arguments.first().copied().unwrap_or_default();
    let mut usual = vec![];
    if ["up", "preview", "refresh", "destroy", "import"].contains(&operation) {
        usual.extend(["--event-log".into(), folder.join("events").into()]);
    }
    if ["up", "refresh", "destroy", "import", "cancel"].contains(&operation) {
        usual.push("--yes".into());
    }
    usual
}

/// A run of the CLI that has not ended yet.
pub(crate) struct Running {
    child: Child,
    keyboard: Option<ChildStdin>,
    command: String,
    folder: PathBuf,
    started: Instant,
}

impl Running {
    /// Presses Ctrl-C, or does what it does where there is no terminal.
    pub(crate) fn interrupt(&mut self) {
        match &mut self.keyboard {
            Some(keyboard) => keyboard
                .write_all(b"\x03")
                .expect("the terminal takes a key"),
            None => signal("INT", self.child.id()),
        }
    }

    /// Does what Ctrl-C does, and returns the run to be waited for.
    pub(crate) fn interrupted(mut self) -> Self {
        self.interrupt();
        self
    }

    /// Ends the CLI without giving it a chance, and returns the run to be waited for.
    pub(crate) fn killed(self) -> Self {
        signal("KILL", self.child.id());
        self
    }

    /// Returns the processes of a plugin that this run has started.
    pub(crate) fn plugins(&self, name: &str) -> Vec<u32> {
        let listed = Command::new("ps")
            .args(["-A", "-o", "pid=,ppid=,command="])
            .output()
            .expect("`ps` is everywhere");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let child = |line: &str| {
            let mut words = line.split_whitespace();
            let (pid, parent, command) = (words.next()?, words.next()?, words.next()?);
            let ours = parent == self.child.id().to_string();
            (ours && command.ends_with(&format!("pulumi-resource-{name}")))
                .then(|| pid.parse().ok())?
        };
        listed.lines().filter_map(child).collect()
    }

    /// Returns what was printed so far.
    pub(crate) fn printed(&self) -> String {
        read(&self.folder.join("stdout")) + &read(&self.folder.join("stderr"))
    }

    /// Waits until the run has said something.
    #[track_caller]
    pub(crate) fn has_printed(&self, text: &str) {
        until(NOTICE_MAX, text, || {
            self.printed().contains(text).then_some(())
        });
    }

    /// Tells whether the run has said something about a resource so far, in a status line or one that stays.
    pub(crate) fn has_said(&self, text: &str) -> bool {
        read(&self.folder.join("events")).contains(text)
    }

    /// Waits until the run has said something about a resource, in a status line or one that stays.
    #[track_caller]
    pub(crate) fn has_told(&self, text: &str) {
        until(START_MAX, text, || self.has_said(text).then_some(()));
    }

    /// Waits until the run ends.
    pub(crate) fn finish(self) -> Run {
        let run = self.finish_as_it_may();
        // The engine's words for a plugin that died, and the framework's for a mistake of its own.
        for phrase in ["exited prematurely", "bug in the provider"] {
            assert!(!run.output().contains(phrase), "{run}");
        }
        run
    }

    /// Waits until the run ends, in a test that has killed one of its processes.
    pub(crate) fn finish_as_it_may(mut self) -> Run {
        let what = self.command.clone();
        let status = until(RUN_MAX, &what, || {
            self.child.try_wait().expect("a child can be waited for")
        });
        let events = read(&self.folder.join("events"));
        Run {
            command: std::mem::take(&mut self.command),
            status,
            took: self.started.elapsed(),
            stdout: read(&self.folder.join("stdout")),
            stderr: read(&self.folder.join("stderr")),
            // A killed CLI may leave half a line.
            events: events
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a test that fails leaves a run behind.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            signal("KILL", self.child.id());
            let _ = self.child.wait();
        }
    }
}

/// A run of the CLI that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    command: String,
    status: ExitStatus,
    pub(crate) took: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) events: Vec<Value>,
}

impl Run {
    /// Tells whether the run has succeeded.
    pub(crate) fn worked(&self) -> bool {
        self.status.success()
    }

    /// Demands that the run has succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert!(self.status.success(), "this should have worked:\n{self}");
        self
    }

    /// Demands that the run has failed.
    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert!(!self.status.success(), "this should have failed:\n{self}");
        self
    }

    /// Demands that the run says something.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.output().contains(text), "`{text}` is missing:\n{self}");
        self
    }

    /// Demands that the run is silent about something.
    #[track_caller]
    pub(crate) fn hides(self, text: &str) -> Self {
        assert!(!self.output().contains(text), "`{text}` is there:\n{self}");
        self
    }

    /// Demands that nothing would be, or was, done.
    #[track_caller]
    pub(crate) fn changes_nothing(self) -> Self {
        let run = self.succeeds();
        let busy = run.changes().keys().any(|operation| operation != "same");
        assert!(!busy, "there should be nothing to do:\n{run}");
        run
    }

    /// Returns everything that was printed.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Returns how many resources each operation was, or would be, applied to.
    pub(crate) fn changes(&self) -> BTreeMap<String, u64> {
        let summary = self
            .events
            .iter()
            .rfind(|event| !event["summaryEvent"].is_null());
        let changes =
            summary.and_then(|event| event["summaryEvent"]["resourceChanges"].as_object());
        changes
            .into_iter()
            .flatten()
            .filter_map(|(operation, count)| Some((operation.clone(), count.as_u64()?)))
            .collect()
    }

    /// Returns the steps in the order in which they began, as operation and resource name.
    pub(crate) fn steps(&self) -> Vec<(String, String)> {
        let steps = self
            .events
            .iter()
            .map(|event| &event["resourcePreEvent"]["metadata"]);
        steps
            .filter(|step| !step.is_null())
            .map(|step| (text(&step["op"]), name_of(&text(&step["urn"]))))
            .collect()
    }

    /// Returns the operation that was, or would be, applied to a resource; the last one where there are several.
    #[track_caller]
    pub(crate) fn step(&self, resource: &str) -> String {
        let steps = self.steps();
        let step = steps.iter().rfind(|(_, name)| name == resource);
        step.unwrap_or_else(|| panic!("there is no step for `{resource}`:\n{self}"))
            .0
            .clone()
    }

    /// Returns the URN of a resource that a step was about.
    #[track_caller]
    pub(crate) fn urn(&self, resource: &str) -> String {
        let mut steps = self
            .events
            .iter()
            .map(|event| text(&event["resourcePreEvent"]["metadata"]["urn"]));
        steps
            .find(|urn| name_of(urn) == resource)
            .unwrap_or_else(|| panic!("there is no step for `{resource}`:\n{self}"))
    }

    /// Returns the paths of what would be, or was, changed about a resource.
    pub(crate) fn changed(&self, resource: &str) -> Vec<String> {
        let steps = self
            .events
            .iter()
            .map(|event| &event["resourcePreEvent"]["metadata"]);
        let steps = steps.filter(|step| name_of(&text(&step["urn"])) == resource);
        let changes = steps.filter_map(|step| step["detailedDiff"].as_object());
        changes
            .flat_map(|changes| changes.keys().cloned())
            .collect()
    }

    /// Returns the messages about resources, with their severity; `true` stands for a status line.
    pub(crate) fn messages(&self) -> Vec<(String, String, bool)> {
        let messages = self.events.iter().map(|event| &event["diagnosticEvent"]);
        messages
            .filter(|message| !message.is_null())
            .map(|message| {
                let ephemeral = message["ephemeral"].as_bool().unwrap_or_default();
                (
                    text(&message["severity"]),
                    text(&message["message"]),
                    ephemeral,
                )
            })
            .collect()
    }

    /// Returns the outputs that a step ended with, as the engine shows them.
    #[track_caller]
    pub(crate) fn outputs(&self, resource: &str) -> Value {
        let mut ended = self
            .events
            .iter()
            .map(|event| &event["resOutputsEvent"]["metadata"]);
        ended
            .rfind(|step| name_of(&text(&step["urn"])) == resource)
            .unwrap_or_else(|| panic!("there are no outputs of `{resource}`:\n{self}"))["new"]
            ["outputs"]
            .clone()
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            command,
            status,
            took,
            stdout,
            stderr,
            ..
        } = self;
        write!(
            f,
            "$ {command} ({status} after {took:?})\n{stdout}\n{stderr}"
        )
    }
}

/// The state of a stack.
#[derive(Clone, Debug)]
pub(crate) struct State(pub(crate) Value);

impl State {
    /// Returns every resource, in the order in which the state lists them.
    pub(crate) fn resources(&self) -> Vec<&Value> {
        self.0["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .collect()
    }

    /// Returns the names of the resources, without stack and providers.
    pub(crate) fn names(&self) -> Vec<String> {
        let resources = self.resources().into_iter();
        let mut names: Vec<_> = resources
            .filter(|resource| !text(&resource["type"]).starts_with("pulumi:"))
            .map(|resource| name_of(&text(&resource["urn"])))
            .collect();
        names.sort();
        names
    }

    /// Returns a resource by its name in the program.
    #[track_caller]
    pub(crate) fn resource(&self, name: &str) -> &Value {
        self.find(name)
            .unwrap_or_else(|| panic!("there is no resource `{name}` in {:#}", self.0))
    }

    /// Looks for a resource by its name in the program.
    pub(crate) fn find(&self, name: &str) -> Option<&Value> {
        let mut resources = self.resources().into_iter();
        resources.find(|resource| name_of(&text(&resource["urn"])) == name)
    }

    /// Returns the URN of a resource.
    #[track_caller]
    pub(crate) fn urn(&self, name: &str) -> String {
        text(&self.resource(name)["urn"])
    }

    /// Returns the providers of a package, by name, with their inputs.
    pub(crate) fn providers(&self, package: &str) -> BTreeMap<String, Value> {
        let kind = format!("pulumi:providers:{package}");
        let resources = self.resources().into_iter();
        resources
            .filter(|resource| resource["type"] == kind.as_str())
            .map(|resource| (name_of(&text(&resource["urn"])), resource["inputs"].clone()))
            .collect()
    }

    /// Returns the name of the provider that manages a resource.
    #[track_caller]
    pub(crate) fn provider(&self, name: &str) -> String {
        let reference = text(&self.resource(name)["provider"]);
        let (urn, _) = reference.rsplit_once("::").unwrap_or_default();
        name_of(urn)
    }

    /// Returns the stack's outputs.
    pub(crate) fn outputs(&self) -> &Value {
        let mut resources = self.resources().into_iter();
        resources
            .find(|resource| resource["type"] == "pulumi:pulumi:Stack")
            .map_or(&Value::Null, |stack| &stack["outputs"])
    }

    /// Returns how many operations the state takes for under way.
    pub(crate) fn pending(&self) -> usize {
        self.0["pending_operations"].as_array().map_or(0, Vec::len)
    }
}

/// Returns the text of a JSON value; nothing where it is not text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Tells whether a value in an exported state is encrypted.
pub(crate) fn is_encrypted(value: &Value) -> bool {
    // The signature by which the engine tells secrets from maps (Pulumi v3.245, `sdk/go/common/resource/sig`).
    value["4dabf18193072939515e22adb298388d"] == "1b47061264138c4ac30d75fd1eb44270"
        && value["ciphertext"].is_string()
}

/// Waits until `look` finds something, and panics when that takes too long.
#[track_caller]
pub(crate) fn until<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < deadline,
            "waited {deadline:?} in vain for: {what}"
        );
        thread::sleep(GLANCE);
    }
}

/// Tells whether a process still runs.
pub(crate) fn is_running(process: u32) -> bool {
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", &process.to_string()])
        .output()
        .expect("`ps` is everywhere");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    // One that ended and that nobody has waited for is listed as a zombie.
    !state.is_empty() && !state.starts_with('Z')
}

/// Sends a signal to one process.
pub(crate) fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "{process} cannot be signalled"
    );
}

/// The folder that holds the plugins.
///
/// Cargo does not build another package's binaries for a test, so they are built here: a test must not run on what is
/// left of an earlier build.
pub(crate) fn plugins() -> &'static Path {
    static PLUGINS: OnceLock<PathBuf> = OnceLock::new();
    PLUGINS.get_or_init(|| {
        let test = std::env::current_exe().expect("a test knows where it is");
        // Test executables are in `deps`, binaries in the folder above, which is named after the profile.
        let folder = test
            .parent()
            .and_then(Path::parent)
            .expect("cargo puts tests into a folder of the profile");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet"]);
        cargo.args(["--package", "pulumi-specimen"]);
        cargo.args(["--package", "pulumi-resource-cutover"]);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "the plugins cannot be built: run `make build`"
        );
        for plugin in ["specimen", "parts", "cutover"] {
            let plugin = folder.join(format!("pulumi-resource-{plugin}"));
            assert!(plugin.exists(), "{} was not built", plugin.display());
        }
        folder.to_owned()
    })
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is a folder of the repository")
}

/// The packages that all programs of the tests run on.
pub(crate) fn pinned_packages() -> PathBuf {
    let packages = root().join("tests/programs/node_modules");
    assert!(
        packages.join("@pulumi/pulumi").exists(),
        "`tests/programs/node_modules` is not there: run `make setup`"
    );
    packages
}

/// The TypeScript SDK as it is packed: its files, by their paths in the package.
///
/// It is compiled here for the same reason as the plugins, and kept in memory so that no process leaves a folder
/// behind or finds one of another. Its types are not checked, which takes several times as long: packing it does that.
fn sdk() -> &'static BTreeMap<PathBuf, Vec<u8>> {
    static SDK: OnceLock<BTreeMap<PathBuf, Vec<u8>>> = OnceLock::new();
    SDK.get_or_init(|| {
        let place =
            TempDir::with_prefix("cutover-sdk-").expect("there is room for temporary files");
        let (sources, package) = (place.path().join("sources"), place.path().join("package"));
        let generated = root().join("sdk-ts");
        for folder in ["", "config", "types", "types/enums"] {
            copy(&generated.join(folder), &sources.join(folder));
        }
        symlink(pinned_packages(), place.path().join("node_modules")).expect("a link can be made");
        let compiled = Command::new("node")
            .arg(pinned_packages().join("typescript/bin/tsc"))
            .args(["--noCheck", "--project"])
            .arg(&sources)
            .arg("--outDir")
            .arg(&package)
            .status();
        assert!(
            compiled.is_ok_and(|status| status.success()),
            "the SDK cannot be compiled"
        );
        fs::copy(generated.join("package.json"), package.join("package.json"))
            .expect("a file can be copied");
        let mut files = BTreeMap::new();
        collect(&package, Path::new(""), &mut files);
        files
    })
}

/// The CLI.
fn cli() -> &'static Path {
    static CLI: OnceLock<PathBuf> = OnceLock::new();
    CLI.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join("pulumi"))
            .find(|candidate| candidate.is_file())
            .expect("`pulumi` is not on PATH: run `make setup`, and the tests with `make test`")
    })
}

fn name_of(urn: &str) -> String {
    urn.rsplit("::").next().unwrap_or_default().to_owned()
}

fn read(file: &Path) -> String {
    fs::read(file)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// Copies the files of a folder, and leaves out what is in folders: what npm has installed.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder can be written");
    for entry in fs::read_dir(from).expect("the program is there") {
        let entry = entry.expect("a folder can be read");
        let stack = entry.file_name().to_string_lossy().starts_with("Pulumi.")
            && entry.file_name() != "Pulumi.yaml";
        // Whoever has tried a program where it lies has left a folder of packages and a stack of theirs.
        if entry.path().is_file() && !stack {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a file can be copied");
        }
    }
}

/// Reads every file below a folder.
fn collect(folder: &Path, path: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let entry = entry.expect("a folder can be read");
        let path = path.join(entry.file_name());
        if entry.path().is_dir() {
            collect(&entry.path(), &path, files);
        } else {
            files.insert(path, fs::read(entry.path()).expect("a file can be read"));
        }
    }
}

fn search(place: &Path, text: &str, found: &mut Vec<PathBuf>) {
    if place.is_dir() {
        for entry in fs::read_dir(place).expect("a folder can be read") {
            search(&entry.expect("a folder can be read").path(), text, found);
        }
        return;
    }
    let content = read(place);
    let mut lines = content.lines();
    if lines.any(|line| line.contains(text) && !is_debug_message_of_the_program(line)) {
        found.push(place.to_owned());
    }
}

/// Tells whether a line is an event in which Pulumi's library for Node.js, which is not under test, tells of its own
/// calls, with everything that was secret in them.
fn is_debug_message_of_the_program(line: &str) -> bool {
    let event: Value = serde_json::from_str(line).unwrap_or_default();
    let message = &event["diagnosticEvent"];
    message["severity"] == "debug" && message["urn"].is_null()
}
