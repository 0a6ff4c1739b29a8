//! `bandits/` and the rules of flags that follow them: what is read, and what is refused with which words.

use steward_definitions::{Algorithm, Project, RewardKind, Serve, Source, StopRule};

const PLAYS: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: plays\nversion: 1.0.0\nstatus: active\nservers:\n  - {server: local, type: local, path: plays.csv, format: csv}\nschema:\n  - name: plays\n    properties:\n      - {name: arm, logicalType: string}\n      - {name: device, logicalType: string}\n      - {name: reward, logicalType: number}\n      - {name: ts, logicalType: timestamp}\n";
const BANDIT: &str = "bandit: headline\nowner: mara\narms: [plain, playful]\nreward: {kind: bernoulli}\nplays: {dataset: plays, arm: arm, reward: reward, time: ts}\n";
const FLAG: &str = "flag: headline\nowner: mara\ntype: string\ndefault: plain\nrules:\n  - rule: best\n    bandit: headline\n    split: [{name: plain, value: a}, {name: playful, value: b}]\n";

fn parse(bandit: &str, flag: &str) -> (Project, Vec<String>) {
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let (project, problems) = Project::parse(&[
        source("steward.yaml", "project: shop\nowner: mara\n"),
        source("datasets/plays.yaml", PLAYS),
        source("bandits/headline.yaml", bandit),
        source("flags/headline.yaml", flag),
    ]);
    (project, problems.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn refused(bandit: &str, flag: &str, words: &str) {
    let (_, problems) = parse(bandit, flag);
    assert!(problems.iter().any(|p| p.contains(words)), "{words}: {problems:#?}");
}

#[test]
fn a_bandit_is_read_with_what_it_leaves_out() {
    let (project, problems) = parse(BANDIT, FLAG);
    assert!(problems.is_empty(), "{problems:#?}");
    let bandit = &project.bandits["headline"];
    assert_eq!(
        (bandit.reward.kind, bandit.algorithm),
        (RewardKind::Bernoulli, Algorithm::Thompson)
    );
    assert_eq!(
        (bandit.every_seconds, bandit.delay_seconds, bandit.burn_in),
        (86_400, 0, 20)
    );
    assert_eq!(bandit.floor, 0.1);
    assert!(matches!(bandit.stop, StopRule::Posterior { probability, loss: None } if probability == 0.95));
    let Serve::Split(split) = &project.flags["headline"].rules[0].serve else {
        panic!("no split");
    };
    assert_eq!(
        (split.bandit.as_deref(), split.key.as_str()),
        (Some("headline"), "headline")
    );
    let full = BANDIT.to_owned()
        + "algorithm: linucb\ncontext: [{attribute: d, column: device, values: [m, x]}]\nupdate: {every: 6h, delay: 30m, burn_in: 5}\nstop: {rule: likelihood_ratio, delta: 0.1}\nfloor: 0.3\n";
    let (project, problems) = parse(&full, FLAG);
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(project.bandits["headline"].cells(), [["m"], ["x"]]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let with = |more: &str| BANDIT.to_owned() + more;
    refused(&BANDIT.replace("[plain, playful]", "[plain]"), FLAG, "1 arms");
    refused(
        &BANDIT.replace("[plain, playful]", "[plain, plain]"),
        FLAG,
        "listed twice",
    );
    refused(
        &BANDIT.replace("reward: reward", "reward: sum(reward)"),
        FLAG,
        "aggregates",
    );
    refused(
        &BANDIT.replace("reward: reward", "reward: rewrd"),
        FLAG,
        "unknown-column",
    );
    refused(&with("floor: 0\n"), FLAG, "`floor` is 0");
    refused(&with("flor: 0.1\n"), FLAG, "floor");
    refused(&with("algorithm: linucb\n"), FLAG, "needs a `context`");
    refused(
        &with("context: [{attribute: device, values: [a, b]}]\n"),
        FLAG,
        "does not look at",
    );
    refused(
        &with("stop: {rule: likelihood_ratio, probability: 0.9}\n"),
        FLAG,
        "no place",
    );
    refused(
        BANDIT,
        &FLAG.replace("value: a", "value: a, weight: 50%"),
        "leave `weight` out",
    );
    refused(
        BANDIT,
        &FLAG.replace("name: playful", "name: playfull"),
        "no arm of the bandit",
    );
    refused(
        BANDIT,
        &FLAG.replace("bandit: headline", "bandit: headlines"),
        "headlines",
    );
}
