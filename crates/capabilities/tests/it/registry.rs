//! Models, what points at them, and who must approve that it moves.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use steward_capabilities::CapabilityError;
use steward_capabilities::registry::{Guard, NewVersion, Pointer, Registered, Registry, Rule, Stage, Standing};
use steward_ledger::Ledger;

/// 2026-03-01T00:00:00Z.
const START: i64 = 1_772_323_200_000_000;
const DAY: i64 = 86_400_000_000;

struct Desk {
    folder: tempfile::TempDir,
    ledger: Ledger,
    clock: Arc<AtomicI64>,
    registry: Registry,
}

impl Desk {
    async fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        let ledger = open(folder.path(), &clock).await;
        let told = clock.clone();
        let registry = Registry::new(ledger.clone(), Arc::new(move || told.load(Ordering::SeqCst)));
        Desk {
            folder,
            ledger,
            clock,
            registry,
        }
    }

    /// A model with so many versions, made by `ada`.
    async fn with(versions: u64) -> Desk {
        let desk = Desk::new().await;
        desk.registry
            .create_model("ada", "churn", None, Vec::new())
            .await
            .unwrap();
        for _ in 0..versions {
            desk.registry
                .create_version("ada", "churn", new("s3://bucket/model"))
                .await
                .unwrap();
        }
        desk
    }

    fn later(&self, days: i64) {
        self.clock.fetch_add(days * DAY, Ordering::SeqCst);
    }

    async fn answer(&self, who: &str, id: &str, approves: bool) -> Result<Standing, CapabilityError> {
        let comment = Some("looked at it".to_owned());
        let answered = self
            .registry
            .answer_request(who, id, approves, comment, &[], &guard("d").rules)
            .await?;
        Ok(answered.standing(self.registry.now_us()))
    }

    /// Asks for the champion to move; the request that waits.
    async fn asked(&self, version: u64, digest: &str) -> String {
        let moved = self
            .registry
            .set_alias("ben", "churn", "champion", version, &guard(digest))
            .await;
        match moved {
            Err(CapabilityError::Protected { request, .. }) => request,
            other => panic!("not protected: {other:?}"),
        }
    }
}

async fn open(folder: &Path, clock: &Arc<AtomicI64>) -> Ledger {
    let told = clock.clone();
    Ledger::open(folder, Arc::new(move || told.load(Ordering::SeqCst)))
        .await
        .unwrap()
}

fn new(source: &str) -> NewVersion {
    NewVersion {
        source: source.into(),
        storage: source.into(),
        ..NewVersion::default()
    }
}

fn guard(digest: &str) -> Guard {
    let rule = Rule {
        policy: "champions".into(),
        models: vec!["ch*".into()],
        aliases: vec!["champion".into()],
        stages: vec!["Production".into()],
        approvals: 2,
        approvers: Vec::new(),
        expires_seconds: 14 * 86_400,
    };
    Guard {
        rules: vec![rule],
        digest: Some(digest.into()),
        evidence: Vec::new(),
    }
}

fn champion(state: &Registered) -> Option<u64> {
    state.model("churn").unwrap().aliases.get("champion").copied()
}

#[tokio::test]
async fn what_an_alias_pointed_at_is_known_of_every_day() {
    let desk = Desk::with(2).await;
    let free = Guard::default();
    desk.later(1);
    desk.registry
        .set_alias("ada", "churn", "champion", 1, &free)
        .await
        .unwrap();
    desk.later(9);
    desk.registry
        .set_alias("ben", "churn", "champion", 2, &free)
        .await
        .unwrap();
    desk.later(9);
    desk.registry
        .remove_alias("cleo", "churn", "champion", &free)
        .await
        .unwrap();
    for (day, wanted) in [(0, None), (2, Some(1)), (9, Some(1)), (11, Some(2)), (30, None)] {
        let then = Registry::as_of(&desk.ledger, START + day * DAY).await.unwrap();
        assert_eq!(champion(&then), wanted, "day {day}");
    }
    let state = desk.registry.now().await.unwrap();
    let moves: Vec<_> = state.models["churn"]
        .moves
        .iter()
        .map(|m| (m.actor.as_str(), m.from, m.to))
        .collect();
    assert_eq!(
        moves,
        [
            ("ada", None, Some(1)),
            ("ben", Some(1), Some(2)),
            ("cleo", Some(2), None)
        ]
    );
}

