//! Teams, questions, notes, intake.

use std::collections::BTreeMap;

use steward_capabilities::Context;
use steward_capabilities::people::{self, Canvas, NoteKey, QuestionState};
use steward_definitions::{Project, Source};

use crate::shop::*;

const TEAM: &str = "team: science\npeople: {dataset: staff, person: person, country: country, hours: hours}\n\
    skills: {dataset: skills, person: person, skill: skill, level: level}\n\
    holidays: {dataset: holidays, date: day, country: country}\navailable: 50%\n\
    demand:\n  - {initiative: big, skill: ml, share: 100%}\n  - {initiative: small, skill: sql, share: 100%}\n\
    remedies: [{remedy: hire, weeks: [4, 8, 12], once: 100, weekly: 10}, {remedy: contract, weeks: [0, 1, 2], once: 0, weekly: 30}]\n\
    openings:\n  - {opening: engineer, stage: interviews, since: 2026-01-01, by: 2026-01-15}\n  - {opening: analyst, stage: filled, by: 2026-01-15}\n\
    growth: [{person: ada, skill: sql, level: 3}]\nladder: [{level: 1, name: learning}, {level: 3, name: strong}]\n";
const WORK: &str = "initiative: big\neffort_weeks: [8, 12, 20]\n---\ninitiative: small\neffort_weeks: [1, 2, 3]\n---\ninitiative: vague\n";
const QUESTIONS: &str = "question: how_many\nasks: How many?\nasked_by: bob\nasked_on: 2026-01-02\nquery: select count(*) as people from staff\nexpires: 2026-03-01\n\
    ---\nquestion: why\nasks: Why?\nasked_by: bob\nasked_on: 2026-01-20\ndue: 2026-01-25\n";

fn contract(name: &str, columns: &str) -> Source {
    Source {
        path: format!("datasets/{name}.yaml"),
        text: format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {name}\nname: {name}\nversion: 1.0.0\nstatus: active\nservers: [{{server: p, type: local, path: data/{name}.csv, format: csv}}]\nschema:\n  - name: {name}\n    properties: [{columns}]\n"
        ),
    }
}

fn sources() -> Vec<Source> {
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let columns = |all: &[(&str, &str)]| {
        let one = |(name, kind): &(&str, &str)| format!("{{name: {name}, logicalType: {kind}}}");
        all.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    vec![
        source(
            "steward.yaml",
            "project: team\nowner: ada\ncurrency: EUR\npeople: [ada, bob, cleo]\n",
        ),
        source("teams/science.yaml", TEAM),
        source("initiatives/all.yaml", WORK),
        source("questions/all.yaml", QUESTIONS),
        contract(
            "staff",
            &columns(&[("person", "string"), ("country", "string"), ("hours", "integer")]),
        ),
        contract(
            "skills",
            &columns(&[("person", "string"), ("skill", "string"), ("level", "integer")]),
        ),
        contract("holidays", &columns(&[("day", "date"), ("country", "string")])),
    ]
}

async fn open() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join("data").join(name), text).unwrap();
    write("staff.csv", "person,country,hours\nada,DE,40\nbob,FR,20\n");
    write("skills.csv", "person,skill,level\nada,ml,2\nada,sql,2\nbob,sql,1\n");
    // Two working days in Germany; the Saturday is none.
    write(
        "holidays.csv",
        "day,country\n2026-02-02,DE\n2026-02-03,DE\n2026-02-07,DE\n",
    );
    let (project, problems) = Project::parse(&sources());
    assert!(problems.is_empty(), "{problems:?}");
    let ground = Ground::over(folder, project).await;
    let now_us = "2026-02-01T00:00:00Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_microsecond();
    let context = Context {
        now_us,
        ..ground.context.clone()
    };
    Ground { context, ..ground }
}

#[tokio::test]
async fn supply_is_counted_in_working_days_and_split_by_what_is_asked() {
    let ground = open().await;
    let team = people::team(&ground.context, "science", 4).await.unwrap();
    let days: Vec<u32> = team.members.iter().map(|m| m.working_days).collect();
    // Four weeks from Sunday 1 February.
    assert_eq!(days, [18, 20]);
    // Ada 18 days, Bob half of 20, half of it for initiatives.
    assert!(
        (team.supply_weeks - (18.0 / 5.0 + 10.0 / 5.0) / 2.0).abs() < 1e-9,
        "{}",
        team.supply_weeks
    );
    let skill = |name: &str| team.skills.iter().find(|s| s.skill == name).unwrap();
    let (ml, sql) = (skill("ml"), skill("sql"));
    assert_eq!(
        (ml.able.as_slice(), ml.bus_factor, sql.learning.as_slice()),
        (&["ada".to_owned()][..], 1, &["bob".to_owned()][..])
    );
    // Ada is asked 12 weeks of one and 2 of the other.
    assert!(
        (ml.supply_weeks / sql.supply_weeks - 6.0).abs() < 0.3,
        "{} {}",
        ml.supply_weeks,
        sql.supply_weeks
    );
    // What is drawn has the percentiles that were stated.
    for (got, stated) in ml.demand_weeks.iter().zip([8.0, 12.0, 20.0]) {
        assert!((got / stated - 1.0).abs() < 0.05, "{:?}", ml.demand_weeks);
    }
    assert_eq!(ml.shortage, Some(1.0));
    assert!(team.gaps.iter().any(|g| g.contains("vague")), "{:?}", team.gaps);
    assert_eq!(
        team,
        people::team(&ground.context, "science", 4).await.unwrap(),
        "the same again"
    );
}

