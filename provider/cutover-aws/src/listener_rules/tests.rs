//! The form of requests to Elastic Load Balancing, and what is concluded from its answers.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::shift::rules::{GroupWeight, JOURNAL_TAG, RuleChange};
use cutover_driver::{Applied, ListenerRules as _, Targets};

use super::AwsListenerRules;
use crate::testing::{Log, lines, scripted};

const RULE: &str = "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/lb/1/2/3";
const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/lb/1/2";

const SIGN_IN: &str = "<member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig>\
    <Issuer>https://id</Issuer><AuthorizationEndpoint>https://id/a</AuthorizationEndpoint>\
    <TokenEndpoint>https://id/t</TokenEndpoint><UserInfoEndpoint>https://id/u</UserInfoEndpoint>\
    <ClientId>shop</ClientId><Scope>openid</Scope></AuthenticateOidcConfig></member>";

const FORWARD: &str = "<member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups>\
    <member><TargetGroupArn>tg-old</TargetGroupArn><Weight>100</Weight></member>\
    <member><TargetGroupArn>tg-new</TargetGroupArn><Weight>0</Weight></member></TargetGroups>\
    <TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>120</DurationSeconds>\
    </TargetGroupStickinessConfig></ForwardConfig></member>";

fn rules<B: Into<String>>(answers: impl IntoIterator<Item = (u16, B)>) -> (AwsListenerRules, Log) {
    let (sdk, sent) = scripted(answers);
    (AwsListenerRules::new(&sdk), sent)
}

fn ok(operation: &str, result: &str) -> (u16, String) {
    let body = format!(
        "<{operation}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
         <{operation}Result>{result}</{operation}Result></{operation}Response>"
    );
    (200, body)
}

fn error(code: &str) -> (u16, String) {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
    (400, body)
}

fn described(actions: &str, default: bool) -> (u16, String) {
    let rule = format!(
        "<Rules><member><RuleArn>{RULE}</RuleArn><IsDefault>{default}</IsDefault><Actions>{actions}</Actions>\
         </member></Rules>"
    );
    ok("DescribeRules", &rule)
}

fn tagged() -> (u16, String) {
    let tags = "<TagDescriptions><member><Tags><member><Key>cutover:journal</Key><Value>7</Value></member>\
        </Tags></member></TagDescriptions>";
    ok("DescribeTags", tags)
}

fn groups(old: u16, new: u16) -> Vec<GroupWeight> {
    [("tg-old", old), ("tg-new", new)]
        .map(|(arn, weight)| GroupWeight {
            arn: arn.to_owned(),
            weight,
        })
        .into()
}

fn change() -> RuleChange {
    RuleChange {
        rule_arn: RULE.to_owned(),
        expected: Some(groups(100, 0)),
        expected_tag: None,
        groups: Some(groups(90, 10)),
        tags: [(JOURNAL_TAG.to_owned(), "8".to_owned())].into(),
        tags_first: false,
    }
}

async fn class_of(change: &RuleChange, answers: Vec<(u16, String)>) -> FailureClass {
    let (rules, _) = rules(answers);
    rules.apply(change).await.unwrap_err().class
}

