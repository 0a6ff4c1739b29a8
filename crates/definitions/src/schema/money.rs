//! Bills, budgets, contracts, teams, questions.

use serde_json::{Value, json};

use super::own::{common, moment, range};
use super::{either, list, object, text, texts, words};
use crate::read::{REMEDIES, STAGES};

fn money(description: &str) -> Value {
    json!({"type": ["number", "string"], "description": description})
}

fn whole(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

fn part(description: &str) -> Value {
    json!({"type": ["number", "string"], "description": description})
}

/// `bills/`.
pub(super) fn bill() -> Value {
    let benefit = object(
        &["monthly", "signed_by", "signed_on"],
        vec![
            (
                "monthly",
                json!({"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3, "description": "Money a month: 10th, 50th and 90th percentile."}),
            ),
            ("signed_by", text("Who signed.")),
            ("signed_on", moment("When.")),
        ],
    );
    let model = object(
        &["model"],
        vec![
            ("model", text("Name.")),
            ("also", texts("Other words by which tags and meters name it.")),
            ("initiative", text("Initiative that it belongs to.")),
            ("team", text("Team that answers for it.")),
            ("benefit", benefit),
        ],
    );
    let meter = object(
        &["dataset", "resource", "time", "user", "usage"],
        vec![
            ("dataset", text("Dataset of readings.")),
            ("resource", text("Column with the resource, as the bill's ResourceId.")),
            ("time", text("Column with the day.")),
            ("user", text("Column that names the model.")),
            ("usage", text("Column with the usage.")),
        ],
    );
    let share = object(
        &["model", "weight"],
        vec![("model", text("Model.")), ("weight", whole("Weight."))],
    );
    let key = object(
        &["column", "value", "shares"],
        vec![
            ("column", text("Column of the bill.")),
            ("value", text("Its value.")),
            ("shares", list(share, "Who bears how much.")),
        ],
    );
    let predictions = object(
        &["dataset", "model", "time"],
        vec![
            ("model", text("Model.")),
            ("dataset", text("Dataset.")),
            ("time", text("Column with the day or moment.")),
            (
                "count",
                text("Column with the number of predictions; rows are counted without it."),
            ),
        ],
    );
    let rate = object(
        &["currency", "rate"],
        vec![
            ("currency", text("Currency (ISO 4217).")),
            ("rate", money("Units of the bill's currency for one unit of it.")),
        ],
    );
    let mut keys = common("bill");
    keys.extend([
        ("dataset", text("Dataset in FOCUS columns; what `steward bill import` keeps without it.")),
        ("currency", json!({"type": "string", "pattern": "^[A-Z]{3}$", "description": "Currency of the sums; the project's by default."})),
        ("rates", list(rate, "Exchange rates of other currencies on the bill.")),
        ("model_tags", texts("Tags whose value names a model, in order of preference.")),
        ("models", list(model, "Models that costs are allocated to.")),
        ("meters", list(meter, "Meters of shared resources.")),
        ("keys", list(key, "Declared shares, in order of preference.")),
        ("predictions", list(predictions, "Where the predictions of models are counted.")),
    ]);
    object(&["bill"], keys)
}

/// `budgets/`.
pub(super) fn budget() -> Value {
    let period = object(
        &["start", "end"],
        vec![("start", moment("First day.")), ("end", moment("Last day."))],
    );
    let mut keys = common("budget");
    keys.extend([
        ("bill", text("The bill that it is spent on.")),
        ("amount", money("Money set aside.")),
        (
            "period",
            either(vec![
                json!({"type": ["string", "integer"], "description": "`2025`, `2025-H1`, `2025-Q4` or `2025-10`."}),
                period,
            ]),
        ),
        ("team", text("Only this team's models.")),
        ("vendor", text("Only this vendor.")),
        ("model", text("Only this model.")),
    ]);
    object(&["budget", "bill", "amount", "period"], keys)
}

/// `contracts/`.
pub(super) fn contract() -> Value {
    let ablation = object(
        &["dataset", "with", "without", "units_per_year", "value"],
        vec![
            ("dataset", text("Dataset with one row per unit.")),
            ("with", text("Column with the outcome when the source was used.")),
            ("without", text("Column with the outcome without the source.")),
            ("units_per_year", whole("Units a year.")),
            ("value", money("What one unit of outcome is worth.")),
        ],
    );
    let mut keys = common("contract");
    keys.extend([
        ("supplier", text("Supplier.")),
        ("start", moment("First day.")),
        ("term_months", whole("Months of the first term.")),
        (
            "end",
            moment("First day after the first term, instead of `term_months`."),
        ),
        (
            "renewal_months",
            whole("Months by which it renews itself; it ends without."),
        ),
        ("notice_months", whole("Months of notice before a term's end.")),
        ("annual_cost", money("Cost of a year.")),
        ("commitment", money("Spend promised for each year.")),
        ("bill", text("The bill that shows the usage.")),
        ("vendor", text("The supplier as the bill names it.")),
        ("ablation", ablation),
    ]);
    object(&["contract", "supplier", "start"], keys)
}

/// `teams/`.
pub(super) fn team() -> Value {
    let people = object(
        &["dataset", "person"],
        vec![
            ("dataset", text("Dataset.")),
            ("person", text("Column with the handle.")),
            ("country", text("Column with the country.")),
            ("hours", text("Column with hours a week.")),
            ("part", text("Column with the part of the team.")),
        ],
    );
    let skills = object(
        &["dataset", "person", "skill", "level"],
        vec![
            ("dataset", text("Dataset.")),
            ("person", text("Column with the person.")),
            ("skill", text("Column with the skill.")),
            ("level", text("Column with the level.")),
        ],
    );
    let holidays = object(
        &["dataset", "date", "country"],
        vec![
            ("dataset", text("Dataset.")),
            ("date", text("Column with the day.")),
            ("country", text("Column with the country.")),
        ],
    );
    let rung = object(
        &["level", "name"],
        vec![
            ("level", whole("Number.")),
            ("name", text("Name.")),
            ("means", text("What someone at this level does.")),
        ],
    );
    let demand = object(
        &["initiative", "skill", "share"],
        vec![
            ("initiative", text("Initiative.")),
            ("skill", text("Skill.")),
            ("share", part("Share of the initiative's effort.")),
        ],
    );
    let remedy = object(
        &["remedy", "weeks"],
        vec![
            ("remedy", words("How the gap is closed.", &REMEDIES)),
            ("weeks", range("Weeks until it helps: 10th, 50th and 90th percentile.")),
            ("once", money("Money once.")),
            ("weekly", money("Money a week of work.")),
        ],
    );
    let opening = object(
        &["opening", "stage"],
        vec![
            ("opening", text("Name.")),
            ("skills", texts("Skills that it brings.")),
            ("stage", words("How far it is.", &STAGES)),
            ("since", moment("Since when.")),
            ("by", moment("Wanted by.")),
        ],
    );
    let growth = object(
        &["person", "skill", "level"],
        vec![
            ("person", text("Person.")),
            ("skill", text("Skill.")),
            ("level", whole("Level to reach.")),
            ("by", moment("By when.")),
            ("how", text("How.")),
        ],
    );
    let learning = object(
        &["event", "date"],
        vec![
            ("event", text("What.")),
            ("date", moment("First day.")),
            ("people", texts("Who goes, or speaks.")),
            ("skill", text("What it teaches.")),
        ],
    );
    let mut keys = common("team");
    keys.extend([
        ("people", people),
        ("skills", skills),
        ("holidays", holidays),
        ("ladder", list(rung, "Levels of skill, ascending.")),
        (
            "able_from",
            whole("Level from which a skill can be relied upon; 2 by default."),
        ),
        (
            "available",
            part("Share of working time for initiatives; 70% by default."),
        ),
        ("demand", list(demand, "What initiatives ask of skills.")),
        ("remedies", list(remedy, "What closes a gap.")),
        ("openings", list(opening, "Positions to fill.")),
        ("growth", list(growth, "Who is to grow into what.")),
        ("learning", list(learning, "Talks, trainings, conferences.")),
    ]);
    object(&["team", "people"], keys)
}

/// `questions/`.
pub(super) fn question() -> Value {
    let mut keys = common("question");
    keys.extend([
        ("asks", text("As it was asked.")),
        ("asked_by", text("Who asked.")),
        ("asked_on", moment("When.")),
        ("due", moment("Wanted by.")),
        ("decision", text("The decision that the answer changes.")),
        ("query", text("SQL over the datasets that answers it.")),
        ("expires", moment("Day from which the answer must be looked at again.")),
    ]);
    object(&["question", "asks", "asked_by", "asked_on"], keys)
}
