//! The cloud bill in the columns of FOCUS 1.2: two providers, eight services, a commitment, credits, corrections,
//! a shared cluster and an orphaned GPU. Costs are whole cents, so that every sum is exact.

use std::path::Path;

use arrow::array::ArrayRef;

use crate::DemoError;
use crate::calendar::{DAY, DAYS, date, midnight};
use crate::columns::{dates, decimals, longs, texts, texts_or, times};
use crate::draw::{Draw, Key, Subject};
use crate::write::{Finished, Layout, Store, write_table};

const FOCUS: Layout = Layout {
    name: "focus_costs",
    columns: &[
        ("BillingAccountId", Store::Text),
        ("BillingAccountName", Store::Text),
        ("BillingCurrency", Store::Text),
        ("BillingPeriodStart", Store::Time),
        ("BillingPeriodEnd", Store::Time),
        ("ChargePeriodStart", Store::Time),
        ("ChargePeriodEnd", Store::Time),
        ("ChargeCategory", Store::Text),
        ("ChargeClass?", Store::Text),
        ("ChargeDescription", Store::Text),
        ("ChargeFrequency", Store::Text),
        ("ProviderName", Store::Text),
        ("PublisherName", Store::Text),
        ("InvoiceIssuerName", Store::Text),
        ("InvoiceId", Store::Text),
        ("ServiceCategory", Store::Text),
        ("ServiceName", Store::Text),
        ("RegionId", Store::Text),
        ("SubAccountId?", Store::Text),
        ("SubAccountName?", Store::Text),
        ("ResourceId?", Store::Text),
        ("ResourceName?", Store::Text),
        ("ResourceType?", Store::Text),
        ("SkuId?", Store::Text),
        ("PricingCategory?", Store::Text),
        ("PricingQuantity?", Store::Double),
        ("PricingUnit?", Store::Text),
        ("ConsumedQuantity?", Store::Double),
        ("ConsumedUnit?", Store::Text),
        ("ListUnitPrice?", Store::Double),
        ("ContractedUnitPrice?", Store::Double),
        ("BilledCost", Store::Decimal),
        ("ListCost", Store::Decimal),
        ("ContractedCost", Store::Decimal),
        ("EffectiveCost", Store::Decimal),
        ("CommitmentDiscountId?", Store::Text),
        ("CommitmentDiscountCategory?", Store::Text),
        ("CommitmentDiscountStatus?", Store::Text),
        ("CommitmentDiscountType?", Store::Text),
        ("Tags?", Store::Text),
    ],
};
/// What the shared cluster's meter says; the allocation's key.
const USAGE: Layout = Layout {
    name: "cluster_usage",
    columns: &[
        ("date", Store::Date),
        ("resource_id", Store::Text),
        ("project", Store::Text),
        ("core_seconds", Store::Long),
    ],
};

/// A thing on the bill.
struct Resource {
    provider: usize,
    category: &'static str,
    service: &'static str,
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    /// List price of a unit in euros, and units a day.
    price: f64,
    units: f64,
    /// Part of a commitment's usage.
    committed: bool,
    project: &'static str,
    model: &'static str,
    /// First day and day after the last.
    days: (u16, u16),
}

const YEAR: (u16, u16) = (0, DAYS);
/// Providers: name, account, region.
const PROVIDERS: [(&str, &str, &str); 2] = [
    ("Nimbus Cloud", "nb-4471", "eu-central-1"),
    ("Polder Compute", "pc-0932", "ams-2"),
];
/// Price after the negotiated discount, relative to list.
const CONTRACTED: f64 = 0.92;
/// Price of committed usage, relative to list.
const COMMITTED: f64 = 0.68;
/// Share of rows without tags.
const UNTAGGED: f64 = 0.12;
/// The shared cluster's true usage shares.
const SHARES: [(&str, f64); 3] = [("recommender", 0.50), ("forecast", 0.30), ("churn", 0.20)];
/// First day of the orphaned GPU, its days, and its cents a day.
const ORPHAN: (u16, u16, i64) = (date(10, 14), 6, 31_000);