#[tokio::test]
async fn reads_groups_stickiness_and_tags() {
    let (rules, sent) = rules([described(&format!("{SIGN_IN}{FORWARD}"), false), tagged()]);

    let rule = rules.fetch_rule(RULE).await.unwrap().unwrap();

    assert_eq!(rule.groups, groups(100, 0));
    assert_eq!(rule.stickiness, Some(Duration::from_mins(2)));
    assert_eq!(
        rule.tags,
        BTreeMap::from([(JOURNAL_TAG.to_owned(), "7".to_owned())])
    );
    let sent = lines(&sent);
    assert!(
        sent[0].contains("Action=DescribeRules&Version=2015-12-01&RuleArns.member.1=arn%3Aaws"),
        "{sent:?}"
    );
    assert!(
        sent[1].contains("Action=DescribeTags&Version=2015-12-01&ResourceArns.member.1=arn%3Aaws"),
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_forward_to_one_group_is_read_in_its_short_form() {
    let short = "<member><Type>forward</Type><TargetGroupArn>tg-old</TargetGroupArn></member>";
    let (rules, _) = rules([described(short, false), tagged()]);

    let rule = rules.fetch_rule(RULE).await.unwrap().unwrap();

    assert_eq!(
        rule.groups,
        [GroupWeight {
            arn: "tg-old".to_owned(),
            weight: 1
        }]
    );
    assert_eq!(rule.stickiness, None);
}

/// F68
#[tokio::test]
async fn other_actions_and_stickiness_are_sent_back_as_they_were() {
    let (rules, sent) = rules([
        described(&format!("{SIGN_IN}{FORWARD}"), false),
        ok("ModifyRule", ""),
        ok("AddTags", ""),
    ]);

    let applied = rules.apply(&change()).await;

    assert_eq!(
        applied,
        Ok(Applied::Accepted {
            id: "request-2".to_owned()
        })
    );
    let sent = lines(&sent);
    let config = "Actions.member.1.AuthenticateOidcConfig";
    for part in [
        "Action=ModifyRule".to_owned(),
        "Actions.member.1.Type=authenticate-oidc".to_owned(),
        format!("{config}.ClientId=shop"),
        format!("{config}.Scope=openid"),
        format!("{config}.UseExistingClientSecret=true"),
        "Actions.member.1.Order=1".to_owned(),
        "Actions.member.2.Type=forward".to_owned(),
        "Actions.member.2.Order=2".to_owned(),
        "Actions.member.2.ForwardConfig.TargetGroups.member.1.TargetGroupArn=tg-old".to_owned(),
        "Actions.member.2.ForwardConfig.TargetGroups.member.1.Weight=90".to_owned(),
        "Actions.member.2.ForwardConfig.TargetGroups.member.2.Weight=10".to_owned(),
        "Actions.member.2.ForwardConfig.TargetGroupStickinessConfig.Enabled=true".to_owned(),
        "Actions.member.2.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds=120".to_owned(),
    ] {
        assert!(sent[1].contains(&part), "{part} is missing in {}", sent[1]);
    }
    assert!(
        !sent[1].contains(".ClientSecret="),
        "only the flag speaks of the secret: {}",
        sent[1]
    );
    assert!(
        sent[2].contains("Action=AddTags") && sent[2].contains("Tags.member.1.Value=8"),
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_rule_that_is_not_as_expected_is_left_alone() {
    let moved = FORWARD.replace("<Weight>0<", "<Weight>5<");
    let (rules, sent) = rules([described(&moved, false)]);

    let applied = rules.apply(&change()).await.unwrap();

    assert!(matches!(applied, Applied::Conflict { .. }), "{applied:?}");
    assert_eq!(lines(&sent).len(), 1, "nothing was sent after the look");
}

#[tokio::test]
async fn the_way_back_asks_nobody_and_the_order_of_groups_means_nothing() {
    let moved = FORWARD.replace("<Weight>0<", "<Weight>5<");
    let back = RuleChange {
        expected: None,
        ..change()
    };
    let (unasked, _) = rules([
        described(&moved, false),
        ok("ModifyRule", ""),
        ok("AddTags", ""),
    ]);
    assert!(matches!(
        unasked.apply(&back).await,
        Ok(Applied::Accepted { .. })
    ));

    let mut turned = change();
    turned.expected.as_mut().unwrap().reverse();
    let (same, _) = rules([
        described(FORWARD, false),
        ok("ModifyRule", ""),
        ok("AddTags", ""),
    ]);
    assert!(matches!(
        same.apply(&turned).await,
        Ok(Applied::Accepted { .. })
    ));
}

#[tokio::test]
async fn a_change_of_tags_alone_leaves_the_actions_alone() {
    let renewal = RuleChange {
        groups: None,
        ..change()
    };
    let (rules, sent) = rules([described(FORWARD, false), ok("AddTags", "")]);

    assert_eq!(
        rules.apply(&renewal).await,
        Ok(Applied::Accepted {
            id: "request-2".to_owned()
        })
    );
    assert_eq!(lines(&sent).len(), 2);
}

#[tokio::test]
async fn a_default_rule_is_changed_through_its_listener_only() {
    assert_eq!(
        class_of(&change(), vec![described(FORWARD, true)]).await,
        FailureClass::Refused
    );

    let listener = format!(
        "<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><DefaultActions>{FORWARD}</DefaultActions>\
         </member></Listeners>"
    );
    let (rules, sent) = rules([
        ok("DescribeListeners", &listener),
        ok("ModifyListener", ""),
        ok("AddTags", ""),
    ]);
    let change = RuleChange {
        rule_arn: LISTENER.to_owned(),
        ..change()
    };
    assert_eq!(
        rules.apply(&change).await,
        Ok(Applied::Accepted {
            id: "request-2".to_owned()
        })
    );
    assert!(
        lines(&sent)[1]
            .contains("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10")
    );
}

/// F69
#[tokio::test]
async fn a_rule_that_is_gone_is_a_fact_to_readers_and_a_refusal_to_writers() {
    let (gone, _) = rules([error("RuleNotFound")]);
    assert_eq!(gone.fetch_rule(RULE).await, Ok(None));
    let (between, _) = rules([described(FORWARD, false), error("RuleNotFound")]);
    assert_eq!(between.fetch_rule(RULE).await, Ok(None));

    assert_eq!(
        class_of(&change(), vec![error("RuleNotFound")]).await,
        FailureClass::Refused
    );
    let late = vec![described(FORWARD, false), error("RuleNotFound")];
    assert_eq!(class_of(&change(), late).await, FailureClass::Refused);
    let throttled = vec![described(FORWARD, false), error("Throttling")];
    assert_eq!(
        class_of(&change(), throttled).await,
        FailureClass::Throttled
    );
    let fixed = "<member><Type>fixed-response</Type></member>";
    let without = RuleChange {
        expected: None,
        ..change()
    };
    assert_eq!(
        class_of(&without, vec![described(fixed, false)]).await,
        FailureClass::Refused
    );
}

#[tokio::test]
async fn a_journal_that_is_not_as_expected_stops_the_change() {
    let expecting = |value: Option<&str>| RuleChange {
        expected_tag: Some(value.map(str::to_owned)),
        ..change()
    };
    let answers = || {
        vec![
            described(FORWARD, false),
            tagged(),
            ok("ModifyRule", ""),
            ok("AddTags", ""),
        ]
    };
    for (expected, calls) in [(Some("7"), 4), (Some("6"), 2), (None, 2)] {
        let (rules, sent) = rules(answers());
        let applied = rules.apply(&expecting(expected)).await.unwrap();
        assert_eq!(matches!(applied, Applied::Accepted { .. }), calls == 4);
        assert_eq!(lines(&sent).len(), calls, "{expected:?}");
    }
}

#[tokio::test]
async fn only_the_expected_journal_is_removed_and_one_that_is_gone_is_removed_already() {
    for (found, expected, calls) in [
        (tagged(), "7", 2),
        (tagged(), "6", 1),
        (ok("DescribeTags", ""), "7", 1),
    ] {
        let (rules, sent) = rules([found, ok("RemoveTags", "")]);
        let applied = rules.remove_journal(RULE, expected).await.unwrap();
        assert_eq!(matches!(applied, Applied::Accepted { .. }), expected == "7");
        let sent = lines(&sent);
        assert_eq!(sent.len(), calls, "{sent:?}");
        if calls == 2 {
            let call = "Action=RemoveTags&Version=2015-12-01&ResourceArns.member.1=arn%3Aaws";
            assert!(sent[1].contains(call), "{sent:?}");
            assert!(
                sent[1].contains("TagKeys.member.1=cutover%3Ajournal"),
                "{sent:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_step_forward_is_noted_before_it_is_made() {
    let forward = RuleChange {
        tags_first: true,
        ..change()
    };
    let (rules, sent) = rules([
        described(FORWARD, false),
        ok("AddTags", ""),
        ok("ModifyRule", ""),
    ]);

    let applied = rules.apply(&forward).await;

    assert_eq!(
        applied,
        Ok(Applied::Accepted {
            id: "request-3".to_owned()
        })
    );
    let sent = lines(&sent);
    assert!(
        sent[1].contains("Action=AddTags") && sent[2].contains("Action=ModifyRule"),
        "{sent:?}"
    );

    let half = vec![
        described(FORWARD, false),
        ok("AddTags", ""),
        error("Throttling"),
    ];
    assert_eq!(class_of(&forward, half).await, FailureClass::Unknown);
    let none = vec![described(FORWARD, false), error("Throttling")];
    assert_eq!(class_of(&forward, none).await, FailureClass::Throttled);
}

#[tokio::test]
async fn a_failure_after_the_weights_were_set_does_not_say_that_nothing_happened() {
    let half = vec![
        described(FORWARD, false),
        ok("ModifyRule", ""),
        error("Throttling"),
    ];
    assert_eq!(class_of(&change(), half).await, FailureClass::Unknown);

    let renewal = RuleChange {
        groups: None,
        ..change()
    };
    let tags = vec![described(FORWARD, false), error("Throttling")];
    assert_eq!(class_of(&renewal, tags).await, FailureClass::Throttled);
}

#[tokio::test]
async fn targets_on_their_way_out_are_not_counted_and_those_not_checked_yet_are_known() {
    let target = |(state, reason): (&str, &str)| {
        format!(
            "<member><TargetHealth><State>{state}</State><Reason>{reason}</Reason></TargetHealth>\
             </member>"
        )
    };
    let states = [
        ("healthy", ""),
        ("healthy", ""),
        ("unhealthy", "Target.FailedHealthChecks"),
        ("initial", "Elb.InitialHealthChecking"),
        ("unused", "Target.NotInUse"),
        ("unused", "Target.InvalidState"),
        ("draining", "Target.DeregistrationInProgress"),
        ("unhealthy.draining", "Target.FailedHealthChecks"),
    ];
    let list = states.map(target).concat();
    let list = format!("<TargetHealthDescriptions>{list}</TargetHealthDescriptions>");
    let (rules, sent) = rules([
        ok("DescribeTargetHealth", &list),
        error("TargetGroupNotFound"),
    ]);

    assert_eq!(
        rules.fetch_targets("tg-new").await,
        Ok(Targets {
            registered: 6,
            healthy: 2,
            unchecked: 2,
        })
    );
    assert_eq!(
        rules.fetch_targets("tg-new").await.unwrap_err().class,
        FailureClass::Refused
    );
    assert!(
        lines(&sent)[0].ends_with("TargetGroupArn=tg-new"),
        "{:?}",
        lines(&sent)
    );
}
