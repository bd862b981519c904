//! Commands while a shift is conducted in another process, against the same account.

use std::sync::Arc;
use std::time::Duration;

use cutover_aws::{Endpoints, Keys, Sdk, Settings};
use cutover_core::Timestamp;
use cutover_core::shift::check::check;
use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::journal::RunId;
use cutover_core::shift::machine::{Orders, Outcome, Shift};
use cutover_core::shift::notice::Gravity;
use cutover_core::shift::spec::Interrupt;
use cutover_driver::{
    Allowance, Clock, Conducted, Herald, Notify, Shifting, SystemClock, Wait, conduct,
};
use cutover_local_aws::Options;
use cutover_sim::Cloud;
use cutover_sim::shop::Site;
use tokio::time::Instant;

use crate::world::{
    ACCESS_KEY, NAMES, PARAMETER, Pair, SECRET_KEY, TOKEN, World, put_parameter, quick,
};

const ROLLBACK: &str = "rollback --zone Z0PAY --name pay.example.com --yes";

/// How long the shop has been open when a shift begins, as gates need: ours.
const OPEN_FOR: Duration = Duration::from_mins(20);

/// Time that passes so many times as fast as it does.
#[derive(Debug)]
struct Fast {
    began: Timestamp,
    at: Instant,
    times: u32,
}

impl Fast {
    fn new(times: u32) -> Arc<Self> {
        Arc::new(Self {
            began: SystemClock.now(),
            at: Instant::now(),
            times,
        })
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        self.began.after(self.at.elapsed() * self.times)
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        Box::pin(tokio::time::sleep(at.since(self.now()) / self.times))
    }
}

/// An account with a shop in it, and the name on old.
async fn a_shop(clock: Arc<dyn Clock>) -> World {
    let now = clock.now();
    let before = i64::try_from(OPEN_FOR.as_millis()).unwrap();
    let opened = Timestamp::from_unix_millis(now.unix_millis() - before);
    let mut config = quick();
    config.insync = Some(Duration::ZERO);
    let mut cloud = Cloud::new(config);
    Site::pay().open(&mut cloud, opened);
    put_parameter(&mut cloud, now, "run");
    World::of(cloud, clock, Options::default()).await
}

fn sdk(world: &World) -> Sdk {
    let url = Some(world.aws.url());
    let settings = Settings {
        region: Some("eu-central-1".to_owned()),
        keys: Some(Keys {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            token: Some(TOKEN.to_owned()),
        }),
        endpoints: Endpoints {
            cloudwatch: url.clone(),
            dms: url.clone(),
            elbv2: url.clone(),
            route53: url.clone(),
            sns: url.clone(),
            ssm: url.clone(),
            sts: url,
            name_server: Some(world.name_server.at()),
            ..Endpoints::default()
        },
        ..Settings::default()
    };
    Sdk::new(settings, Arc::clone(&world.clock))
}

/// Moves 10 % of the name, and watches for ten minutes. A stop holds, so that only others take anything back.
async fn moves(world: &World) -> Conducted<()> {
    let site = Site::pay();
    let clock = Arc::clone(&world.clock);
    let mut wish = site.wish();
    wish.policy.control_poll = Some(Duration::from_secs(10));
    wish.policy.control_parameter = Some(PARAMETER.to_owned());
    wish.policy.interrupt = Some(Interrupt::Hold);
    let spec = check(&wish).spec.unwrap();
    let allowance = Arc::new(Allowance::new(Arc::clone(&clock)));
    let traffic = cutover_aws::traffic(&sdk(world), &allowance);
    let notify = Notify {
        topic_arn: None,
        severity_min: Gravity::Info,
        events: Vec::new(),
        namespace: None,
    };
    let (topics, metrics) = (Arc::clone(&traffic.topics), Arc::clone(&traffic.metrics));
    let herald = Herald::new(&spec.id, notify, topics, metrics, Arc::clone(&clock));
    let run = RunId::new("live-1");
    let shift = Shift::new(spec.clone(), Orders::default(), run, clock.now());
    let shifting = Shifting::new(traffic, Arc::clone(&clock), spec, site.sources(), None);
    let late = clock.sleep_until(clock.now().after(Duration::from_mins(9)));
    conduct(shift, &shifting, clock.as_ref(), &herald, late, |_, _| ()).await
}

fn pairs(world: &World) -> Vec<Pair> {
    let history = world.history(NAMES[0], "A");
    history.into_iter().map(|(_, pair)| pair).collect()
}

const THERE: [Pair; 2] = [(100, 0), (90, 10)];
const BACK: [Pair; 3] = [(100, 0), (90, 10), (100, 0)];

/// F17, F20
#[tokio::test]
async fn a_live_run_finds_that_an_operator_took_everything_back_and_does_not_raise_it_again() {
    let world = a_shop(Fast::new(10)).await;
    let operator = async {
        world.until(|world| pairs(world) == THERE).await;
        let typed = world.types(ROLLBACK).await.exits(0);
        assert!(typed.out.contains("back on old"), "{}", typed.out);
    };

    let (conducted, ()) = tokio::join!(moves(&world), operator);

    let Some(Outcome::NotHolder { run: Some(run) }) = &conducted.outcome else {
        panic!("{:?} {:#?}", conducted.outcome, conducted.shift.events())
    };
    assert!(run.starts_with("cli-"), "{run}");
    assert_eq!(pairs(&world), BACK);
    let JournalRead::Entry(entry) = world.journal() else {
        panic!("{:?}", world.journal())
    };
    assert_eq!(entry.run.as_str(), run);
}

/// F17
#[tokio::test]
async fn a_live_run_whose_fence_is_unlocked_by_force_stops_writing() {
    let world = a_shop(Fast::new(10)).await;
    let operator = async {
        world.until(|world| pairs(world) == THERE).await;
        world
            .types("unlock --zone Z0PAY --name pay.example.com --force")
            .await
            .exits(0);
    };

    let (conducted, ()) = tokio::join!(moves(&world), operator);

    let mut events = conducted.shift.events().iter();
    assert!(
        events.any(|event| event.what.to_string().starts_with("paused: Drift")),
        "{:#?}",
        conducted.shift.events()
    );
    assert_eq!(pairs(&world), THERE);
    assert_eq!(world.journal(), JournalRead::Absent);
}

/// F59
#[tokio::test]
async fn the_kill_switch_takes_a_live_shift_back_within_fifteen_seconds() {
    let world = a_shop(Arc::new(SystemClock)).await;
    let operator = async {
        world.until(|world| pairs(world) == THERE).await;
        let typed = world
            .types("rollback --parameter /cutover/pay --reason errors")
            .await;
        let pressed = Instant::now();
        typed.exits(0);
        world.until(|world| pairs(world) == BACK).await;
        pressed.elapsed()
    };

    let (moving, operator) = (moves(&world), operator);
    let mut moving = std::pin::pin!(moving);
    let took = tokio::select! {
        conducted = &mut moving => panic!("{:?} {:#?}", conducted.outcome, conducted.shift.events()),
        took = operator => took,
    };

    assert!(took <= Duration::from_secs(15), "{took:?}");
    let status = world
        .types("status --zone Z0PAY --name pay.example.com --json")
        .await;
    assert_eq!(status.json()["journal"]["phase"], "rollingBack");
}