#[rustfmt::skip]
const RESOURCES: [Resource; 16] = [
    Resource { provider: 0, category: "Compute", service: "Virtual Machines", name: "train-gpu-a", kind: "GPU node", unit: "Hours", price: 3.10, units: 14.0, committed: true, project: "recommender", model: "ranker", days: YEAR },
    Resource { provider: 0, category: "Compute", service: "Virtual Machines", name: "train-cpu-b", kind: "VM", unit: "Hours", price: 0.42, units: 48.0, committed: true, project: "churn", model: "churn", days: YEAR },
    Resource { provider: 0, category: "Compute", service: "Kubernetes", name: "cluster-shared", kind: "Cluster", unit: "Hours", price: 4.80, units: 24.0, committed: true, project: "platform", model: "shared", days: YEAR },
    Resource { provider: 0, category: "Storage", service: "Object Storage", name: "lake", kind: "Bucket", unit: "GB-days", price: 0.0008, units: 61_000.0, committed: false, project: "platform", model: "none", days: YEAR },
    Resource { provider: 0, category: "Databases", service: "Managed Warehouse", name: "warehouse", kind: "Warehouse", unit: "Credits", price: 2.60, units: 33.0, committed: false, project: "analytics", model: "none", days: YEAR },
    Resource { provider: 0, category: "AI and Machine Learning", service: "Model Endpoints", name: "endpoint-ranker", kind: "Endpoint", unit: "Hours", price: 1.15, units: 48.0, committed: true, project: "recommender", model: "ranker", days: YEAR },
    Resource { provider: 0, category: "AI and Machine Learning", service: "Model Endpoints", name: "endpoint-churn", kind: "Endpoint", unit: "Hours", price: 0.35, units: 24.0, committed: false, project: "churn", model: "churn", days: YEAR },
    Resource { provider: 0, category: "Networking", service: "Data Transfer", name: "egress", kind: "Gateway", unit: "GB", price: 0.07, units: 420.0, committed: false, project: "platform", model: "none", days: YEAR },
    Resource { provider: 1, category: "Compute", service: "Virtual Machines", name: "batch-1", kind: "VM", unit: "Hours", price: 0.31, units: 72.0, committed: false, project: "forecast", model: "demand", days: YEAR },
    Resource { provider: 1, category: "Compute", service: "Virtual Machines", name: "batch-2", kind: "VM", unit: "Hours", price: 0.31, units: 36.0, committed: false, project: "pricing", model: "price", days: YEAR },
    Resource { provider: 1, category: "Analytics", service: "Notebooks", name: "notebooks", kind: "Workspace", unit: "Hours", price: 0.22, units: 90.0, committed: false, project: "analytics", model: "none", days: YEAR },
    Resource { provider: 1, category: "Storage", service: "Object Storage", name: "backup", kind: "Bucket", unit: "GB-days", price: 0.0005, units: 38_000.0, committed: false, project: "platform", model: "none", days: YEAR },
    Resource { provider: 1, category: "AI and Machine Learning", service: "Language Model API", name: "llm-tickets", kind: "API", unit: "1K tokens", price: 0.004, units: 5_200.0, committed: false, project: "support", model: "ticket_triage", days: (60, DAYS) },
    Resource { provider: 1, category: "Databases", service: "Managed Postgres", name: "features-online", kind: "Database", unit: "Hours", price: 0.58, units: 24.0, committed: false, project: "platform", model: "none", days: YEAR },
    Resource { provider: 1, category: "Networking", service: "Data Transfer", name: "peering", kind: "Link", unit: "GB", price: 0.05, units: 260.0, committed: false, project: "platform", model: "none", days: YEAR },
    Resource { provider: 0, category: "Compute", service: "Virtual Machines", name: "train-gpu-c", kind: "GPU node", unit: "Hours", price: 3.10, units: 6.0, committed: true, project: "forecast", model: "demand", days: (90, DAYS) },
];

/// One row of the bill; costs in cents.
struct Line {
    day: u16,
    provider: usize,
    category: &'static str,
    class: Option<&'static str>,
    description: String,
    frequency: &'static str,
    service: (&'static str, &'static str),
    resource: Option<(String, &'static str, &'static str)>,
    pricing: Option<(&'static str, f64, &'static str, f64, f64)>,
    billed: i64,
    list: i64,
    contracted: i64,
    effective: i64,
    commitment: Option<&'static str>,
    tags: Option<String>,
    project: Option<&'static str>,
}

fn cents(euros: f64) -> i64 {
    (euros * 100.0).round() as i64
}

