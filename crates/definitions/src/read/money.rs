//! `bills/`, `budgets/`, `contracts/`.

use super::bet::minor_units;
use crate::decode::{Decoder, MapReader, Target, date};
use crate::kinds::minor_digits;
use crate::project::Kind;
use crate::yaml::Node;
use crate::{
    Ablation, Benefit, Bill, BilledModel, Budget, Contract, DeclaredKey, Diagnostic, Meter, Predictions, Rate,
    Settings, Share,
};

/// Reads a bill; problems go to the decoder.
pub(super) fn bill(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Bill> {
    let mut map = decoder.map(document, "a bill")?;
    let meta = super::meta(&mut map, Kind::Bill, "bill", settings);
    let dataset = match map.name_of("dataset", Kind::Dataset) {
        Some(name) => name,
        None => crate::BILLS.to_owned(),
    };
    let currency = currency(&mut map, settings);
    let rates = rates(&mut map, &currency);
    let model_tags = map.texts("model_tags");
    let models = models(&mut map, settings);
    let known: Vec<&str> = models.iter().map(|m| m.model.as_str()).collect();
    let bill = Bill {
        rates,
        model_tags,
        meters: meters(&mut map),
        keys: keys(&mut map, &known),
        predictions: predictions(&mut map, &known),
        models,
        dataset,
        currency,
        meta,
    };
    map.finish();
    Some(bill)
}

fn currency(map: &mut MapReader<'_>, settings: &Settings) -> String {
    let own = map.text("currency");
    let good = |c: &str| c.len() == 3 && c.chars().all(|c| c.is_ascii_uppercase());
    match own.or_else(|| settings.currency.clone()) {
        Some(currency) if good(&currency) => currency,
        Some(other) => {
            map.error("bad-value", "currency", format!("`{other}` is no currency of ISO 4217"));
            String::new()
        }
        None => {
            let problem = Diagnostic::error("missing-key", map.span(), format!("{} has no currency", map.what()));
            map.decoder()
                .report(problem.hint("add `currency:` here or in `steward.yaml`"));
            String::new()
        }
    }
}

fn rates(map: &mut MapReader<'_>, own: &str) -> Vec<Rate> {
    let mut found: Vec<Rate> = Vec::new();
    for mut inner in map.maps("rates") {
        inner.rename("a rate");
        let rate = Rate {
            currency: inner.required_text("currency"),
            rate: inner.required_text("rate"),
        };
        let number = minor_units(&rate.rate, 8);
        if number.is_none_or(|n| n <= 0) && !rate.rate.is_empty() {
            inner.error(
                "bad-value",
                "rate",
                format!("the rate `{}` is no amount above 0 with at most 8 decimals", rate.rate),
            );
        }
        if rate.currency == own || found.iter().any(|r| r.currency == rate.currency) {
            inner.error(
                "duplicate-name",
                "currency",
                format!("`{}` needs no rate, or has one already", rate.currency),
            );
        }
        inner.finish();
        found.push(rate);
    }
    found
}

fn models(map: &mut MapReader<'_>, settings: &Settings) -> Vec<BilledModel> {
    let mut found: Vec<BilledModel> = Vec::new();
    for mut inner in map.maps("models") {
        let model = inner.required_text("model");
        inner.rename(format!("the model `{model}`"));
        let one = BilledModel {
            also: inner.texts("also"),
            initiative: inner.name_of("initiative", Kind::Initiative),
            team: inner.text("team"),
            benefit: benefit(&mut inner, settings),
            model,
        };
        if let Some(team) = &one.team {
            inner.mention("team", Target::Owner(team.clone()));
        }
        let taken = |word: &String| found.iter().any(|m| m.model == *word || m.also.contains(word));
        if let Some(word) = std::iter::once(&one.model).chain(&one.also).find(|w| taken(w)) {
            let problem = Diagnostic::error("duplicate-name", inner.span(), format!("two models go by `{word}`"));
            map.decoder().report(problem.hint("give each word to one model"));
        }
        inner.finish();
        found.push(one);
    }
    found
}

fn benefit(map: &mut MapReader<'_>, settings: &Settings) -> Option<Benefit> {
    let mut inner = map.map("benefit")?;
    inner.rename("`benefit`");
    let decoder = inner.decoder();
    let digits = minor_digits(settings.currency.as_deref());
    let mut monthly_minor = [0; 3];
    if let Some(node) = inner.required("monthly") {
        let values: Option<Vec<i64>> = node.items().iter().map(|n| minor_units(&n.text, digits)).collect();
        match values.as_deref() {
            Some(&[low, middle, high]) if low <= middle && middle <= high => monthly_minor = [low, middle, high],
            _ => decoder.bad_value(
                node,
                "`monthly` is no range of money",
                "three amounts in ascending order: the 10th, 50th and 90th percentile",
            ),
        }
    }
    let signed_by = inner.required_text("signed_by");
    inner.mention("signed_by", Target::Owner(signed_by.clone()));
    let signed_on = required_day(&mut inner, "signed_on");
    inner.finish();
    Some(Benefit {
        monthly_minor,
        signed_by,
        signed_on,
    })
}

fn meters(map: &mut MapReader<'_>) -> Vec<Meter> {
    let mut found = Vec::new();
    for mut inner in map.maps("meters") {
        inner.rename("a meter");
        let dataset = inner.required_name_of("dataset", Kind::Dataset);
        found.push(Meter {
            resource: column(&mut inner, "resource", &dataset),
            time: column(&mut inner, "time", &dataset),
            user: column(&mut inner, "user", &dataset),
            usage: column(&mut inner, "usage", &dataset),
            dataset,
        });
        inner.finish();
    }
    found
}

/// A column of a dataset, which must be there.
pub(super) fn column(map: &mut MapReader<'_>, key: &str, dataset: &str) -> String {
    let column = map.required_text(key);
    mention(map, key, dataset, &column);
    column
}

/// A column of a dataset, if it is given.
pub(super) fn maybe_column(map: &mut MapReader<'_>, key: &str, dataset: &str) -> Option<String> {
    let column = map.text(key)?;
    mention(map, key, dataset, &column);
    Some(column)
}

fn mention(map: &MapReader<'_>, key: &str, dataset: &str, column: &str) {
    if !column.is_empty() {
        map.mention(
            key,
            Target::Column {
                dataset: dataset.to_owned(),
                column: column.to_owned(),
            },
        );
    }
}

fn keys(map: &mut MapReader<'_>, models: &[&str]) -> Vec<DeclaredKey> {
    let mut found = Vec::new();
    for mut inner in map.maps("keys") {
        inner.rename("a key");
        let mut shares = Vec::new();
        for mut share in inner.maps("shares") {
            share.rename("a share");
            let model = share.required_text("model");
            known_model(&share, &model, models);
            share.required("weight");
            let weight = share.count("weight").unwrap_or_default();
            if share.has("weight") && weight == 0 {
                share.error(
                    "bad-value",
                    "weight",
                    "a share without weight bears nothing: leave it out",
                );
            }
            share.finish();
            shares.push(Share { model, weight });
        }
        let key = DeclaredKey {
            column: inner.required_text("column"),
            value: inner.required_text("value"),
            shares,
        };
        if key.shares.is_empty() {
            inner.required("shares");
        }
        inner.finish();
        found.push(key);
    }
    found
}

fn predictions(map: &mut MapReader<'_>, models: &[&str]) -> Vec<Predictions> {
    let mut found = Vec::new();
    for mut inner in map.maps("predictions") {
        inner.rename("an item of `predictions`");
        let dataset = inner.required_name_of("dataset", Kind::Dataset);
        let model = inner.required_text("model");
        known_model(&inner, &model, models);
        found.push(Predictions {
            model,
            time: column(&mut inner, "time", &dataset),
            count: maybe_column(&mut inner, "count", &dataset),
            dataset,
        });
        inner.finish();
    }
    found
}

/// Reports a model that the bill does not list.
fn known_model(map: &MapReader<'_>, model: &str, models: &[&str]) {
    if model.is_empty() || models.contains(&model) {
        return;
    }
    let message = format!(
        "{} names `{model}`, which is not among the `models` of the bill",
        map.what()
    );
    let problem = Diagnostic::error("unknown-model", map.value_span("model"), message);
    map.decoder()
        .report(problem.did_you_mean(crate::nearest::nearest(model, models.iter().copied())));
}

/// Reads a budget; problems go to the decoder.
pub(super) fn budget(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Budget> {
    let mut map = decoder.map(document, "a budget")?;
    let meta = super::meta(&mut map, Kind::Budget, "budget", settings);
    let bill = map.required_name_of("bill", Kind::Bill);
    map.required("amount");
    let amount_minor = amount(&mut map, "amount", settings).unwrap_or_default();
    let (start, end) = super::objective::read_period(&mut map);
    let budget = Budget {
        bill,
        amount_minor,
        start,
        end,
        team: map.text("team"),
        vendor: map.text("vendor"),
        model: map.text("model"),
        meta,
    };
    if let Some(team) = &budget.team {
        map.mention("team", Target::Owner(team.clone()));
    }
    map.finish();
    Some(budget)
}

/// Money in whole units of the project's currency, as minor units.
pub(super) fn amount(map: &mut MapReader<'_>, key: &str, settings: &Settings) -> Option<i64> {
    let node = map.get(key)?;
    let value = minor_units(&node.text, minor_digits(settings.currency.as_deref()));
    if value.is_none() {
        let message = format!("`{key}` of {} is {}", map.what(), node.describe());
        map.decoder()
            .bad_value(node, message, "an amount of money such as `1250.50`, not negative");
    }
    value
}

fn required_day(map: &mut MapReader<'_>, key: &str) -> String {
    let Some(node) = map.required(key) else {
        return String::new();
    };
    super::meta::is_day(map.decoder(), node, &format!("`{key}`")).unwrap_or_default()
}

/// A day, if it is given.
pub(super) fn maybe_day(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let node = map.get(key)?;
    super::meta::is_day(map.decoder(), node, &format!("`{key}`"))
}

/// A day that must be there.
pub(super) fn day(map: &mut MapReader<'_>, key: &str) -> String {
    required_day(map, key)
}

/// Reads a contract; problems go to the decoder.
pub(super) fn contract(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Contract> {
    let mut map = decoder.map(document, "a contract")?;
    let meta = super::meta(&mut map, Kind::Contract, "contract", settings);
    let months = |map: &mut MapReader<'_>, key: &str| {
        let value = map.count(key)?;
        match u32::try_from(value) {
            Ok(months) if months <= 1_200 => Some(months),
            _ => {
                map.error(
                    "bad-value",
                    key,
                    format!("`{key}` is {value} months; at most 1200 are a contract"),
                );
                None
            }
        }
    };
    let contract = Contract {
        supplier: map.required_text("supplier"),
        start: required_day(&mut map, "start"),
        term_months: months(&mut map, "term_months"),
        end: maybe_day(&mut map, "end"),
        renewal_months: months(&mut map, "renewal_months").filter(|m| *m > 0),
        notice_months: months(&mut map, "notice_months").unwrap_or_default(),
        annual_cost_minor: amount(&mut map, "annual_cost", settings),
        commitment_minor: amount(&mut map, "commitment", settings),
        bill: map.name_of("bill", Kind::Bill),
        vendor: map.text("vendor"),
        ablation: ablation(&mut map, settings),
        meta,
    };
    term(&map, &contract);
    map.finish();
    Some(contract)
}

/// A contract has one length, ends after it starts, and its notice fits into its terms.
fn term(map: &MapReader<'_>, contract: &Contract) {
    let decoder = map.decoder();
    match (contract.term_months, &contract.end) {
        (Some(_), Some(_)) => map.error(
            "bad-value",
            "end",
            format!("{} has both `term_months` and `end`", map.what()),
        ),
        (None, None) if !map.has("term_months") && !map.has("end") => {
            let problem = Diagnostic::error("missing-key", map.span(), format!("{} has no end", map.what()));
            decoder.report(problem.expected("`term_months`, or `end` (its first day after)"));
        }
        (Some(0), _) => map.error("bad-value", "term_months", "a term has at least one month"),
        _ => {}
    }
    if let Some(end) = &contract.end
        && let (Some(start), Some(last)) = (date(&contract.start), date(end))
        && last <= start
    {
        let message = format!("{} ends before it starts", map.what());
        decoder.report(
            Diagnostic::error("period", map.value_span("end"), message)
                .expected("an `end` (the first day after it) after `start`"),
        );
    }
    let shortest = contract.renewal_months.into_iter().chain(contract.term_months).min();
    if shortest.is_some_and(|months| contract.notice_months > months) {
        map.error(
            "bad-value",
            "notice_months",
            format!("the notice of {} is longer than a term", map.what()),
        );
    }
}

fn ablation(map: &mut MapReader<'_>, settings: &Settings) -> Option<Ablation> {
    let mut inner = map.map("ablation")?;
    inner.rename("`ablation`");
    let dataset = inner.required_name_of("dataset", Kind::Dataset);
    let with = column(&mut inner, "with", &dataset);
    let without = column(&mut inner, "without", &dataset);
    inner.required("units_per_year");
    inner.required("value");
    let found = Ablation {
        units_per_year: inner.count("units_per_year").unwrap_or_default(),
        value_minor: amount(&mut inner, "value", settings).unwrap_or_default(),
        dataset,
        with,
        without,
    };
    inner.finish();
    Some(found)
}