#[tokio::test]
async fn remedies_are_compared_by_what_is_left_and_what_it_costs() {
    let ground = open().await;
    let team = people::team(&ground.context, "science", 26).await.unwrap();
    let ml = team.skills.iter().find(|s| s.skill == "ml").unwrap();
    let p = ml.shortage.unwrap();
    // 26 weeks of Ada at half her time, six sevenths of it: about 11 against a median of 12.
    assert!(p > 0.5 && p < 0.8, "{p}");
    let [hire, contract] = ml.remedies.as_slice() else {
        panic!("{ml:?}")
    };
    assert!(hire.shortage < p && contract.shortage <= hire.shortage);
    // A contractor helps after about a week: 25 weeks at half time, 30 euros a week of work.
    assert!(
        (contract.weeks - 12.5).abs() < 0.2 && (contract.cost_minor - 75_000).abs() < 1_500,
        "{contract:?}"
    );
    assert!((hire.weeks - 9.0).abs() < 0.3, "{hire:?}");
    let late: Vec<(&str, bool)> = team.openings.iter().map(|o| (o.opening.as_str(), o.late)).collect();
    assert_eq!(late, [("engineer", true), ("analyst", false)]);
    assert_eq!(
        (
            team.growth[0].now,
            team.growth[0].reached,
            team.growth[0].name.as_deref()
        ),
        (Some(2), false, Some("strong"))
    );
}

#[tokio::test]
async fn questions_have_a_state_that_nobody_types() {
    let ground = open().await;
    let all = people::questions(&ground.context).unwrap();
    let states: Vec<(&str, QuestionState)> = all.iter().map(|q| (q.question.as_str(), q.state)).collect();
    assert_eq!(
        states,
        [("why", QuestionState::Overdue), ("how_many", QuestionState::Answered)]
    );
    assert_eq!(all[0].waits, Some(12));
    let answer = people::answer(&ground.context, "how_many").await.unwrap();
    assert_eq!(answer.value.rows, [[steward_compute::Value::Integer(2)]]);
    assert!(people::answer(&ground.context, "how_many").await.unwrap().reused);
    let error = people::answer(&ground.context, "why").await.unwrap_err().to_string();
    assert!(error.contains("no `query`"), "{error}");
    let later = Context {
        now_us: ground.context.now_us + 40 * DAY,
        ..ground.context.clone()
    };
    assert_eq!(people::questions(&later).unwrap()[1].state, QuestionState::Expired);
}

#[tokio::test]
async fn notes_are_read_by_two_people_with_their_key_alone() {
    let ground = open().await;
    let context = &ground.context;
    let key = NoteKey::of("a key of the two of us").unwrap();
    assert!(NoteKey::of("short").is_err());
    let text = "Wants to lead a study; worried about the on-call.";
    people::add_note(context, "ada", "bob", text, &key).unwrap();
    people::add_note(context, "bob", "ada", text, &key).unwrap();
    let read = people::notes(context, "bob", "ada", &key).unwrap();
    assert_eq!(
        read.iter()
            .map(|n| (n.author.as_str(), n.text.as_str()))
            .collect::<Vec<_>>(),
        [("ada", text), ("bob", text)]
    );
    assert!(
        people::notes(context, "cleo", "ada", &key).unwrap().is_empty(),
        "nobody else's"
    );
    let other = NoteKey::of("another key of another two").unwrap();
    assert!(
        people::notes(context, "ada", "bob", &other)
            .unwrap_err()
            .to_string()
            .contains("another key")
    );
    let folder = context.folder.join(".steward/private/notes/ada+bob");
    let mut sealed = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let stored = std::fs::read_to_string(&path).unwrap();
        assert!(!stored.contains("study") && !stored.contains("on-call"), "{stored}");
        let json: serde_json::Value = serde_json::from_str(&stored).unwrap();
        sealed.push((path, json));
    }
    assert_ne!(
        sealed[0].1["sealed"], sealed[1].1["sealed"],
        "equal texts are not told apart from others"
    );
    // Another name on it, and nobody trusts it.
    let (path, mut json) = sealed.remove(0);
    json["author"] = "cleo".into();
    std::fs::write(path, json.to_string()).unwrap();
    assert!(
        people::notes(context, "ada", "bob", &key)
            .unwrap_err()
            .to_string()
            .contains("was changed")
    );
    for (one, two) in [("ada", "ada"), ("ada", "zoe"), ("../x", "bob")] {
        assert!(people::add_note(context, one, two, "x", &key).is_err(), "{one} {two}");
    }
}