#[tokio::test]
async fn a_protected_alias_moves_when_two_others_approved() {
    let desk = Desk::with(1).await;
    let request = desk.asked(1, "d").await;
    assert_eq!(desk.asked(1, "d").await, request, "asking again is the same request");
    // Who asked, and who made the version.
    for author in ["ben", "ada"] {
        assert!(
            matches!(
                desk.answer(author, &request, true).await,
                Err(CapabilityError::Refused(_))
            ),
            "{author}"
        );
    }
    assert_eq!(desk.answer("cleo", &request, true).await.unwrap(), Standing::Waiting);
    assert_eq!(
        desk.answer("cleo", &request, true).await.unwrap(),
        Standing::Waiting,
        "one person counts once"
    );
    assert_eq!(champion(&desk.registry.now().await.unwrap()), None);
    assert_eq!(desk.answer("dora", &request, true).await.unwrap(), Standing::Granted);
    desk.registry
        .set_alias("ben", "churn", "champion", 1, &guard("d"))
        .await
        .unwrap();
    let state = desk.registry.now().await.unwrap();
    assert_eq!(champion(&state), Some(1));
    assert_eq!(state.models["churn"].moves[0].request.as_ref(), Some(&request));
    assert_eq!(
        state.requests[&request].standing(desk.registry.now_us()),
        Standing::Used
    );
    let other = desk
        .registry
        .remove_alias("ben", "churn", "champion", &guard("d"))
        .await;
    assert!(
        matches!(other, Err(CapabilityError::Protected { .. })),
        "what was approved once is not approved again"
    );
    for gone in [
        desk.registry.delete_version("ben", "churn", 1, &guard("d").rules).await,
        desk.registry.delete_model("ben", "churn", &guard("d").rules).await,
        desk.registry
            .rename_model("ben", "churn", "free", &guard("d").rules)
            .await
            .map(drop),
    ] {
        assert!(matches!(gone, Err(CapabilityError::Refused(_))), "{gone:?}");
    }
}

#[tokio::test]
async fn an_approval_is_of_these_files_for_a_while_and_can_be_taken_back() {
    let desk = Desk::with(1).await;
    let first = desk.asked(1, "d").await;
    desk.answer("cleo", &first, true).await.unwrap();
    desk.answer("dora", &first, true).await.unwrap();
    let second = desk.asked(1, "other files").await;
    assert_ne!(first, second, "other files are another request");
    assert!(
        matches!(
            desk.answer("cleo", &first, true).await,
            Err(CapabilityError::Refused(_))
        ),
        "the first is void"
    );
    assert_eq!(desk.answer("cleo", &second, true).await.unwrap(), Standing::Waiting);
    assert_eq!(desk.answer("dora", &second, true).await.unwrap(), Standing::Granted);
    assert_eq!(desk.answer("dora", &second, false).await.unwrap(), Standing::Rejected);
    assert!(
        desk.registry
            .set_alias("ben", "churn", "champion", 1, &guard("other files"))
            .await
            .is_err()
    );
    assert_eq!(desk.answer("dora", &second, true).await.unwrap(), Standing::Granted);
    desk.later(15);
    let third = desk.asked(1, "other files").await;
    assert_ne!(second, third, "what expired is asked for again");
    assert!(matches!(
        desk.answer("cleo", &second, true).await,
        Err(CapabilityError::Refused(_))
    ));
}

