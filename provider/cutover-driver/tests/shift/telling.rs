//! People and metrics that cannot be told.

use cutover_sim::CloudFault;
use cutover_sim::cloud::{What, When};

use super::*;

fn always(operation: &'static str, what: What) -> CloudFault {
    CloudFault {
        operation,
        when: When::Always,
        what,
    }
}

/// Lets new break, and returns when each event of the way back came, with what was not delivered.
async fn going_back(
    change: impl FnOnce(&Shop),
) -> (Vec<String>, Conducted<std::convert::Infallible>) {
    let (shop, site, program) = pay();
    breaks(&shop, Side::New, minutes(6));
    change(&shop);
    let life = program.up("run-1").await;
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
    (life.log(), life.ended())
}

/// F57
#[tokio::test(start_paused = true)]
async fn a_rollback_takes_no_longer_when_nobody_can_be_told() {
    let (calm, told_all) = going_back(|_| ()).await;
    assert_eq!(told_all.undelivered.messages.len(), 0);
    let silences: [fn(&Shop); 3] = [
        |shop| shop.sim.cloud().script([always("Publish", What::Broken)]),
        |shop| {
            let topic = "arn:aws:sns:eu-central-1:123456789012:pay";
            shop.sim.cloud().delete_topic(topic);
        },
        |shop| {
            let kms = What::Refused(
                "KMSAccessDenied",
                "The ciphertext refers to a key without access",
            );
            shop.sim.cloud().script([always("Publish", kms)]);
        },
    ];
    for silence in silences {
        let (log, conducted) = going_back(silence).await;

        assert_eq!(log, calm);
        let undelivered = &conducted.undelivered.messages;
        assert_eq!(
            undelivered.len(),
            conducted.shift.events().len(),
            "{undelivered:?}"
        );
        assert!(
            undelivered
                .iter()
                .any(|key| key.ends_with("RollbackStarted")),
            "{undelivered:?}"
        );
    }
}

/// F58
#[tokio::test(start_paused = true)]
async fn figures_that_cannot_be_published_are_counted_and_change_nothing() {
    let (calm, _) = going_back(|_| ()).await;
    let (log, conducted) = going_back(|shop| {
        let fault = always("PutMetricData", What::Broken);
        shop.sim.cloud().script([fault]);
    })
    .await;

    assert_eq!(log, calm);
    assert!(
        conducted.undelivered.figures > 5,
        "{:?}",
        conducted.undelivered
    );
    assert_eq!(conducted.undelivered.messages.len(), 0);
}