/// The lines of one resource on one day: a part under the commitment, and the rest at the contracted price.
fn usage(resource: &Resource, number: usize, day: u16, draw: &mut Draw, lines: &mut Vec<Line>) {
    let weekend = crate::calendar::weekday(day) > 4;
    let busy = if weekend && resource.unit != "GB-days" {
        0.7
    } else {
        1.0
    };
    let growth = 1.0 + 0.25 * f64::from(day) / f64::from(DAYS);
    let units = resource.units * busy * growth * (0.08 * draw.normal()).exp();
    let untagged = draw.chance(UNTAGGED);
    let env = if number % 5 == 4 { "dev" } else { "prod" };
    let tags = (!untagged).then(|| {
        format!(
            r#"{{"project":"{}","model":"{}","env":"{env}"}}"#,
            resource.project, resource.model
        )
    });
    let covered = if resource.committed { 0.86 } else { 0.0 };
    for (share, committed) in [(covered, true), (1.0 - covered, false)] {
        if share <= 0.0 {
            continue;
        }
        let quantity = (units * share * 1_000.0).round() / 1_000.0;
        let list = cents(quantity * resource.price);
        let contracted = cents(quantity * resource.price * CONTRACTED);
        let effective = if committed {
            cents(quantity * resource.price * COMMITTED)
        } else {
            contracted
        };
        lines.push(Line {
            day,
            provider: resource.provider,
            category: "Usage",
            class: None,
            description: format!("{} {}", resource.service, resource.name),
            frequency: "Usage-Based",
            service: (resource.category, resource.service),
            resource: Some((format!("res-{:03}", number + 1), resource.name, resource.kind)),
            pricing: Some((
                if committed { "Committed" } else { "Standard" },
                quantity,
                resource.unit,
                resource.price,
                resource.price * CONTRACTED,
            )),
            // Committed usage was paid with the commitment's purchase.
            billed: if committed { 0 } else { contracted },
            list,
            contracted,
            effective,
            commitment: committed.then_some("Used"),
            tags: tags.clone(),
            project: Some(resource.project),
        });
    }
}

/// A line that concerns a provider as a whole.
fn general(day: u16, provider: usize, category: &'static str, description: &str, billed: i64, effective: i64) -> Line {
    Line {
        day,
        provider,
        category,
        class: None,
        description: description.to_owned(),
        frequency: if category == "Purchase" {
            "Recurring"
        } else {
            "One-Time"
        },
        service: ("Other", "Account"),
        resource: None,
        pricing: None,
        billed,
        list: billed,
        contracted: billed,
        effective,
        commitment: None,
        tags: None,
        project: None,
    }
}

fn month_of(day: u16) -> (u16, u16, u16) {
    let first = (1..=12u16).rev().find(|&m| date(m, 1) <= day).unwrap_or(1);
    (
        first,
        date(first, 1),
        if first == 12 { DAYS } else { date(first + 1, 1) },
    )
}

fn bill(seed: u64) -> Vec<Line> {
    let mut lines = Vec::with_capacity(9_000);
    for day in 0..DAYS {
        let from = lines.len();
        for (number, resource) in RESOURCES.iter().enumerate() {
            if (resource.days.0..resource.days.1).contains(&day) {
                let mut draw = Key::new(seed, Subject::Cloud, number as u64).at(u64::from(day), 0);
                usage(resource, number, day, &mut draw, &mut lines);
            }
        }
        if (ORPHAN.0..ORPHAN.0 + ORPHAN.1).contains(&day) {
            lines.push(Line {
                category: "Usage",
                frequency: "Usage-Based",
                service: ("Compute", "Virtual Machines"),
                resource: Some(("res-099".to_owned(), "gpu-orphan", "GPU node")),
                pricing: Some(("Standard", 24.0, "Hours", 310.0 / 24.0 / CONTRACTED, 310.0 / 24.0)),
                list: cents(310.0 / CONTRACTED),
                ..general(day, 0, "Usage", "Virtual Machines gpu-orphan", ORPHAN.2, ORPHAN.2)
            });
        }
        let (month, first, next) = month_of(day);
        if day + 1 == next {
            // The purchase of the commitment is billed in the month that it covers and amortised into usage.
            let used = |l: &Line| l.commitment.is_some() && (first..next).contains(&l.day);
            let amortised: i64 = lines.iter().filter(|l| used(l)).map(|l| l.effective).sum();
            let unused = amortised / 50;
            lines.push(general(
                first,
                0,
                "Purchase",
                "Compute commitment",
                amortised + unused,
                0,
            ));
            lines.push(Line {
                commitment: Some("Unused"),
                frequency: "Usage-Based",
                list: 0,
                contracted: 0,
                ..general(day, 0, "Usage", "Compute commitment, unused", 0, unused)
            });
            let lake: i64 = lines[from..].iter().filter(|l| l.provider == 0).map(|l| l.billed).sum();
            lines.push(general(day, 0, "Credit", "Migration credit", -(lake / 4), -(lake / 4)));
            if month % 3 == 0 {
                let fault = -1_500 - 100 * i64::from(month);
                lines.push(Line {
                    class: Some("Correction"),
                    ..general(day, 1, "Usage", "Overbilled transfer", fault, fault)
                });
            }
            lines.push(general(day, 1, "Tax", "Value added tax on support", 4_200, 4_200));
        }
    }
    lines.sort_by_key(|l| l.day);
    lines
}