#[tokio::test]
async fn stages_are_protected_on_the_way_in_and_out() {
    let desk = Desk::with(2).await;
    let production = |version| {
        let registry = desk.registry.clone();
        async move {
            registry
                .stage_version("ben", "churn", version, Stage::Production, true, &guard("d"))
                .await
        }
    };
    let Err(CapabilityError::Protected { request, .. }) = production(1).await else {
        panic!("not protected");
    };
    desk.answer("cleo", &request, true).await.unwrap();
    desk.answer("dora", &request, true).await.unwrap();
    production(1).await.unwrap();
    let out = desk
        .registry
        .stage_version("ben", "churn", 1, Stage::None, false, &guard("d"))
        .await;
    assert!(matches!(out, Err(CapabilityError::Protected { .. })), "{out:?}");
    assert!(production(2).await.is_err());
    desk.registry
        .stage_version("ben", "churn", 2, Stage::Staging, false, &guard("d"))
        .await
        .unwrap();
    let state = desk.registry.now().await.unwrap();
    assert_eq!(state.models["churn"].versions[&1].stage, Stage::Production);
}

#[tokio::test]
async fn a_move_between_protected_stages_needs_both_approvals() {
    let desk = Desk::with(2).await;
    let guard = |staging: u64| {
        let mut guard = guard("d");
        guard.rules.push(Rule {
            policy: "trials".into(),
            stages: vec!["Staging".into()],
            aliases: Vec::new(),
            approvals: staging,
            ..guard.rules[0].clone()
        });
        guard
    };
    let to = async |version, stage, staging| {
        let moved = desk
            .registry
            .stage_version("ben", "churn", version, stage, false, &guard(staging))
            .await;
        match moved {
            Ok(_) => None,
            Err(CapabilityError::Protected { request, .. }) => Some(request),
            Err(e) => panic!("{e}"),
        }
    };
    let approved = async |id: String, who: &[&str]| {
        for who in who {
            desk.answer(who, &id, true).await.unwrap();
        }
    };
    for version in [1, 2] {
        approved(to(version, Stage::Staging, 1).await.unwrap(), &["cleo"]).await;
        assert_eq!(to(version, Stage::Staging, 1).await, None);
    }
    let into = to(1, Stage::Production, 1).await.unwrap();
    approved(into.clone(), &["cleo", "dora"]).await;
    let out = to(1, Stage::Production, 1).await.unwrap();
    assert_ne!(into, out, "leaving Staging is approved by itself");
    approved(out.clone(), &["cleo"]).await;
    assert!(to(2, Stage::None, 1).await.is_some_and(|other| other != out));
    let more = to(1, Stage::Production, 2).await.unwrap();
    assert_ne!(more, out, "what was approved under a milder rule counts no more");
    approved(more.clone(), &["cleo", "dora"]).await;
    assert_eq!(to(1, Stage::Production, 2).await, None);
    let state = desk.registry.now().await.unwrap();
    assert_eq!(state.models["churn"].versions[&1].stage, Stage::Production);
    for id in [&into, &more] {
        assert_eq!(state.requests[id].standing(START), Standing::Used);
    }
    assert_eq!(state.requests[&out].standing(START), Standing::Void);
}

#[tokio::test]
async fn comments_can_be_erased_and_the_chain_holds() {
    let desk = Desk::with(1).await;
    let request = desk.asked(1, "d").await;
    desk.answer("cleo", &request, true).await.unwrap();
    let state = desk.registry.now().await.unwrap();
    let answer = state.requests[&request].answers[0].clone();
    assert_eq!(answer.comment.as_deref(), Some("looked at it"));
    desk.ledger.erase(answer.sequence, "dpo", "asked to").await.unwrap();
    desk.ledger.verify(None).await.unwrap();
    let again = Registry::as_of(&desk.ledger, i64::MAX).await.unwrap();
    assert_eq!(again.requests[&request].answers[0].comment, None);
    assert_eq!(again.requests[&request].approvers(), ["cleo"]);
}

