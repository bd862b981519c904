//! The one line that sends everything back to old without this program, printed before it is needed.

use std::fmt::Write;

use super::spec::{Answer, Record, RecordType, Router, Spec, Target};
use crate::weights::{Weight, WeightPair};

/// Renders a line for a shell with the AWS CLI: all names and types in one batch, members that are gone made again.
///
/// For a listener rule the line replaces all of its actions; one with more than the forward action is put right after.
pub fn render_break_glass(spec: &Spec) -> String {
    let pair = WeightPair::ALL_OLD;
    match &spec.router {
        Router::Route53 {
            zone_id,
            records,
            ttl_seconds,
            ..
        } => {
            let mut changes = Vec::new();
            for record in records {
                for kind in &record.types {
                    changes.push(upsert(record, *kind, &record.old, pair.old(), *ttl_seconds));
                    changes.push(upsert(
                        record,
                        *kind,
                        &record.new,
                        pair.new_side(),
                        *ttl_seconds,
                    ));
                }
            }
            let batch = format!("{{\"Changes\":[{}]}}", changes.join(","));
            format!(
                "aws route53 change-resource-record-sets --hosted-zone-id {} --change-batch {}",
                quote_shell(zone_id),
                quote_shell(&batch)
            )
        }
        Router::Alb {
            rule_arn,
            old_arn,
            new_arn,
        } => {
            let group = |arn: &str, weight: Weight| {
                format!(
                    "{{\"TargetGroupArn\":{},\"Weight\":{}}}",
                    quote_json(arn),
                    weight.get()
                )
            };
            let groups = format!(
                "{},{}",
                group(old_arn, pair.old()),
                group(new_arn, pair.new_side())
            );
            let actions = format!(
                "[{{\"Type\":\"forward\",\"ForwardConfig\":{{\"TargetGroups\":[{groups}]}}}}]"
            );
            // The default action of a listener goes by the listener's name.
            let (call, place, what) = if rule_arn.contains(":listener/") {
                ("modify-listener", "--listener-arn", "--default-actions")
            } else {
                ("modify-rule", "--rule-arn", "--actions")
            };
            format!(
                "aws elbv2 {call} {place} {} {what} {}",
                quote_shell(rule_arn),
                quote_shell(&actions)
            )
        }
    }
}

fn upsert(
    record: &Record,
    kind: RecordType,
    side: &Target,
    weight: Weight,
    ttl_seconds: u32,
) -> String {
    let answer = match &side.answer {
        Answer::Alias(alias) => format!(
            "\"AliasTarget\":{{\"HostedZoneId\":{},\"DNSName\":{},\"EvaluateTargetHealth\":{}}}",
            quote_json(&alias.zone_id),
            quote_json(&alias.dns_name),
            alias.evaluate_target_health
        ),
        Answer::Value(value) => {
            format!(
                "\"TTL\":{ttl_seconds},\"ResourceRecords\":[{{\"Value\":{}}}]",
                quote_json(value)
            )
        }
    };
    format!(
        "{{\"Action\":\"UPSERT\",\"ResourceRecordSet\":{{\"Name\":{},\"Type\":\"{}\",\"SetIdentifier\":{},\"Weight\":{},{answer}}}}}",
        quote_json(&record.name),
        kind.name(),
        quote_json(&side.set_identifier),
        weight.get()
    )
}

fn quote_json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            // Writing to a string does not fail.
            char if char.is_control() => drop(write!(quoted, "\\u{:04x}", u32::from(char))),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// Within single quotes a shell reads everything as it is; a single quote itself ends them for a moment.
fn quote_shell(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::given::a_spec;
    use super::super::spec::{Alias, RouterWish};
    use super::*;

    #[test]
    fn one_batch_sends_everything_back() {
        let spec = a_spec(|wish| {
            let RouterWish::Route53 { records, .. } = &mut wish.router else {
                panic!("tests begin with Route 53")
            };
            let alias = Alias {
                dns_name: "it's.elb.amazonaws.com".to_owned(),
                zone_id: "Z35SX".to_owned(),
                evaluate_target_health: false,
            };
            (records[0].new.alias, records[0].new.value) = (Some(alias), None);
        });

        insta::assert_snapshot!(render_break_glass(&spec), @r#"aws route53 change-resource-record-sets --hosted-zone-id Z0AB --change-batch '{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"pay.example.com","Type":"A","SetIdentifier":"old-system","Weight":100,"TTL":60,"ResourceRecords":[{"Value":"192.0.2.1"}]}},{"Action":"UPSERT","ResourceRecordSet":{"Name":"pay.example.com","Type":"A","SetIdentifier":"new-system","Weight":0,"AliasTarget":{"HostedZoneId":"Z35SX","DNSName":"it'\''s.elb.amazonaws.com","EvaluateTargetHealth":false}}}]}'"#);
    }

    #[test]
    fn a_rule_is_sent_back_as_well() {
        let spec = a_spec(|wish| {
            let arn = |name: &str| format!("arn:aws:elasticloadbalancing:{name}");
            wish.router = RouterWish::Alb {
                rule_arn: arn("rule/1"),
                old_arn: arn("old"),
                new_arn: arn("new"),
            };
        });

        insta::assert_snapshot!(render_break_glass(&spec), @r#"aws elbv2 modify-rule --rule-arn arn:aws:elasticloadbalancing:rule/1 --actions '[{"Type":"forward","ForwardConfig":{"TargetGroups":[{"TargetGroupArn":"arn:aws:elasticloadbalancing:old","Weight":100},{"TargetGroupArn":"arn:aws:elasticloadbalancing:new","Weight":0}]}}]'"#);
    }

    #[test]
    fn the_default_action_of_a_listener_goes_by_the_listener() {
        let listener =
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/pay/1/2";
        let spec = a_spec(|wish| {
            wish.router = RouterWish::Alb {
                rule_arn: listener.to_owned(),
                old_arn: "arn:old".to_owned(),
                new_arn: "arn:new".to_owned(),
            };
        });

        let line = render_break_glass(&spec);

        let begins =
            format!("aws elbv2 modify-listener --listener-arn {listener} --default-actions ");
        assert!(line.starts_with(&begins), "{line}");
    }

    #[test]
    fn nothing_in_a_name_leaves_its_quotes() {
        assert_eq!(quote_shell("a'b; rm"), r"'a'\''b; rm'");
        assert_eq!(quote_json("a\"b\\c\n"), r#""a\"b\\c\u000a""#);
    }
}