/// Writes the bill and the cluster's meter.
pub(crate) fn write(seed: u64, dir: &Path) -> Result<Vec<Finished>, DemoError> {
    Ok(vec![
        write_table(dir, &FOCUS, arrays(&bill(seed)))?,
        write_table(dir, &USAGE, meter(seed))?,
    ])
}

/// The meter of the shared cluster: true shares with daily noise.
fn meter(seed: u64) -> Vec<ArrayRef> {
    let mut days = Vec::new();
    let mut projects = Vec::new();
    let mut seconds = Vec::new();
    for day in 0..DAYS {
        for (n, (project, share)) in SHARES.iter().enumerate() {
            let mut draw = Key::new(seed, Subject::Cloud, 1_000 + n as u64).at(u64::from(day), 0);
            days.push(i32::from(day));
            projects.push(*project);
            seconds.push((share * 5_529_600.0 * (0.05 * draw.normal()).exp()).round() as i64);
        }
    }
    let count = days.len();
    vec![
        dates(days),
        texts(vec!["res-003"; count]),
        texts(projects),
        longs(seconds),
    ]
}

fn arrays(lines: &[Line]) -> Vec<ArrayRef> {
    let text = |f: &dyn Fn(&Line) -> String| texts(lines.iter().map(f));
    let maybe = |f: &dyn Fn(&Line) -> Option<String>| texts_or(lines.iter().map(f));
    let number = |f: &dyn Fn(&Line) -> Option<f64>| crate::columns::doubles_or(lines.iter().map(f).collect());
    let time = |f: &dyn Fn(&Line) -> i64| times(lines.iter().map(f).collect());
    let money = |f: &dyn Fn(&Line) -> i64| decimals(lines.iter().map(f).collect());
    let provider = |l: &Line| PROVIDERS[l.provider];
    vec![
        text(&|l| provider(l).1.to_owned()),
        text(&|l| format!("Larkspur at {}", provider(l).0)),
        text(&|_| "EUR".to_owned()),
        time(&|l| midnight(month_of(l.day).1)),
        time(&|l| midnight(month_of(l.day).2)),
        time(&|l| midnight(l.day)),
        time(&|l| midnight(l.day) + DAY),
        text(&|l| l.category.to_owned()),
        maybe(&|l| l.class.map(str::to_owned)),
        text(&|l| l.description.clone()),
        text(&|l| l.frequency.to_owned()),
        text(&|l| provider(l).0.to_owned()),
        text(&|l| provider(l).0.to_owned()),
        text(&|l| provider(l).0.to_owned()),
        text(&|l| format!("{}-2025{:02}", provider(l).1, month_of(l.day).0)),
        text(&|l| l.service.0.to_owned()),
        text(&|l| l.service.1.to_owned()),
        text(&|l| provider(l).2.to_owned()),
        maybe(&|l| l.project.map(|p| format!("sub-{p}"))),
        maybe(&|l| l.project.map(str::to_owned)),
        maybe(&|l| l.resource.as_ref().map(|r| r.0.clone())),
        maybe(&|l| l.resource.as_ref().map(|r| r.1.to_owned())),
        maybe(&|l| l.resource.as_ref().map(|r| r.2.to_owned())),
        maybe(&|l| l.resource.as_ref().map(|r| format!("sku-{}-{}", provider(l).1, r.1))),
        maybe(&|l| l.pricing.map(|p| p.0.to_owned())),
        number(&|l| l.pricing.map(|p| p.1)),
        maybe(&|l| l.pricing.map(|p| p.2.to_owned())),
        number(&|l| l.pricing.map(|p| p.1)),
        maybe(&|l| l.pricing.map(|p| p.2.to_owned())),
        number(&|l| l.pricing.map(|p| p.3)),
        number(&|l| l.pricing.map(|p| p.4)),
        money(&|l| l.billed),
        money(&|l| l.list),
        money(&|l| l.contracted),
        money(&|l| l.effective),
        maybe(&|l| l.commitment.map(|_| "commit-2025".to_owned())),
        maybe(&|l| l.commitment.map(|_| "Spend".to_owned())),
        maybe(&|l| l.commitment.map(str::to_owned)),
        maybe(&|l| l.commitment.map(|_| "Savings Plan".to_owned())),
        maybe(&|l| l.tags.clone()),
    ]
}

/// True parameters of the bill.
pub(crate) fn parameters() -> Vec<(&'static str, f64)> {
    vec![
        ("cloud.cluster_share.recommender", SHARES[0].1),
        ("cloud.cluster_share.forecast", SHARES[1].1),
        ("cloud.cluster_share.churn", SHARES[2].1),
        ("cloud.untagged_share", UNTAGGED),
        ("cloud.orphan_days", f64::from(ORPHAN.1)),
        ("cloud.orphan_cents_a_day", ORPHAN.2 as f64),
    ]
}