#[tokio::test]
async fn what_others_append_is_seen_and_what_is_folded_anew_is_the_same() {
    let desk = Desk::with(3).await;
    let other = Registry::new(open(desk.folder.path(), &desk.clock).await, Arc::new(|| START));
    other
        .set_alias("zoe", "churn", "challenger", 3, &Guard::default())
        .await
        .unwrap();
    other.tag_version("zoe", "churn", 2, "validated", "yes").await.unwrap();
    // A change looks at the ledger first; so both number on from what the other did.
    let (_, fourth) = desk
        .registry
        .create_version("ada", "churn", new("s3://bucket/model"))
        .await
        .unwrap();
    let (_, fifth) = other
        .create_version("zoe", "churn", new("s3://bucket/model"))
        .await
        .unwrap();
    assert_eq!((fourth.version, fifth.version), (4, 5));
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    let state = desk.registry.now().await.unwrap();
    assert_eq!(state.models["churn"].aliases["challenger"], 3);
    assert_eq!(*state, Registry::as_of(&desk.ledger, i64::MAX).await.unwrap());
}

#[tokio::test]
async fn versions_made_at_once_have_numbers_of_their_own() {
    let desk = Desk::with(0).await;
    let makes = (0..20).map(|_| {
        let registry = desk.registry.clone();
        tokio::spawn(async move {
            registry
                .create_version("ada", "churn", new("s3://b/m"))
                .await
                .unwrap()
                .1
                .version
        })
    });
    let mut numbers = Vec::new();
    for make in makes.collect::<Vec<_>>() {
        numbers.push(make.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<u64>>());
}

#[tokio::test]
async fn searches_filter_order_and_leave_prompts_out() {
    let desk = Desk::with(3).await;
    let registry = &desk.registry;
    let prompt = vec![("mlflow.prompt.is_prompt".to_owned(), "true".to_owned())];
    registry.create_model("ada", "greeting", None, prompt).await.unwrap();
    registry
        .create_model("ada", "Fraud", None, vec![("team".into(), "risk".into())])
        .await
        .unwrap();
    registry
        .tag_version("ada", "churn", 2, "validated", "yes")
        .await
        .unwrap();
    let state = registry.now().await.unwrap();
    let models = |filter: &str, order: &[&str]| -> Vec<String> {
        let found = state.search_models(filter, order).unwrap();
        found.iter().map(|m| m.name.clone()).collect()
    };
    assert_eq!(models("", &[]), ["Fraud", "churn"]);
    assert_eq!(models("name LIKE 'fr%'", &[]), [""; 0]);
    assert_eq!(models("name ILIKE 'fr%'", &[]), ["Fraud"]);
    assert_eq!(models("tags.team = 'risk'", &[]), ["Fraud"]);
    assert_eq!(models("tags.`mlflow.prompt.is_prompt` = 'true'", &[]), ["greeting"]);
    assert_eq!(
        models("tags.`mlflow.prompt.is_prompt` != 'true'", &["name DESC"]),
        ["churn", "Fraud"]
    );
    let versions = |filter: &str, order: &[&str]| -> Vec<u64> {
        let found = state.search_versions(filter, order).unwrap();
        found.iter().map(|(_, v)| v.version).collect()
    };
    assert_eq!(versions("name = 'churn'", &["version_number ASC"]), [1, 2, 3]);
    assert_eq!(versions("version_number > 1 AND tags.validated = 'yes'", &[]), [2]);
    assert_eq!(
        versions("name IN ('churn', 'Fraud')", &["version_number DESC"]),
        [3, 2, 1]
    );
    for (filter, order) in [
        ("metrics.a > 1", "name"),
        ("name > 'a'", "name"),
        ("name = 'a' OR name = 'b'", "name"),
        ("", "creation_timestamp"),
        ("", "tags.a"),
    ] {
        assert!(state.search_models(filter, &[order]).is_err(), "{filter} {order}");
    }
    assert!(state.search_models("", &["name", "name DESC"]).is_err());
    let moved = &state.models["churn"].moves;
    assert!(moved.iter().all(|m| m.pointer != Pointer::Stage(Stage::None)));
}