#[tokio::test]
async fn a_canvas_becomes_files_without_a_problem_or_none() {
    let all = sources();
    let (project, _) = Project::parse(&all);
    let canvas = Canvas {
        name: "returns".into(),
        title: "Fewer: \"returns\"".into(),
        owner: "bob".into(),
        problem: "One in five\nshoes comes back".into(),
        decision: "Whether sizes are advised".into(),
        metric: "none".into(),
        effort_weeks: [4.0, 8.0, 14.0],
        probability: 0.3,
        effect: [-0.2, -0.1, -0.03],
        kill_criterion: "No change: after six weeks".into(),
        ..Canvas::default()
    };
    let refused = people::scope(&project, &all, &canvas).unwrap_err();
    assert!(
        matches!(&refused, steward_capabilities::CapabilityError::Definitions(d) if d.len() == 1 && d[0].message.contains("`none`")),
        "{refused:?}"
    );
    let mut with_metric = all.clone();
    with_metric.push(Source {
        path: "metrics/m.yaml".into(),
        text: "semantic_models:\n  - name: staff\n    model: ref('staff')\n    entities: [{name: person, type: primary}]\n    measures: [{name: hours, agg: sum}]\nmetrics:\n  - {name: hours, type: simple, type_params: {measure: hours}}\n".into(),
    });
    let (project, problems) = Project::parse(&with_metric);
    assert!(problems.is_empty(), "{problems:?}");
    let canvas = Canvas {
        metric: "hours".into(),
        ..canvas
    };
    let files = people::scope(&project, &with_metric, &canvas).unwrap();
    let mut grown = with_metric.clone();
    grown.extend(files);
    let (grown, problems) = Project::parse(&grown);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(
        grown.initiatives["returns"].problem.as_deref(),
        Some(canvas.problem.as_str())
    );
    assert_eq!(grown.bets["returns_pays"].effect, canvas.effect);
    let again = Canvas {
        name: "big".into(),
        ..canvas
    };
    assert!(
        people::scope(&project, &with_metric, &again)
            .unwrap_err()
            .to_string()
            .contains("already")
    );
}

#[tokio::test]
async fn issues_of_other_tools_are_read_by_their_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let none = BTreeMap::new();
    let jira = write(
        "jira.csv",
        "Issue key,Summary,Status,Created,Resolved,Epic Link,Sprint\nDS-1,\"Read, then write\",Done,01/Feb/26,03/Feb/26,big,7\n,lost,Open,,,,\n",
    );
    let found = people::preview(&jira, &none).unwrap();
    assert_eq!(
        (found.items.len(), found.without_key, found.unread),
        (1, 1, vec!["Sprint".to_owned()])
    );
    assert_eq!(
        (found.items[0].key.as_str(), found.items[0].initiative.as_str()),
        ("DS-1", "big")
    );
    assert!(people::as_csv(&found.items).contains("DS-1,\"Read, then write\",Done"));
    let github = write(
        "gh.json",
        r#"[{"number": 12, "title": "Fix", "state": "closed", "created_at": "2026-01-02", "closed_at": "2026-01-05", "html_url": "https://x/12", "milestone": {"title": "small"}, "labels": []}]"#,
    );
    let found = people::preview(&github, &none).unwrap();
    assert_eq!(
        (
            found.items[0].key.as_str(),
            found.items[0].initiative.as_str(),
            found.items[0].link.as_str()
        ),
        ("12", "small", "https://x/12")
    );
    let linear = write(
        "linear.csv",
        "ID,Title,Status,Created,Completed,Project\nENG-3,Ship,Done,2026-01-01,2026-01-09,big\n",
    );
    assert_eq!(people::preview(&linear, &none).unwrap().items[0].closed, "2026-01-09");
    let mapped = BTreeMap::from([("initiative".to_owned(), "Sprint".to_owned())]);
    assert_eq!(people::preview(&jira, &mapped).unwrap().items[0].initiative, "7");
    let wrong = BTreeMap::from([("initiative".to_owned(), "Sprnt".to_owned())]);
    assert!(
        people::preview(&jira, &wrong)
            .unwrap_err()
            .to_string()
            .contains("did you mean \"Sprint\"")
    );
    let latin = folder.path().join("latin.csv");
    std::fs::write(&latin, b"Issue key,Summary\nDS-1,Gr\xf6\xdfe\n").unwrap();
    let error = people::preview(&latin, &none).unwrap_err().to_string();
    assert!(error.contains("UTF-8"), "{error}");
}
